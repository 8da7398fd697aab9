"""How fast the local Slack allows things to go and how long it waits, in seconds."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Slack's own times and limits; ``faster`` makes a copy for tests."""

    ack: float = 3.0  # to acknowledge a command, a click or an event
    trigger: float = 3.0  # life of a trigger_id
    response_url: float = 1800.0
    response_url_uses: int = 5
    event_retries: tuple[float, ...] = (0.0, 60.0, 300.0)
    posts_per_second: float = 1.0  # in each channel
    post_burst: int = 3
    calls_per_minute: float = 1.0  # factor on the tiers below

    def faster(self, speed: float) -> "Pace":
        """Rate limits refill and events come again ``speed`` times as fast; deadlines stay as they are."""
        return replace(
            self,
            event_retries=tuple(delay / speed for delay in self.event_retries),
            posts_per_second=self.posts_per_second * speed,
            calls_per_minute=self.calls_per_minute * speed,
        )


class Bucket:
    """A token bucket: ``burst`` at once, then ``per_second``."""

    def __init__(self, *, burst: float, per_second: float, now: float) -> None:
        self._burst, self._per_second = burst, per_second
        self._left, self._at = burst, now

    def take(self, now: float) -> int:
        """0 when one is allowed now, else the whole seconds to wait (at least 1, as Retry-After says it)."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0
        return max(1, math.ceil((1 - self._left) / self._per_second))


_TIER_PER_MINUTE = {
    "chat.update": 50,
    "chat.delete": 50,
    "chat.postEphemeral": 100,
    "conversations.info": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.open": 50,
    "conversations.list": 20,
    "conversations.members": 100,
    "users.list": 20,
    "usergroups.list": 20,
    "usergroups.users.list": 20,
    "reactions.add": 50,
    "pins.add": 20,
    "files.getUploadURLExternal": 100,
    "files.completeUploadExternal": 100,
}


class Limits:
    """Who called what how often: the workspace's budget per method and the budget of posts per channel."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._buckets: dict[str, Bucket] = {}

    def wait(self, method: str, channel: str | None, now: float) -> int:
        """0 when the call is allowed now, else whole seconds for Retry-After."""
        if method == "chat.postMessage":
            key, burst, rate = (
                f"{method} {channel}",
                float(self._pace.post_burst),
                self._pace.posts_per_second,
            )
        else:
            per_minute = _TIER_PER_MINUTE.get(method, 100) * self._pace.calls_per_minute
            key, burst, rate = method, max(1.0, per_minute), per_minute / 60
        bucket = self._buckets.setdefault(key, Bucket(burst=burst, per_second=rate, now=now))
        return bucket.take(now)
