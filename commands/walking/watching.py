"""Which monitoring window counts for a step that takes one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from commands.monitoring.judging import Rule, Seen
from storage.windows import WindowRow, WindowState


def covers(window: WindowRow, bot: str | None) -> bool:
    """True for a window over this bot, or over the whole fleet."""
    return window.bot is None or window.bot == bot


def fell(window: WindowRow, bot: str | None) -> bool:
    """True where a window shows that this bot (``None``: any) did not hold; a kill is told of by itself."""
    if (
        window.state != WindowState.UNSTABLE
        or window.rule == Rule.KILL
        or not covers(window, bot or window.bot)
    ):
        return False
    return bot is None or window.culprit in (None, bot)


def long_enough(window: WindowRow, least: timedelta) -> bool:
    """True where a window is meant to last as long as the step takes."""
    return window.ends_at - window.begun_at >= least


def proves(window: WindowRow, bot: str | None) -> bool:
    """True where the bot ran from the first look of the window to its stable end; ``None``: any bot of it."""
    began = Seen.from_json(window.seen).began
    return window.state == WindowState.STABLE and (bool(began) if bot is None else bot in began)


def may_prove(window: WindowRow, bot: str | None) -> bool:
    """True for an open window that a stable end would make a proof: its first look, if any, saw the bot run."""
    seen = Seen.from_json(window.seen)
    ran = bool(seen.began) if bot is None else bot in seen.began
    return window.state == WindowState.OPEN and (ran or seen.words is None)


def candidates(
    windows: Sequence[WindowRow],
    *,
    bot: str | None,
    opened: datetime,
    killed: datetime | None,
    down_at: datetime | None,
) -> tuple[WindowRow, ...]:
    """Those over the bot that began after the recovery, after the last kill, and after the bot last fell."""
    ended = [each.ended_at for each in windows if fell(each, bot)]
    after = max(each for each in (opened, killed, down_at, *ended) if each is not None)
    return tuple(each for each in windows if covers(each, bot) and each.begun_at >= after)


def counting(windows: Sequence[WindowRow], *, bot: str | None, least: timedelta) -> WindowRow | None:
    """Of these the one that counts: a long one that proves it, else one that is open, else the newest."""
    long = [each for each in windows if long_enough(each, least)]
    proven = [each for each in long if proves(each, bot)]
    still = [each for each in long if may_prove(each, bot)]
    for each in (proven, still, long):
        if each:
            return each[-1]
    return None
