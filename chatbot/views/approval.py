"""The card of a request for approval, its copies, and what is said beside them."""

from datetime import datetime, timedelta

from chatbot.views import approval_words as words
from chatbot.views.approval_state import RequestCard, what
from chatbot.views.blocks import (
    Block,
    Message,
    View,
    actions,
    button,
    code_form,
    confirm,
    context,
    header,
    message,
    preformatted,
    reason_form,
    section,
)
from chatbot.views.markup import NAME_SHOWN, channel, lasting, outside, person, when

__all__ = [
    "RequestCard",
    "answer",
    "asked",
    "card",
    "code_modal",
    "copy_for_asker",
    "deny_modal",
    "ended",
    "news",
    "reminder",
    "what",
]


def card(state: RequestCard) -> Message:
    """The card in the approvals channel; once decided it has no buttons."""
    return _drawn(state, _to_decide(state), words.headline(state))


def copy_for_asker(state: RequestCard) -> Message:
    """The copy for the one who asked: it can only be withdrawn."""
    value = f"{state.id}:{state.version}"
    buttons = (button("Withdraw", "approval.withdraw", value=value),) if state.pending else ()
    return _drawn(state, buttons, words.own_headline(state))


def _drawn(state: RequestCard, buttons: tuple[Block, ...], headline: str) -> Message:
    return message(
        header(headline),
        section(words.loud(state)),
        section(*words.standing(state)),
        section("*This is sent, word by word*") if state.sends and state.pending else None,
        preformatted("\n".join(state.sends)) if state.sends and state.pending else None,
        section(words.asked_by(state), words.why_two(state)),
        section(*state.effects) if state.pending else None,
        section(*state.state) if state.pending else None,
        actions(*buttons),
        context(words.small_print(state)),
    )


def _to_decide(state: RequestCard) -> tuple[Block, ...]:
    value = f"{state.id}:{state.version}"
    if not state.pending:
        return ()
    if state.solo:
        return (button("Cancel", "approval.cancel", value=value, style="danger"),)
    sure = confirm(
        "Approve this?",
        f"It will {what(state)}, as soon as the last approval is given. It is recorded under your name.",
        yes="Approve",
        style="primary",
    )
    return (
        button("Approve", "approval.approve", value=value, style="primary", confirm=sure),
        button("Deny", "approval.deny", value=value, style="danger"),
    )


def entry(state: RequestCard, reader: str) -> tuple[Block | None, ...]:
    """One request on the home tab of a person, with the buttons that are for them."""
    value = f"{state.id}:{state.version}"
    buttons = _to_decide(state)
    headline = words.headline(state)
    if reader == state.by and not state.solo:
        buttons = (button("Withdraw", "approval.withdraw", value=value),)
        headline = words.own_headline(state)
    return (
        section(f"*{outside(headline, 150)}*", *words.standing(state), words.asked_by(state)),
        section(*state.effects),
        actions(*buttons),
        context(words.small_print(state)),
    )


def asked(state: RequestCard, where: str, others: tuple[str, ...]) -> Message:
    """What the person who asked is told at once."""
    value = f"{state.id}:{state.version}"
    if state.solo:
        return message(
            section(
                f"*Asked to {outside(what(state), 120)}*: you are the only admin, so it waits until "
                f"{when(state.frees_at or state.expires_at)}, in sight of everybody in {channel(where)}, and goes then "
                "unless somebody cancels. *Nothing was sent yet.*"
            ),
            actions(button("Withdraw", "approval.withdraw", value=value)),
            context(outside(state.id, NAME_SHOWN)),
        )
    people = ", ".join(person(each) for each in others[:10])
    many = "one of them approves" if state.needed == 1 else f"{state.needed} of them approve"
    return message(
        section(
            f"*Asked to {outside(what(state), 120)}*: it goes when {many}: {people}. "
            f"They see it in {channel(where)} and in a message of their own; it expires at {when(state.expires_at)}. "
            "*Nothing was sent yet.*"
        ),
        actions(button("Withdraw", "approval.withdraw", value=value)),
        context(outside(state.id, NAME_SHOWN)),
    )


