"""What is said of a request for approval, line by line, in markup."""

from datetime import timedelta

from chatbot.views.approval_state import RequestCard, what
from chatbot.views.markup import (
    NAME_SHOWN,
    lasting,
    outside,
    person,
    stamp,
    when,
)
from storage.actions import State
from storage.approvals import Verdict

NOT_RECORDED_LOCKDOWN = (
    "*Not yet in the audit*: the database does not answer. It is in the journal and begins when that is imported; "
    "until then nothing can be started anyway."
)

_WHY_TWO = {
    "override": "it lets the fleet trade again, so it takes a second admin",
    "force-override": "it goes past rules that protect the fleet, so it always takes a second admin",
    "start": "it lets a bot trade, so it takes a second admin",
    "start-sequential": "it lets every bot trade, so it takes a second admin",
    "resume": "it lets a bot trade on, so it takes a second admin",
    "recover": "it is the third recovery within a day, so a second admin looks at what is different",
    "config": "it changes the limits and settings that the fleet trades by, so it takes a second admin",
    "host": "it runs a program on the fleet's host, so it takes a second admin",
    "lockdown": "it lets everything be started again",
}


def headline(state: RequestCard) -> str:
    """The headline without markup: the state in words, with its sign beside."""
    wanted = what(state)
    match state.verdict:
        case Verdict.PENDING if state.solo:
            return f"⏳ ALONE: to {wanted} unless somebody cancels"
        case Verdict.PENDING:
            return f"✋ Approve? To {wanted}"
        case Verdict.DENIED:
            return f"⛔ Denied: not going to {wanted}"
        case Verdict.WITHDRAWN:
            return f"↩️ Withdrawn: not going to {wanted}"
        case Verdict.EXPIRED:
            return f"⌛ Expired: not going to {wanted}"
        case Verdict.VOID:
            return f"🚫 Void: not going to {wanted}"
        case Verdict.APPROVED:
            return _running(state, wanted)


def own_headline(state: RequestCard) -> str:
    """The headline for the one who asked."""
    return f"⏳ Waiting for approval: to {what(state)}" if state.pending else headline(state)


def approved_by(state: RequestCard) -> str:
    """Who approved, in a clause."""
    return "which nobody cancelled" if state.solo else f"approved by {_people(state)}"


def _running(state: RequestCard, wanted: str) -> str:
    match state.action:
        case State.VERIFIED:
            return f"✅ Done and read back: {wanted}"
        case State.NOT_VERIFIED:
            return f"🚨 NOT VERIFIED: {wanted}"
        case State.FAILED:
            return f"🚨 FAILED: {wanted}"
        case State.ABANDONED:
            return f"🛑 Abandoned: {wanted}"
        case State.VOID:
            return f"🚫 Approved, but not sent: {wanted}"
        case _:
            return f"▶️ Approved, under way: {wanted}"


def loud(state: RequestCard) -> str:
    """The call to everybody in a solo wait; "" otherwise."""
    if not (state.pending and state.solo):
        return ""
    return (
        f"<!channel> {person(state.by)} is the only admin and asked for this alone. It goes at "
        f"{when(state.frees_at or state.expires_at)}. *Anybody here can cancel it.*"
    )


def standing(state: RequestCard) -> tuple[str, ...]:
    """Where it stands and who changed that."""
    if state.pending:
        if state.solo:
            return ("*Nothing was sent yet.*",)
        progress = f"{state.given} of {state.needed} approvals"
        by = f", by {_people(state)}" if state.given else ""
        return (f"*Nothing was sent yet*: {progress}{by}. Expires at {when(state.expires_at)}.",)
    if state.verdict is Verdict.APPROVED:
        at = when(state.decided_at) if state.decided_at else ""
        who = "Nobody cancelled it; it went" if state.solo else f"Approved by {_people(state)}"
        return (f"{who} at {at}.", *outcome(state))
    return (ending(state),)


