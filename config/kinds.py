"""Kinds of values; a check's ValueError goes on after the name of the setting ("... must be")."""

import re
from itertools import pairwise
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

_BOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def _matches(pattern: str, wanted: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {wanted}")
        return value

    return AfterValidator(check)


def _http_url(value: str) -> str:
    if any(sign.isspace() or not sign.isprintable() for sign in value):
        raise ValueError("must be one address without spaces or line breaks")
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises when it is no number or out of range
    except ValueError:
        raise ValueError(
            "must be an address such as http://localhost:8000; this one cannot be read"
        ) from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    if not parts.hostname:
        raise ValueError("must name a host, such as http://localhost:8000")
    if "@" in parts.netloc:
        raise ValueError("must not carry a user or password; use the token setting beside it")
    if parts.query or parts.fragment:
        raise ValueError("must end before ? and #; paths are added to it")
    return value.rstrip("/")


def http_link(value: str) -> str:
    """The address as it is; ValueError for one that could not be asked for."""
    if not re.fullmatch(r"https?://[^\s<>|]+", value):
        raise ValueError("must be an address that begins with http:// or https://, without spaces")
    return value


def none_word(value: object) -> object:
    """``None`` for the word none and for nothing, else the value."""
    return None if isinstance(value, str) and value.strip().lower() in ("", "none") else value


def _probed_url(value: str) -> str:
    if value.startswith("tcp://"):
        if not re.fullmatch(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}", value):
            raise ValueError("must be tcp://host:port, such as tcp://localhost:5432")
        if not 0 < int(value.rpartition(":")[2]) < 65_536:
            raise ValueError("must name a port from 1 to 65535")
        return value
    return _http_url(value)


def _argv(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words or not words[0].startswith("/"):
        raise ValueError('must be a list that begins with the whole path of a program, as ["/bin/systemctl"]')
    if any("\0" in word for word in words):
        raise ValueError("must hold plain words")
    return words


def _database_url(value: str) -> str:
    if re.fullmatch(r"sqlite:///(?!:memory:).+|postgresql(\+psycopg)?://[^/].*", value):
        return value
    raise ValueError(
        "must be sqlite:///FILE, such as sqlite:///var/chatbot.db, or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    )


def _bots(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError('must name at least one bot, such as ["ndax"]')
    for number, name in enumerate(names, start=1):
        if not _BOT.fullmatch(name):
            raise ValueError(f"must hold names of letters, digits, - and _; entry {number} is not one")
        if name.lower() == "all":
            raise ValueError(f'must not hold "all" (entry {number}), which means every bot')
    if len({name.lower() for name in names}) < len(names):
        raise ValueError("must name each bot once")
    return names


def _increasing(seconds: tuple[float, ...]) -> tuple[float, ...]:
    if not seconds:
        raise ValueError("must hold at least one number of seconds, such as [3, 10, 30]")
    if seconds[0] <= 0 or any(later <= earlier for earlier, later in pairwise(seconds)):
        raise ValueError("must hold seconds above 0, each larger than the one before, such as [3, 10, 30]")
    return seconds


def _unique(ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))


def _ending_in_slash(value: str) -> str:
    return value if value.endswith("/") else value + "/"


def _quiet_hours(value: str) -> str:
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d-([01]?\d|2[0-3]):[0-5]\d", value):
        raise ValueError("must be two times of day such as 22:00-07:00, or none")
    begins, ends = value.split("-")
    if begins == ends:
        raise ValueError("must begin and end at different times")
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Berlin or UTC") from None
    return name


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


UserId = Annotated[str, _matches(r"[UW][A-Z0-9]+", "a Slack user id such as U012AB3CD, not a name")]
ChannelId = Annotated[str, _matches(r"[CG][A-Z0-9]+", "a Slack channel id such as C012AB3CD, not a name")]
GroupId = Annotated[str, _matches(r"S[A-Z0-9]+", "a Slack user group id such as S012AB3CD, not a name")]
TeamId = Annotated[str, _matches(r"[TE][A-Z0-9]+", "a Slack workspace id such as T012AB3CD")]
AppId = Annotated[str, _matches(r"A[A-Z0-9]+", "a Slack app id such as A012AB3CD")]
SlashCommand = Annotated[
    str,
    _matches(r"/[a-z0-9_-]{1,31}", "a slash and at most 31 small letters, digits, - or _, such as /fleet"),
]
UserIds = Annotated[tuple[UserId, ...], AfterValidator(_unique)]
ChannelIds = Annotated[tuple[ChannelId, ...], AfterValidator(_unique)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
SlackApiUrl = Annotated[HttpUrl, AfterValidator(_ending_in_slash)]
"""Method names are joined to it, which drops a last part without a slash."""
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Bots = Annotated[tuple[str, ...], AfterValidator(_bots)]
Rising = Annotated[tuple[float, ...], AfterValidator(_increasing)]
OptionalUrl = Annotated[HttpUrl | None, BeforeValidator(none_word)]
ProbedUrl = Annotated[str, AfterValidator(_probed_url)]
Argv = Annotated[tuple[str, ...], AfterValidator(_argv)]
ActionName = Annotated[
    str, _matches(r"[a-z][a-z0-9-]{1,30}", "2 to 31 small letters, digits and -, such as restart-coordinator")
]
Link = Annotated[str, AfterValidator(http_link)]
Text = Annotated[str, Field(min_length=1)]
RaiseCommand = Literal[
    "override",
    "force-override",
    "start",
    "start-sequential",
    "resume",
    "lockdown",
    "recover",
    "config",
    "host",
]
"""The commands that a second admin approves; a test holds them against the table of commands."""
Approvers = Annotated[int, Field(ge=1, le=10)]
Lower = BeforeValidator(_lower)
QuietHours = Annotated[Annotated[str, AfterValidator(_quiet_hours)] | None, BeforeValidator(none_word)]
Zone = Annotated[str, AfterValidator(_zone)]
HookSecret = Annotated[SecretStr, Field(min_length=16)]
SeverityWord = Annotated[Literal["info", "warning", "high", "critical"], Lower]
