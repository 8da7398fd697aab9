"""Things Slack hands out that expire: trigger ids and response URLs."""

import secrets
import time
from dataclasses import dataclass

from chatbot.sandbox.slack.model import Message
from chatbot.sandbox.slack.pace import Pace


class ApiError(Exception):
    """Slack says no: ``error`` is its name for the reason, ``details`` go beside it in the answer."""

    def __init__(self, error: str, *, status: int = 200, **details: object) -> None:
        super().__init__(error)
        self.error, self.status, self.details = error, status, details


@dataclass(slots=True, kw_only=True)
class Trigger:
    """Who may be shown a modal for it, from which view it came, and since when it counts."""

    person: str
    view: str | None
    at: float
    spent: bool = False


class Triggers:
    """trigger ids: each opens one modal within a few seconds."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._known: dict[str, Trigger] = {}

    def issue(self, trigger_id: str, *, person: str, view: str | None = None) -> None:
        """Begin the life of a trigger; a known one keeps its age (a payload delivered again)."""
        self._known.setdefault(trigger_id, Trigger(person=person, view=view, at=time.monotonic()))

    def spend(self, trigger_id: str) -> Trigger:
        """Exchange it, once and in time, else ApiError."""
        trigger = self._known.get(trigger_id)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.spent:
            raise ApiError("exchanged_trigger_id")
        if time.monotonic() - trigger.at > self._pace.trigger:
            raise ApiError("expired_trigger_id")
        trigger.spent = True
        return trigger


@dataclass(slots=True, kw_only=True)
class ReplyPass:
    """One response URL: where its answers appear, for whom, and the clicked message (``None``: a command)."""

    channel: str
    person: str
    message: Message | None
    at: float
    left: int


class ReplyPasses:
    """Response URLs: five uses in thirty minutes."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._known: dict[str, ReplyPass] = {}

    def issue(self, *, channel: str, person: str, message: Message | None = None) -> str:
        """The secret path segment of a fresh response URL."""
        key = secrets.token_hex(12)
        left = self._pace.response_url_uses
        self._known[key] = ReplyPass(
            channel=channel, person=person, message=message, at=time.monotonic(), left=left
        )
        return key

    def use(self, key: str) -> ReplyPass:
        """Count one use, else ApiError with HTTP 404."""
        reply = self._known.get(key)
        if reply is None:
            raise ApiError("no_such_url", status=404)
        if time.monotonic() - reply.at > self._pace.response_url:
            raise ApiError("expired_url", status=404)
        if reply.left == 0:
            raise ApiError("used_url", status=404)
        reply.left -= 1
        return reply
