"""The answers to /alerts, /silences and /oncall."""

import re
from datetime import datetime

from chatbot.views import alert_words as words
from chatbot.views.alert_card import body
from chatbot.views.alert_state import AlertCard, SilenceShown
from chatbot.views.blocks import Block, Message, actions, button, confirm, context, header, message, section
from chatbot.views.markup import NAME_SHOWN, lasting, outside, person, shortened
from chatbot.views.procedure import contact_lines
from config.settings import Contact

ALERTS_SHOWN = 20
SILENCES_SHOWN = 10
ENDED_SHOWN = 5
HISTORY_SHOWN = 20
CONDITIONS_SHOWN = 12
LINES_A_SECTION = 4  # so that the longest lines stay below the limit of a section
LINE_SHOWN = 700

_BY = re.compile(r"((?:owned )?by )([UW][A-Z0-9]{1,20})")
_HEARD = {  # how the record of decisions calls it -> in words
    "began": "it began",
    "again": "it was seen again",
    "ended": "it ended",
    "time": "looked at anew",
    "act": "a person acted",
    "post": "a message was posted",
    "update": "its message was redrawn",
    "hold": "nobody was told",
    "escalate": "people were called",
    "resolve": "its message says that it is over",
}
_SAYS_LITTLE = frozenset({"time", "act"})  # beside what was done then


def alerts(
    rows: tuple[AlertCard, ...],
    *,
    total: int,
    only: str,
    bot: str | None,
    now: datetime,
    armed: tuple[str, ...] = (),
    watched_since: datetime | None = None,
) -> Message:
    """The alerts that go on (``only`` "open") or all, as given; ``watched_since``: from when on it would be known."""
    of_bot = f" of {outside(bot, NAME_SHOWN)}" if bot else ""
    shown = rows[:ALERTS_SHOWN]
    more = total - len(shown)
    return message(
        header("🔔 Open alerts" if only == "open" else "🔔 Alerts, also those that are over"),
        section(_how_many(total, only, of_bot))
        if rows
        else section(*_none(only, of_bot, now, watched_since)),
        *_sections([_line(each) for each in shown]),
        section(
            f"... and *{more} more*, not shown{'' if bot else ': name a bot behind /alerts to see only its alerts'}."
        )
        if more > 0
        else None,
        section("One in full: /alerts and its number. What is kept quiet: /silences.") if rows else None,
        context(_armed(armed)),
        context(f"As of {words.moment(now, now)}") if rows else None,
    )


def one(state: AlertCard, history: tuple[tuple[datetime, str, str], ...]) -> Message:
    """One alert in full, and what was decided of it when and why, newest first."""
    lines = [_decided(at, what, why, state.now) for at, what, why in history[:HISTORY_SHOWN]]
    more = len(history) - HISTORY_SHOWN
    return message(
        *body(state),
        section("*What was decided, newest first*") if lines else section("Nothing was decided of it yet."),
        *_sections(lines),
        section(f"... and {more} earlier") if more > 0 else None,
        context(words.small_print(state)),
    )


def silences(active: tuple[SilenceShown, ...], ended: tuple[SilenceShown, ...], now: datetime) -> Message:
    """What is kept quiet, with a button to end each, and what was lately."""
    more = active[SILENCES_SHOWN:]
    return message(
        header("🔕 Silences"),
        None if active else section("*Nothing is silenced*: everybody hears of every alert."),
        *(block for each in active[:SILENCES_SHOWN] for block in _active(each, now)),
        section(f"... and *{len(more)} more*, not shown: end some of these first.") if more else None,
        section("*Lately ended*", *(shortened(_ended(each, now), 450) for each in ended[:ENDED_SHOWN]))
        if ended
        else None,
        context(
            f"As of {words.moment(now, now)} · a critical alert is quiet for an hour at most, whatever stands here"
        ),
    )


def on_call(
    who: str | None,
    until: datetime | None,
    by: str | None,
    *,
    fallback: tuple[Contact, ...],
    now: datetime,
) -> Message:
    """Whom a critical alert that nobody takes calls first, and who comes after."""
    if who is None:
        first = "*Nobody is on call.* To be it type /oncall me; to name somebody, /oncall and a mention."
        called = "the first contact below and everybody" if fallback else "everybody"
        order = f"Until then a critical alert that nobody takes calls {called} in the alerts channel."
    else:
        end = words.moment(until, now) if until is not None else "somebody changes it"
        said = f", as {person(by)} said" if by else ""
        first = f"*{person(who)} is on call* until {end}{said}."
        order = (
            "A critical alert that nobody takes calls them first, then another contact and everybody in the alerts "
            "channel, then all of them."
        )
    return message(
        header("📟 On call"),
        section(first, order),
        section("*Contacts*"),
        *_sections(list(contact_lines(fallback))),
        context(f"As of {words.moment(now, now)}; nobody was called or notified by this answer."),
    )


