"""What is said of a kill, sentence by sentence; markup unless told otherwise."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from chatbot.views.kill_state import KillCard
from chatbot.views.markup import ERROR_SHOWN, NAME_SHOWN, lasting, outside, person, when
from commands.kill import Doubt
from commands.words import listed

NAMES_SHOWN = 12
JOINED_SHOWN = 8
STALE = timedelta(seconds=5)

NOTHING_READ = "*Nothing could be read yet*: treat every bot as trading."
NOT_RECORDED = (
    "*Not yet in the audit*: the database does not answer. "
    "It is kept in the journal file, or in memory where that cannot be written either, until the database is back."
)
NO_BOTS = "every bot not trading"


def doubt_lines(card: KillCard) -> tuple[str, ...]:
    """Who is still trading, what is unknown and what the kill switch says, as it was last read."""
    if card.seen_at is None:
        return (NOTHING_READ,)
    lines = []
    trading = [doubt for doubt in card.doubts if doubt.bot is not None and doubt.proven]
    unknown = [doubt for doubt in card.doubts if doubt.bot is not None and not doubt.proven]
    if trading:
        lines.append(f"*Still trading*: {_named(trading)}.")
    if unknown:
        lines.append(f"*Unknown, so treat as trading*: {_named(unknown)}.")
    lines.extend(_switch(doubt) for doubt in card.doubts if doubt.bot is None)
    if not card.doubts:
        lines.append("At the last read nothing was trading any more.")
    age = card.now - card.seen_at
    if age > STALE:
        lines.append(f"That was read {lasting(age)} ago; *since then nothing could be read*.")
    return tuple(lines)


def doubts_in_short(doubts: Iterable[Doubt]) -> str:
    """The same in one phrase: "kill switch inactive, ndax running"."""
    each = [
        f"{outside(doubt.bot or 'kill switch', NAME_SHOWN)} {outside(doubt.word, NAME_SHOWN)}"
        for doubt in doubts
    ]
    return _and_more(each)


def fleet_seen(card: KillCard) -> str:
    """What a verified read showed: "kill switch active, 3 of 3 bots stopped"."""
    words = Counter(bot.status or "unknown" for bot in card.bots)
    total = len(card.bots)
    still = sum(bot.proven_still for bot in card.bots)
    if not card.bots:
        seen = NO_BOTS
    elif set(words) == {"stopped"}:
        seen = f"{still} of {total} bots stopped"
    else:
        each = ", ".join(
            f"{count} {outside(word, NAME_SHOWN)}" for word, count in words.most_common(NAMES_SHOWN)
        )
        seen = f"{still} of {total} bots not trading ({each})"
    return f"kill switch active, {seen}"


def verified(card: KillCard) -> str:
    """The sentence of a stop that was read back: how long it took, what was seen, and when."""
    at = card.verified_at or card.seen_at or card.now
    first = not card.returned and not card.switch_lost
    how = f"in {lasting(at - card.accepted_at)}" if first else f"again at {when(at)}"
    return f"Verified {how}: {fleet_seen(card)} (seen at {when(card.seen_at or at)})."


def released(card: KillCard) -> str:
    """That two people let the fleet trade again, and by which request; "" while our record holds the kill."""
    if card.released_at is None:
        return ""
    return f"*Released* at {when(card.released_at, day=True)} by {outside(card.released_by, NAME_SHOWN)}."


def watching(card: KillCard) -> str:
    """How long the fleet is looked at after the stop; "" when that is not known."""
    if card.watching_until is None:
        return ""
    if card.now < card.watching_until:
        return f"Being watched until {when(card.watching_until)}: a bot that comes back is stopped again."
    return f"It was watched until {when(card.watching_until)}, and our record holds it until it is released."


def sending(card: KillCard) -> str:
    """How often sending was tried, what came back last, and that it goes on."""
    times = "once" if card.attempts == 1 else f"{card.attempts} times"
    so_far = f"Tried {times} so far" if card.attempts else "It is being sent now"
    error = f"; last error: {outside(card.last_error, ERROR_SHOWN).rstrip('.')}" if card.last_error else ""
    return f"{so_far}{error}. Sending goes on until the fleet is seen stopped or a person closes this card."


def reason(card: KillCard) -> str:
    """Why, or that nobody said it yet."""
    return f"*Reason*: {outside(card.reason) or 'none given yet'}"


def joined(card: KillCard) -> tuple[str, ...]:
    """Who else asked for the same stop, when and why."""
    lines = [
        f"Also killed by {person(each.by)} at {when(each.at)}"
        + (f": {outside(each.reason)}" if each.reason else "")
        for each in card.joined[:JOINED_SHOWN]
    ]
    more = len(card.joined) - JOINED_SHOWN
    return (*lines, f"... and {more} more.") if more > 0 else tuple(lines)


def came_back(card: KillCard) -> str:
    """Which bots came back and how often the switch was forgotten since; "" when neither happened."""
    parts = []
    if card.returned:
        times = Counter(outside(bot, NAME_SHOWN) for bot in card.returned)
        each = [f"{bot} ({count} times)" if count > 1 else bot for bot, count in times.items()]
        parts.append(f"*Came back and was stopped again*: {_and_more(each)}.")
    if card.switch_lost:
        often = "once" if card.switch_lost == 1 else f"{card.switch_lost} times"
        parts.append(f"*The coordinator forgot the kill* {often}; it was sent again.")
    return " ".join(parts)


def small_print(card: KillCard) -> tuple[str, ...]:
    """Id, people and times, for the context line."""
    parts = [outside(card.id, NAME_SHOWN), f"accepted {when(card.accepted_at)} from {person(card.by)}"]
    times: tuple[tuple[str, datetime | None], ...] = (
        ("answered", card.sent_at),
        ("seen stopped", card.verified_at),
        ("last read", card.seen_at),
    )
    parts += [f"{what} {when(at)}" for what, at in times if at is not None]
    if card.audit is not None:
        number, digest = card.audit
        parts.append(f"audit #{number} {outside(digest[:12], 12)}")
    return tuple(parts)


def _switch(doubt: Doubt) -> str:
    if doubt.proven:
        return "*The kill switch is off*, says the coordinator."
    return "The kill switch is *unknown*: the coordinator does not say."


def _named(doubts: list[Doubt]) -> str:
    return _and_more(
        [f"{outside(doubt.bot or '', NAME_SHOWN)} ({outside(doubt.word, NAME_SHOWN)})" for doubt in doubts]
    )


def _and_more(each: list[str]) -> str:
    more = len(each) - NAMES_SHOWN
    return listed([*each[:NAMES_SHOWN], f"{more} more"] if more > 0 else each)
