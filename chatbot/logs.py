"""One stream of log lines on standard error, ours and the libraries', with every secret masked."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import date
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

MASK = "***"

DEEPEST = 10
"""Levels of nesting that are looked into; what lies deeper is masked whole."""

_NOISY = ("httpx", "httpcore", "apscheduler", "aiosqlite", "asyncio", "alembic.runtime.plugins")
"""Libraries that tell each request or tick as news; heard from ``warning`` on, all of it at ``debug``."""

_NAME = (
    r"(?:token|secret|passw(?:or)?d|pwd|authori[sz]ation|response_?url|api_?key|credentials?|cookie|ticket)"
)
_SECRET_KEY = re.compile(_NAME, re.IGNORECASE)
_VALUE = "|".join(
    (
        r"[\[({][\s\S]*",  # nobody can tell from text alone how far this secret goes: all that follows
        r"b?\\*\"[^\"]*\"",
        r"b?\\*'[^']*'",
        r"(?:(?:basic|bearer)\s+)?[^\s,;&\"')\]}]+",
    )
)
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # Slack's tokens: xoxb-, xoxp-, xoxe.xoxp-, xapp-
        (r"(xox[a-z](?:\.xox[a-z])?|xapp)-[\w.+/=%-]+", rf"\1-{MASK}"),
        # incoming webhooks and response URLs: whoever holds one can post with it
        (r"(https?://hooks\.slack(?:-gov)?\.com)/[^\s\"'<>)\]}\\]+", rf"\1/{MASK}"),
        # user:password@ in any URL, greedy because a password may hold an @, bounded so that it stays linear
        (r"(://)[^\s\"'<>]{1,300}@", rf"\1{MASK}@"),
        (r"\b(bearer)\s+[^\s\"',;)\]}\\]+", rf"\1 {MASK}"),
        # name=value and "name": "value" inside text, whatever the name begins with
        (rf"({_NAME}\\*[\"']?\s*[:=]\s*)(?:{_VALUE})", rf"\1{MASK}"),
    )
)


def masked(value: object, depth: int = 0) -> object:
    """The value with every secret in it masked; what is no plain data comes as its repr."""
    match value:
        case None | bool() | int() | float() | date():
            return value
        case str():
            return masked_text(value)
        case _ if depth >= DEEPEST:
            return MASK
        case Mapping():
            return {_name(key): _kept(key, each, depth) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [masked(each, depth + 1) for each in value]
        case _:
            return masked_text(_shown(value))


def masked_text(text: str) -> str:
    """The text with every secret in it masked."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _name(key: object) -> str:
    return masked_text(key if isinstance(key, str) else _shown(key))


def _kept(key: object, value: object, depth: int) -> object:
    secret = isinstance(key, str) and _SECRET_KEY.search(key) is not None
    if secret and value is not None and not isinstance(value, bool):
        return MASK
    return masked(value, depth + 1)


def _shown(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - an object that cannot be shown must not cost the line that tells of it
        return f"<{type(value).__name__} that cannot be shown>"


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that masks a whole event; it stands last before the line is rendered."""
    return {_name(key): _kept(key, value, 0) for key, value in event.items()}


def configure(style: Literal["json", "console"] | None, level: str, *, stream: TextIO | None = None) -> None:
    """Send all log lines to ``stream`` (standard error); without a style: console on a terminal, else JSON."""
    out = sys.stderr if stream is None else stream
    style = style or ("console" if out.isatty() else "json")
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                redact,
                _renderer(style, colors=out.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name in _NOISY:
        logging.getLogger(name).setLevel(threshold if threshold <= logging.DEBUG else logging.WARNING)


def _renderer(style: str, *, colors: bool) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    # the exception is text by now, since it had to pass the redaction
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