def _how_many(total: int, only: str, of_bot: str) -> str:
    many = "1 alert" if total == 1 else f"{total} alerts"
    if only == "open":
        return f"*{many}{of_bot} {'is' if total == 1 else 'are'} open*, the worst first."
    return f"*{many}{of_bot}*, open and over."


def _none(only: str, of_bot: str, now: datetime, watched_since: datetime | None) -> tuple[str, ...]:
    """That there is none, from when on that would be known, and what it does not say."""
    state = "open" if only == "open" else "known"
    since = ""
    if watched_since is not None:
        since = f"The fleet has been watched since {words.moment(watched_since, now)}, and nothing is known before."
    over = " Type /alerts all to see what is over." if only == "open" else ""
    return (f"*No alert{of_bot} is {state}*, at {words.moment(now, now)}.{over}", since)


def _line(each: AlertCard) -> str:
    """One alert: number, how bad, what, since when, and who has it."""
    if each.owner is not None:
        has = f"owned by {person(each.owner)}"
    elif each.silence is not None and each.firing:
        has = f"🔕 silenced {words.silence_end(each.silence, each.severity, each.now)}"
    else:
        has = "*nobody has taken it*" if each.firing else "nobody took it"
    span = words.lasted(each)
    when = f"since {words.moment(each.began_at, each.now)} ({span})"
    if not each.firing:
        ended = words.moment(each.ended_at or each.last_at, each.now)
        how = "not reported any more" if each.unheard else "over"
        when = f"{how} since {ended}, after {span}"
    bad = words.how_bad(each) + (" · 🔁 FLAPPING" if each.flapping else "")
    return (
        f"#{each.number} *{bad if each.firing or each.flapping else f'was {each.severity.value}'}*: "
        f"{outside(words.title(each).rstrip('.'), 150)}, {when}, seen {words.times(each.count)}, {has}"
    )


def _decided(at: datetime, what: str, why: str, now: datetime) -> str:
    heard = what.split(", ")[:4]
    if len(heard) > 1 and heard[0] in _SAYS_LITTLE:
        heard = heard[1:]
    parts = [_HEARD.get(part) or outside(part, NAME_SHOWN) for part in heard]
    owner = _BY.fullmatch(why)  # in our own words, where the one part from outside is an id
    reason = f"{owner[1]}{person(owner[2])}" if owner else outside(why, 200)
    return f"{words.moment(at, now)} {', '.join(filter(None, parts))}{f': {reason}' if reason else ''}"


def _active(each: SilenceShown, now: datetime) -> tuple[Block | None, ...]:
    quiet = "1 alert fires" if each.matching == 1 else f"{each.matching} alerts fire"
    left = lasting(each.ends_at - now)
    sure = confirm(
        "End this silence?",
        "What it keeps quiet and still fires is told to everybody at once.",
        yes="End it",
    )
    row = actions(button("End", "silence.end", value=str(each.number), confirm=sure))
    return (
        section(
            f"*Silence #{each.number}*: {words.about(each)}, {words.silence_end(each, None, now)} ({left} left)",
            f"by {person(each.owner)} since {words.moment(each.begun_at, now)}: "
            f"{outside(each.reason) or 'no reason given'}",
            f"*{quiet} and {'is' if each.matching == 1 else 'are'} kept quiet by it now.*"
            if each.matching
            else "It keeps nothing quiet now.",
        ),
        {**row, "block_id": f"silence-{each.number}"} if row is not None else None,
    )


def _ended(each: SilenceShown, now: datetime) -> str:
    at = words.moment(each.ended_at or each.ends_at, now)
    why = outside(each.reason, 150) or "no reason given"
    return f"#{each.number} {words.about(each)}, by {person(each.owner)} ({why}): {words.why_ended(each)} at {at}"


def _armed(conditions: tuple[str, ...]) -> str:
    if not conditions:
        return ""
    names = ", ".join(outside(each, NAME_SHOWN) for each in conditions[:CONDITIONS_SHOWN])
    more = len(conditions) - CONDITIONS_SHOWN
    return (
        f"Armed kill conditions, says the health monitor (ready, none of them has struck): {names}"
        f"{f' and {more} more' if more > 0 else ''}"
    )


def _sections(lines: list[str]) -> tuple[Block | None, ...]:
    kept = [shortened(each, LINE_SHOWN) for each in lines]
    return tuple(section(*kept[at : at + LINES_A_SECTION]) for at in range(0, len(kept), LINES_A_SECTION))
