"""The home tab: what waits for this person, what they have to do, what stands now, and the last requests."""

from collections.abc import Sequence
from datetime import datetime

from chatbot.views import approval, recovery
from chatbot.views.approval_state import RequestCard
from chatbot.views.approval_words import headline
from chatbot.views.blocks import View, context, header, home, section
from chatbot.views.markup import NAME_SHOWN, outside, person, when
from storage.latch import Latch
from storage.lockdown import Lockdown
from storage.recoveries import Item, RecoveryRow
from storage.walks import Walk

WAITING_SHOWN = 15
ENDED_SHOWN = 8
RECOVERIES_SHOWN = 10


def view(
    *,
    reader: str,
    may_decide: bool,
    waiting: tuple[RequestCard, ...],
    ended: tuple[RequestCard, ...],
    held: Latch | None,
    locked: Lockdown | None,
    root: str,
    now: datetime,
    todo: Sequence[tuple[Item, RecoveryRow]] = (),
    recoveries: Sequence[Walk] = (),
) -> View:
    """The tab of one reader; the buttons are there only for who may use them."""
    return home(
        header("Waiting for a second admin"),
        *(
            block
            for each in waiting[:WAITING_SHOWN]
            for block in (
                approval.entry(each, reader)
                if may_decide or each.solo
                else (section(f"*{outside(headline(each), 150)}*"),)
            )
        ),
        None if waiting else section("Nothing waits."),
        section(f"... and {len(waiting) - WAITING_SHOWN} more, see /approvals.")
        if len(waiting) > WAITING_SHOWN
        else None,
        section(_killed(held), _locked(locked)),
        section(*(_recovery(each) for each in recoveries[:RECOVERIES_SHOWN])) if recoveries else None,
        *recovery.todo(todo, now),
        header("Lately"),
        section(
            *(f"{outside(headline(each), 150)}, asked by {person(each.by)}" for each in ended[:ENDED_SHOWN])
        ),
        None if ended else section("Nothing was decided yet."),
        context(f"Stop the fleet: /kill · look: {outside(root, 40)} status · everything: /help"),
    )


def _killed(held: Latch | None) -> str:
    if held is None:
        return "*Our record*: the fleet is not killed."
    why = outside(held.reason, 200) or "no reason given"
    return f"*Our record*: killed since {when(held.engaged_at, day=True)} by {person(held.by)} ({why})."


def _recovery(walk: Walk) -> str:
    what, title = outside(walk.bot or "the fleet", NAME_SHOWN), outside(walk.title, 80)
    led = f"led by {person(walk.lead)}, since {when(walk.opened_at, day=True)}"
    return f"*Recovery #{walk.id}* of {what}{f', {title}' if title else ''}: {led} (/recover show {walk.id})."


def _locked(locked: Lockdown | None) -> str:
    if locked is None:
        return ""
    return f"*LOCKDOWN* since {when(locked.begun_at, day=True)} by {person(locked.by)}: nothing is started."