def answer(state: RequestCard, sentence: str) -> str:
    """The sentence for a click on an old copy: what it was for, what the state is now, who changed it."""
    now = words.in_a_clause(state)
    return f"{sentence} {state.id} was asked to {what(state)}: {now}."


def reminder(state: RequestCard, now: datetime, others: tuple[str, ...]) -> Message:
    """A reply when half of the time is over."""
    left = lasting(max(state.expires_at - now, timedelta()))
    people = " ".join(person(each) for each in others if each not in state.approvers)
    return message(
        section(
            f"{people} *{outside(what(state), 120)}* still waits for an approval, asked by {person(state.by)}: "
            f"it expires in {left}. Nothing was sent so far."
        )
    )


def ended(state: RequestCard) -> Message:
    """A reply when it ended without being sent: an edited card notifies nobody."""
    return message(section(f"{person(state.by)} {words.ending(state)}"))


def news(state: RequestCard, *, to_all: bool = False) -> Message:
    """What was seen when it was carried out or could not be: for the one who asked, or all in the ops channel."""
    if to_all:
        who = f"Asked by {person(state.by)}, {words.approved_by(state)} ({outside(state.id, NAME_SHOWN)})."
        return message(section(f"*{outside(words.headline(state), 150)}*", *words.outcome(state), who))
    return message(
        section(f"{person(state.by)} *{outside(words.headline(state), 150)}*", *words.outcome(state)),
    )


def deny_modal(state: RequestCard) -> View:
    """The form behind Deny; it says where the request stands now."""
    return reason_form(
        "approval.deny",
        f"{state.id}:{state.version}",
        title="Deny",
        explanation=(
            f"{outside(what(state).capitalize(), 120)}, asked by {person(state.by)}: "
            f"{outside(words.in_a_clause(state), 600)}. One denial ends it, whatever others said."
        ),
        label="Why not?",
        submit="Deny",
    )


def code_modal(state: RequestCard) -> View:
    """The form behind Approve where the command also takes a code."""
    return code_form(
        "approval.code",
        f"{state.id}:{state.version}",
        title="Approve",
        explanation=(
            f"{outside(what(state).capitalize(), 120)}, asked by {person(state.by)}, needs a code from your "
            "authenticator besides your word."
        ),
        label="The six digits it shows now",
        submit="Approve",
    )


def lockdown_began(by: str, reason: str, at: datetime) -> Message:
    """The notice of a lockdown in the ops channel."""
    return message(
        header("🔒 LOCKDOWN: nothing is started"),
        section(
            f"{person(by)} began it at {when(at)}{': ' + outside(reason) if reason else ''}. Nothing that raises risk "
            "is taken or approved, and what waited for approval is void, "
            "until one admin asks with /lockdown off and the others it takes approve.",
            "*Stops work as always*: /kill, /stop, /pause.",
        ),
    )


def lockdown_answer(by: str, at: datetime, *, first: bool, recorded: bool, ops: str) -> Message:
    """What the person who typed it is told."""
    if not first:
        return message(
            section(
                f"A lockdown stands already, since {when(at, day=True)} by {person(by)}: it goes on, yours is written "
                "down, and what waited to end it is void."
            )
        )
    return message(
        section(
            f"*Lockdown began* at {when(at)}: nothing is started "
            "until one admin asks with /lockdown off and the others it takes approve. "
            f"Everybody in {channel(ops)} sees it. Stops work as always."
        ),
        None if recorded else section(words.NOT_RECORDED_LOCKDOWN),
    )


def title(state: RequestCard) -> str:
    """The request in one line of a list, in markup."""
    return f"*{outside(state.id, NAME_SHOWN)}* {outside(what(state), 100)}"
