"""The answers to /approvals and /who."""

from dataclasses import dataclass
from datetime import datetime

from chatbot.views import approval, approval_words
from chatbot.views.approval_state import RequestCard
from chatbot.views.blocks import Message, context, header, message, section
from chatbot.views.markup import channel, outside, person, when
from commands.spec import Role
from storage.approvals import Verdict

PEOPLE_SHOWN = 30
WAITING_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    """One person with a role, as far as it is known of them now; ``None``: Slack does not say."""

    person: str
    role: Role
    flaw: str | None  # why Slack says that they may do nothing here
    flaw_known: bool
    presence: str | None  # "active" or "away"
    approves_from: datetime | None  # an admin who was added lately
    enrolled: bool  # has a code


def approvals(
    waiting: tuple[RequestCard, ...], ended: tuple[RequestCard, ...], *, where: str, now: datetime
) -> Message:
    """What waits, and what became of the last requests."""
    return message(
        header("Approvals"),
        *(section(*_waiting(each)) for each in waiting[:WAITING_SHOWN]),
        section(f"... and {len(waiting) - WAITING_SHOWN} more") if len(waiting) > WAITING_SHOWN else None,
        section(f"Decide them with the buttons in {channel(where)}.")
        if waiting
        else section("Nothing waits for a second admin."),
        section("*Lately*", *(_ended(each) for each in ended)) if ended else None,
        context(f"As of {when(now)}"),
    )


def _waiting(each: RequestCard) -> tuple[str, ...]:
    return (
        approval.title(each),
        f"asked by {person(each.by)}: {outside(each.reason, 200) or 'no reason given'}",
        *approval_words.standing(each),
    )


def _ended(each: RequestCard) -> str:
    at = when(each.decided_at, day=True) if each.decided_at is not None else "at an unknown time"
    by = f"by {person(each.decided_by or '')}"
    if each.verdict is Verdict.APPROVED:
        by = approval_words.approved_by(each)
    shown = outside(approval_words.headline(each), 150)
    return f"{shown} ({outside(each.id, 60)}, asked by {person(each.by)}, {by}, {at})"


def who(people: tuple[Someone, ...], *, codes: bool, now: datetime) -> Message:
    """Who can stop, who can approve, who is there."""
    admins = [each for each in people if each.role is Role.ADMIN]
    operators = [each for each in people if each.role is Role.OPERATOR]
    viewers = [each for each in people if each.role is Role.VIEWER]
    able = [each for each in admins if each.flaw is None and each.flaw_known and each.approves_from is None]
    there = [each for each in able if each.presence == "active"]
    warning = ""
    if len(able) < 2:
        warning = "*Fewer than two admins can act now*, so nothing can be started: see who is missing below."
    elif len(there) < 2:
        warning = "*Fewer than two admins are active now*: a start has to wait until a second one looks."
    return message(
        header("Who can do what"),
        section(warning),
        section("*Can stop, and approve*", *_lines(admins, codes=codes), "" if admins else "nobody"),
        section("*Can stop*", *_lines(operators, codes=False), "" if operators else "nobody else"),
        section("*Can look*", *_lines(viewers, codes=False), "" if viewers else "nobody else"),
        context(f"As of {when(now)}; active and away are Slack's words"),
    )


def _lines(people: list[Someone], *, codes: bool) -> tuple[str, ...]:
    shown = tuple(_line(each, codes=codes) for each in people[:PEOPLE_SHOWN])
    return (*shown, f"... and {len(people) - PEOPLE_SHOWN} more") if len(people) > PEOPLE_SHOWN else shown


def _line(each: Someone, *, codes: bool) -> str:
    if each.flaw is not None:
        return f"⚪ {person(each.person)}: may do nothing, Slack says that the account is {outside(each.flaw, 60)}"
    if not each.flaw_known:
        return f"⚪ {person(each.person)}: can stop; Slack does not say who that is, so nothing else"
    words = {"active": "🟢 active now", "away": "⚪ away"}.get(
        each.presence or "", "⚪ not known whether there"
    )
    parts = [words.split(" ", 1)[1]]
    if each.approves_from is not None:
        parts.append(f"*may approve from {when(each.approves_from, day=True)}*")
    if codes:
        parts.append("has a code" if each.enrolled else "*has no code*")
    return f"{words[0]} {person(each.person)}: {', '.join(parts)}"
