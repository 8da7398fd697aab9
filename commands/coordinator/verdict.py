"""What an HTTP answer means: the JSON object in it, or one of our errors."""

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from commands.coordinator.errors import (
    CoordinatorError,
    RateLimited,
    Refused,
    Uncertain,
    Unintelligible,
    Unreachable,
)
from commands.coordinator.fields import Json, text

DEFINITE = frozenset(
    {
        "BOT_NOT_FOUND",
        "BOT_ALREADY_RUNNING",
        "BOT_NOT_RUNNING",
        "KILL_SWITCH_ACTIVE",
        "INVALID_PARAMETER",
    }
)
"""Codes that mean a clear no under any HTTP status.

The other ones also come when half of the work was done: under 5xx they leave it open, and INTERNAL_ERROR always does.
"""

_BARE_ERROR = frozenset({"error", "message", "code", "timestamp", "retryAfter", "retry_after"})
_LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was asked of whom: the words for every message, and whether it may have changed something."""

    who: str  # "The coordinator at localhost:8000"
    call: str  # "POST /kill-switch"
    write: bool
    token: str | None = field(repr=False)  # masked, should the far end repeat it

    def quoted(self, value: object) -> str | None:
        """Words of the far end, short and without our token; masked first, so that no cut leaves half of it."""
        if isinstance(value, str) and self.token:
            value = value.replace(self.token, "[hidden]")
        return text(value, _LONGEST_WORDS)

    def lost(self, reason: str) -> Uncertain | Unreachable:
        """The error for a request that left us and got no clear answer."""
        if self.write:
            return Uncertain(
                f"{self.who} got {self.call} but {reason}, so whether it acted is not known: read its status."
            )
        return Unreachable(
            f"{self.who} did not answer {self.call} ({reason}), so nothing was read: try again."
        )

    def strange(self, reason: str) -> Unintelligible:
        """The error for an answer that is none."""
        unknown = "whether it acted is not known" if self.write else "nothing was read"
        return Unintelligible(
            f"{self.who} answered {self.call} with {reason}, so {unknown}: check the configured URL."
        )

    def refused(self, why: str, status: int, *, bare: bool) -> str:
        """The words for a clear no; ``bare``: it came without any of its own."""
        nothing = "nothing was changed" if self.write else "nothing was read"
        if status == 401 or (status == 403 and (bare or not self.write)):
            step = "check the configured token"
        else:
            step = "look at /status before the next step" if self.write else "check the configured URL"
        return f"{self.who} refused {self.call} ({why}), so {nothing}: {step}."


def verdict(sent: Sent, status: int, headers: httpx.Headers, body: bytes, *, now: datetime) -> Json:
    """The decoded object of a success; raises what the answer means otherwise. ``now`` is for dates in Retry-After."""
    if 200 <= status < 300:
        said = _decoded(body)
        if said is None:
            raise sent.strange("something that is not a JSON object")
        if said.get("success") is False or ("success" not in said and _bare_error(said)):
            raise _no(sent, status, headers, said, now)
        return said
    if 300 <= status < 400:
        raise sent.strange(f"a redirect{_target(headers)}, which is never followed")
    raise _no(sent, status, headers, _decoded(body), now)


def _no(
    sent: Sent, status: int, headers: httpx.Headers, body: Json | None, now: datetime
) -> CoordinatorError:
    said = body or {}
    code = sent.quoted(said.get("code"))
    if status == 429 or code == "RATE_LIMIT":
        return RateLimited(
            f"{sent.who} turned {sent.call} away for too many requests, so nothing was done: wait, then try again.",
            retry_after=_retry_after(headers, said, now),
        )
    if code not in DEFINITE:
        if status >= 500 or status == 408:
            return sent.lost(f"answered HTTP {status}")
        if code == "INTERNAL_ERROR":
            return sent.lost("reported an internal error")
    if body is None and status not in {401, 403}:
        return sent.strange(f"HTTP {status} and something that is not a JSON object")
    words = sent.quoted(said.get("error")) or sent.quoted(said.get("message"))
    why = ": ".join(each for each in (code, words) if each) or f"HTTP {status}"
    return Refused(sent.refused(why, status, bare=body is None), code=code, status=status)


def _decoded(body: bytes) -> Json | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not Unicode, digits without end; brackets without end
        return None
    return value if isinstance(value, dict) else None


def _bare_error(body: Json) -> bool:
    return text(body.get("error")) is not None and body.keys() <= _BARE_ERROR


def _target(headers: httpx.Headers) -> str:
    """The host a redirect points to, and nothing else of it: the rest may carry secrets."""
    try:
        host = httpx.URL(headers.get("location", "")).host
    except (httpx.InvalidURL, ValueError):
        return ""
    shown = text(host, 100)
    return f" to {shown}" if shown else ""


def _retry_after(headers: httpx.Headers, body: Json, now: datetime) -> float | None:
    """Seconds, from the header (seconds or a date) or else from the body."""
    header = headers.get("retry-after")
    for value in (header, body.get("retryAfter"), body.get("retry_after")):
        seconds = _seconds(value)
        if seconds is not None:
            return seconds
    try:
        at = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    aware = (
        at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    )  # "-0000" is UTC without a word about its zone
    return max(0.0, (aware - now).total_seconds())


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