def ending(state: RequestCard) -> str:
    """How it ended without being approved, and that nothing was sent."""
    at = when(state.decided_at) if state.decided_at else "an unknown time"
    who, why = person(state.decided_by or ""), outside(state.why).rstrip(".")
    wanted = outside(what(state), 120)
    match state.verdict:
        case Verdict.DENIED:
            said = why or "no reason given"
            return f"The request to {wanted} was *denied* by {who} at {at}: {said}. Nothing was sent."
        case Verdict.WITHDRAWN if state.solo and state.decided_by != state.by:
            return f"The request to {wanted} was *cancelled* by {who} at {at}. Nothing was sent."
        case Verdict.WITHDRAWN:
            return f"The request to {wanted} was *withdrawn* by {who} at {at}. Nothing was sent."
        case Verdict.EXPIRED:
            return (
                f"The request to {wanted} *expired* at {at} with {state.given} of {state.needed} approvals. "
                "Nothing was sent; ask again if it is still wanted."
            )
        case _:
            return (
                f"The request to {wanted} became *void* at {at}, because {why or 'things changed'}. "
                "Nothing was sent; look at the fleet's status and ask again if it is still wanted."
            )


def outcome(state: RequestCard) -> tuple[str, ...]:
    """What was observed of the action, as far as it went."""
    said = state.outcome.get("said")
    lines = [outside(each, 600) for each in said if isinstance(each, str)] if isinstance(said, list) else []
    if state.action in {State.RUNNING, State.QUEUED, State.WAITING}:
        return (*lines, "It is being sent and read back.")
    word = "As read back at" if state.action is State.VERIFIED else "Ended at"
    done = f"{word} {when(state.finished_at)}:" if state.finished_at else ""
    return (done, *lines) if lines else (done.rstrip(":"),)


def asked_by(state: RequestCard) -> str:
    """Who asked, and why."""
    return f"*Asked* by {person(state.by)} at {when(state.asked_at)}\n*Reason*: {outside(state.reason) or 'none given'}"


def why_two(state: RequestCard) -> str:
    """Why one person is not enough."""
    if not state.pending or state.solo:
        return ""
    why = _WHY_TWO.get(state.command, "it raises risk, so it takes a second admin")
    if state.command == "lockdown" or state.needed > 1:
        why = f"{why}; it takes {state.needed} besides the one who asks"
    return f"*Why you are asked*: {why}."


def in_a_clause(state: RequestCard) -> str:
    """Where it stands, without markup, to follow a colon."""
    at = stamp(state.decided_at) if state.decided_at else "an unknown time"
    who = state.decided_by or "nobody"
    match state.verdict:
        case Verdict.PENDING:
            by = f", by {', '.join(state.approvers)}" if state.approvers else ""
            return f"it waits with {state.given} of {state.needed} approvals{by}"
        case Verdict.APPROVED:
            return f"it was approved at {at} by {', '.join(state.approvers) or 'the end of its wait'}"
        case Verdict.DENIED:
            return f"it was denied at {at} by {who}"
        case Verdict.WITHDRAWN:
            return f"it was withdrawn at {at} by {who}"
        case Verdict.EXPIRED:
            return f"it expired at {at}"
        case Verdict.VOID:
            return f"it became void at {at}, because {state.why or 'things changed'}"


def small_print(state: RequestCard) -> str:
    """The id, the version, how long it took and the audit row."""
    parts = [f"{outside(state.id, NAME_SHOWN)} · version {state.version}"]
    if state.finished_at is not None:
        parts.append(
            f"ended {lasting(max(state.finished_at - state.asked_at, timedelta()))} after it was asked"
        )
    if state.audit is not None:
        parts.append(f"audit #{state.audit[0]} {outside(state.audit[1], 12)}")
    return " · ".join(parts)


def _people(state: RequestCard) -> str:
    return ", ".join(person(each) for each in state.approvers) or "nobody"
