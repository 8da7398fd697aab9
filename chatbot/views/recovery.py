"""Every message about recovery logs: the card, its checklist, lists, reminders."""

from collections.abc import Sequence
from datetime import datetime

from chatbot.views.blocks import (
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    header,
    message,
    preformatted,
    section,
)
from chatbot.views.markup import NAME_SHOWN, channel, outside, person, when
from chatbot.views.sparks import bars
from commands.recovering.export import span, table
from commands.recovering.model import OUTCOMES, SCENARIOS
from commands.recovering.trends import Trend
from storage.recoveries import Correction, Item, RecoveryRow

FIELD_SHOWN = 900
LINES_SHOWN = 12
LISTED = 20
MOMENTS_SHOWN = 15
CORRECTIONS_SHOWN = 5
NEW = "recovery.new"
SHARE = "recovery.share"


def card(
    log: RecoveryRow, corrections: Sequence[Correction], *, audit: tuple[int, str] | None = None
) -> Message:
    """The card of one log: Edit and Close while it is open, Correct once it is closed."""
    return message(
        header(f"📝 Recovery log #{log.id}: {log.bot or 'the fleet'} ({log.state})"),
        *_fields(log),
        *_appended(corrections),
        actions(*_buttons(log)),
        context(_small_print(log, audit)),
    )


def _fields(log: RecoveryRow) -> tuple[Block | None, ...]:
    scenario = SCENARIOS.get(log.scenario, log.scenario)
    outcome = OUTCOMES.get(log.outcome, log.outcome) or "_not filled in yet_"
    return (
        section(
            f"*Date*: {when(log.began_at, day=True)} · *Scenario*: {outside(scenario, 80)}",
            f"*Issue*: {_text(log.issue)}",
            f"*Root cause*: {_text(log.root_cause)}",
        ),
        section(f"*Actions taken*:\n{_text(log.actions_taken)}"),
        section(f"*Outcome*: {outcome}", f"*Lessons learned*: {_text(log.lessons)}"),
        section(
            f"*Time to detect* {span(log.detect_s)} · *to stop* {span(log.stop_s)} · *to verify* {span(log.verify_s)} "
            f"· *to recover* {span(log.recover_s)}",
            f"*People*: {', '.join(person(each) for each in log.people[:10]) or 'nobody'}",
            f"*Approvals*: {outside('; '.join(log.approvals), 400) or 'none'}",
        ),
    )


def _text(text: str) -> str:
    """What somebody wrote, line by line; cut where it is long."""
    lines = [outside(each, FIELD_SHOWN) for each in text.splitlines() if each.strip()]
    shown, length = [], 0
    for each in lines[:LINES_SHOWN]:
        length += len(each)
        if length > FIELD_SHOWN:
            break
        shown.append(each)
    more = ["…"] if len(shown) < len(lines) else []
    return "\n".join([*shown, *more]) or "_not filled in yet_"


def _appended(corrections: Sequence[Correction]) -> tuple[Block | None, ...]:
    shown = corrections[-CORRECTIONS_SHOWN:]
    lines = [f"{when(each.at, day=True)} {person(each.by)}: {outside(each.text, 500)}" for each in shown]
    return (section("*Corrections*", *lines),) if lines else ()


def _buttons(log: RecoveryRow) -> tuple[Block, ...]:
    value = str(log.id)
    if log.state != "open":
        return (button("Correct", "recovery.correct", value=value),)
    sure = confirm(
        "Close this log?",
        "Nobody can change it any more; corrections can only be appended. Its checklist goes on.",
        yes="Close",
    )
    return (
        button("Edit", "recovery.edit", value=value, style="primary"),
        button("Close", "recovery.close", value=value, confirm=sure),
    )


def _small_print(log: RecoveryRow, audit: tuple[int, str] | None) -> str:
    parts = [f"log #{log.id}, version {log.version}", f"opened by {person(log.opened_by)}"]
    if log.closed_at is not None:
        parts.append(f"closed {when(log.closed_at, day=True)} by {person(log.closed_by or '')}")
    parts.append(f"evidence {log.evidence[:12]}… of {len(log.timeline)} moments")
    if audit is not None:
        parts.append(f"audit #{audit[0]} {audit[1][:12]}…")
    return " · ".join(parts)


def full(log: RecoveryRow, corrections: Sequence[Correction], items: Sequence[Item]) -> Message:
    """One log in full, for one person."""
    moments = [
        f"{each.get('at', '')[:19]} {each.get('what', '')}{' by ' + str(each['who']) if each.get('who') else ''}"
        for each in log.timeline[-MOMENTS_SHOWN:]
    ]
    more = len(log.timeline) - len(moments)
    left = sum(each.done_at is None for each in items)
    return message(
        header(f"Recovery log #{log.id}: {log.bot or 'the fleet'} ({log.state})"),
        *_fields(log),
        section(f"*Timeline*{f', the last {len(moments)} of {len(log.timeline)}' if more > 0 else ''}")
        if moments
        else None,
        preformatted("\n".join(moments)) if moments else None,
        *_appended(corrections),
        context(
            f"{_small_print(log, None)} · {left} of {len(items)} on its checklist are open · "
            f"in full: chatbot recoveries show {log.id}"
        ),
    )


