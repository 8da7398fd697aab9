"""Whether a window goes on: what was read, held against the rules that end it as unstable. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from commands.monitoring.look import BotLook, Look, rise

ERROR_SPAN = timedelta(minutes=5)
HEALTH_LOOKS = 2
"""Looks in a row below the threshold: one alone may be a blip."""


class Rule(StrEnum):
    """What ends a window before its time."""

    KILL = "kill"
    STOPPED = "stopped"  # somebody stopped or paused it through this bot
    LEFT_RUNNING = "left_running"
    HEALTH = "health"
    ERRORS = "errors"
    ALERT = "alert"  # a critical one


ALARMS = frozenset({Rule.LEFT_RUNNING, Rule.HEALTH, Rule.ERRORS, Rule.ALERT})
"""Rules whose end is told loudly: whoever kills or stops knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The numbers of the rules; ``error_rise`` is counted over five minutes."""

    health_below: float = 50
    error_rise: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A kill or a stop that was accepted since the window began."""

    id: str
    by: str
    bot: str | None = None  # None: the whole fleet
    told: str = "stop"  # or "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burning:
    """A critical alert that began since the window did."""

    number: int
    message: str
    bot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What happened besides the looks since the window began."""

    kills: Sequence[Done] = ()
    stops: Sequence[Done] = ()
    alerts: Sequence[Burning] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a window remembers between two looks."""

    ran: frozenset[str] = frozenset()  # bots that were seen running
    began: frozenset[str] = frozenset()  # bots that ran when it began
    words: Mapping[str, str] | None = None  # bot -> its last status word; None before the first look
    killed: bool | None = None  # what the kill switch said last
    lowest: Mapping[str, float] = field(default_factory=dict)  # bot -> its worst health in any look

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-ready data."""
        words = dict(self.words) if self.words is not None else None
        lowest = dict(self.lowest)
        ran, began = sorted(self.ran), sorted(self.began)
        return {"ran": ran, "began": began, "words": words, "killed": self.killed, "lowest": lowest}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Seen":
        """What ``as_json`` made."""
        ran, began = data.get("ran"), data.get("began")
        words, killed, lowest = data.get("words"), data.get("killed"), data.get("lowest")
        return cls(
            ran=frozenset(map(str, ran)) if isinstance(ran, list) else frozenset(),
            began=frozenset(map(str, began)) if isinstance(began, list) else frozenset(),
            words={str(name): str(word) for name, word in words.items()} if isinstance(words, dict) else None,
            killed=killed if isinstance(killed, bool) else None,
            lowest={str(name): float(low) for name, low in lowest.items()}
            if isinstance(lowest, dict)
            else {},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort:
    """Why a window ends as unstable; ``culprit`` is the bot, ``None`` where it is none."""

    rule: Rule
    why: str
    culprit: str | None = None


def judge(
    watched: Sequence[str],
    looks: Sequence[Look],
    seen: Seen,
    around: Around,
    limits: Thresholds,
) -> Abort | None:
    """Why the window over these bots ends now, ``None`` when it goes on.

    ``looks`` are those of the last five minutes within the window, oldest first; the newest may be missing when only
    what happened ``around`` is to be judged. The first rule in the order of ``Rule`` counts.
    """
    newest = looks[-1] if looks else None
    if around.kills:
        return Abort(rule=Rule.KILL, why=f"the fleet was killed ({around.kills[0].id})")
    if newest is not None and newest.killed is True and seen.killed is False:
        return Abort(rule=Rule.KILL, why="the fleet was killed elsewhere")
    for done in around.stops:
        if done.bot in watched and done.bot in seen.ran:
            return Abort(
                rule=Rule.STOPPED, culprit=done.bot, why=f"{done.bot} was told to {done.told} ({done.id})"
            )
    for bot in watched:
        if newest is None:
            break
        abort = _of_one(bot, newest.bot(bot), looks, seen, limits)
        if abort is not None:
            return abort
    for alert in around.alerts:
        if alert.bot is None or alert.bot in watched:
            why = f"critical alert #{alert.number}: {alert.message}"
            return Abort(rule=Rule.ALERT, culprit=alert.bot, why=why)
    return None


def _of_one(bot: str, now: BotLook, looks: Sequence[Look], seen: Seen, limits: Thresholds) -> Abort | None:
    if bot in seen.ran and now.told and now.status != "running":
        return Abort(rule=Rule.LEFT_RUNNING, culprit=bot, why=f"{bot} left running: it is {now.status}")
    last = [each.bot(bot) for each in looks[-HEALTH_LOOKS:]]
    low = [each.health is not None and each.moving and each.health < limits.health_below for each in last]
    if len(last) == HEALTH_LOOKS and all(low):
        why = f"the health of {bot} is {now.health:g}, under {limits.health_below:g}, in {HEALTH_LOOKS} looks"
        return Abort(rule=Rule.HEALTH, culprit=bot, why=why)
    new = rise(looks, bot)
    if now.moving and new >= limits.error_rise:
        why = f"{bot} had {new} new errors within five minutes"
        return Abort(rule=Rule.ERRORS, culprit=bot, why=why)
    return None


def remember(watched: Sequence[str], look: Look, seen: Seen) -> tuple[Seen, tuple[str, ...]]:
    """What the window remembers after a look, and what changed since the one before, in words."""
    words = dict(seen.words or {})
    news = []
    for bot in watched:
        now = look.bot(bot)
        word = now.status or "unknown"
        was = words.get(bot)
        if seen.words is not None and was is not None and was != word:
            news.append(f"{bot} went from {was} to {word}")
        words[bot] = word
    if seen.killed is not None and look.killed is not None and seen.killed != look.killed:
        news.append(f"the kill switch is {'active' if look.killed else 'inactive'} now")
    running = {bot for bot in watched if look.bot(bot).status == "running"}
    ran = seen.ran | running
    began = seen.began if seen.words is not None else seen.began | running
    killed = seen.killed if look.killed is None else look.killed
    healths = {bot: health for bot in watched if (health := look.bot(bot).health) is not None}
    lowest = {**seen.lowest, **{bot: min(now, seen.lowest.get(bot, now)) for bot, now in healths.items()}}
    return Seen(ran=ran, began=began, words=words, killed=killed, lowest=lowest), tuple(news)


def told(watched: Sequence[str], look: Look) -> bool:
    """True when the look says of each of these bots what it does: only then it is a read of the window."""
    return all(look.bot(bot).told for bot in watched)