def opened(number: int, where: str) -> Message:
    """What the person who wrote it is told."""
    return answer(
        f"*Recovery log #{number}* is written down. Its card and its checklist stand in {channel(where)}."
    )


def answer(sentence: str) -> Message:
    """One sentence for the person who did something."""
    return message(section(sentence))


def write_here(bot: str | None) -> Message:
    """The button that opens the form where a typed command could not."""
    what = outside(bot or "the fleet", NAME_SHOWN)
    return message(
        section(f"The form about {what} opens with this button."),
        actions(button("Write the log", NEW, value=bot or "fleet", style="primary")),
    )


# -- the checklist -------------------------------------------------------------------------------------------------


def checklist(log: RecoveryRow, items: Sequence[Item], now: datetime) -> Message:
    """The ten items of a log, each with its tick."""
    left = sum(each.done_at is None for each in items)
    return message(
        section(f"*After recovery log #{log.id}*: {left} of {len(items)} left."),
        *(section(_item(each, now), accessory=_tick(each)) for each in items),
        actions(button("Assign", "recovery.assign", value=str(log.id))),
    )


def _item(one: Item, now: datetime) -> str:
    title = outside(one.title, 100)
    if one.done_at is not None:
        return f"☑ {title}: done {when(one.done_at, day=True)} by {person(one.done_by or '')}"
    late = " *overdue*" if one.due_at <= now else ""
    return f"☐ *{title}*: {person(one.owner)}, due {when(one.due_at, day=True)}{late}"


def _tick(one: Item) -> Block:
    value = str(one.id)
    return (
        button("Tick", "recovery.tick", value=value)
        if one.done_at is None
        else button("Untick", "recovery.untick", value=value)
    )


def todo(items: Sequence[tuple[Item, RecoveryRow]], now: datetime) -> tuple[Block | None, ...]:
    """What somebody still has to do, for their home tab."""
    if not items:
        return ()
    shown = [
        section(
            f"{_item(each, now)} (recovery log #{log.id}, {outside(log.bot or 'the fleet', NAME_SHOWN)})",
            accessory=_tick(each),
        )
        for each, log in items[:LISTED]
    ]
    more = len(items) - LISTED
    return (
        header("Your recovery checklist"),
        *shown,
        section(f"... and {more} more.") if more > 0 else None,
    )


def reminder(owner: str, log: RecoveryRow, items: Sequence[Item], now: datetime) -> Message:
    """What somebody still has to do after a recovery, and that it is due."""
    return message(
        section(
            f"{person(owner)} after *recovery log #{log.id}* ({outside(log.bot or 'the fleet', NAME_SHOWN)}) "
            f"{'this is' if len(items) == 1 else 'these are'} due:"
        ),
        *(section(_item(each, now), accessory=_tick(each)) for each in items),
    )


# -- lists ---------------------------------------------------------------------------------------------------------


def listing(logs: Sequence[RecoveryRow], total: int, of: str) -> Message:
    """The answer to /recoveries."""
    about = f" {outside(of, 60)}" if of else ""
    if not logs:
        return message(
            section(f"No recovery log{about}: /recoveries new <bot|fleet> writes one."),
        )
    lines = [
        f"*#{each.id}* {when(each.began_at, day=True)} {outside(each.bot or 'the fleet', NAME_SHOWN)}, "
        f"{outside(SCENARIOS.get(each.scenario, each.scenario), 60)}, {each.state}: "
        f"{outside(each.issue, 100) or 'no issue written'}"
        for each in logs[:LISTED]
    ]
    more = total - len(lines)
    return message(
        header(f"Recovery logs{f': {of}' if of else ''}"),
        section(*lines[:10]),
        section(*lines[10:]),
        section(f"... and {more} more: chatbot recoveries list.") if more > 0 else None,
        context("One in full: /recoveries and its number. Together: /recoveries trends."),
    )


def trends(rows: Sequence[Trend], *, charted: bool) -> Message:
    """The answer to /recoveries trends; ``charted``: a picture can be drawn here."""
    if rows and rows[-1].count == 0:
        return message(section("There is no recovery log yet, so there is nothing to count."))
    counts = bars([(each.name[:30], float(each.count)) for each in rows[:-1]])
    return message(
        header("What the recovery logs say together"),
        preformatted(table(rows)),
        preformatted(counts),
        actions(button("Share chart", SHARE)) if charted else None,
        context("Means over those logs that know the time. 'Cause unknown' counts that answer."),
    )
