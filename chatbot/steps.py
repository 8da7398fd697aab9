"""The transactions along the way of a stop: each is one step, written to the database or, when that fails, journaled.

A step is a name and JSON-ready arguments (times as ISO 8601 text), so that the same step can be run now or replayed
from the journal later. Running one twice changes nothing: an accepted action is known by its key, every other step
by its own key in `seen`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from commands.kill import is_drill
from storage import actions, audit, latch, lockdown, outbox, seen
from storage.actions import Action, State
from storage.audit import Entry
from storage.latch import Latch

LEASE = timedelta(seconds=6)
"""How long a claim holds without being renewed; a stop of a dead process is taken up by another after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What accepting found: the action as stored, and what it met."""

    action: Action
    fresh: bool  # False: the same request came before
    joined: Action | None  # the open kill that this one joined
    latch: Latch | None
    entry: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """One message to be owed in the same transaction as a step."""

    key: str
    channel: str
    payload: Mapping[str, Any]
    thread_key: str | None = None
    response_url: str | None = None
    priority: int = 5
    maybe_posted: bool = False  # another process, or this one without a database, may have posted it already


Compose = Callable[[Any], tuple[Owing, ...]]
"""The messages that a step's result calls for; runs inside the transaction, so it does no I/O."""


def accept(
    conn: Connection, *, at: str, owner: str | None, journaled: bool = False, **fields: Any
) -> Accepted:
    """Accept a stop: the action born claimed, for a kill the latch, and the audit, all or nothing."""
    when = datetime.fromisoformat(at)
    action = Action(accepted_at=when, state=State.QUEUED, **fields)
    stored, fresh = actions.accept(conn, action, owner=owner, lease_until=when + LEASE if owner else None)
    if not fresh:
        return Accepted(action=stored, fresh=False, joined=None, latch=None, entry=None)
    first: Action | None = None
    held: Latch | None = None
    if action.command == "kill":
        # The latch comes first: its unique index makes one of two kills at the same moment wait for the other.
        drill = is_drill(action.reason)
        held, engaged = latch.engage(
            conn, by=action.requested_by, reason=action.reason, action_id=stored.id, at=when, drill=drill
        )
        if not engaged and action.source != "watch":  # what the watch sends again is the kill that stands
            latch.again(conn, held, at=when, drill=drill)
        first = actions.open_kill(conn, besides=stored.id)
        if first is not None:
            actions.join(conn, stored.id, to=first.id, at=when)
    detail: dict[str, Any] = {
        "bot": action.bot,
        "reason": action.reason,
        "source": action.source,
        "channel": action.channel,
    }
    if first is not None:
        detail["joined"] = first.id
    if journaled:
        detail["journaled"] = True
    entry = audit.append(
        conn,
        at=when,
        actor=action.requested_by,
        event=f"{action.command} accepted",
        subject=stored.id,
        detail=detail,
    )
    return Accepted(action=stored, fresh=True, joined=first, latch=held, entry=entry)


def sent(conn: Connection, *, action_id: str, at: str, actor: str, detail: Mapping[str, Any]) -> Entry:
    """The back end answered the first time."""
    when = datetime.fromisoformat(at)
    actions.record_sent(conn, action_id, when)
    return audit.append(conn, at=when, actor=actor, event="sent", subject=action_id, detail=detail)


def verified(conn: Connection, *, action_id: str, at: str, actor: str, outcome: Mapping[str, Any]) -> Entry:
    """The wanted state was read back."""
    when = datetime.fromisoformat(at)
    actions.record_verified(conn, action_id, when, dict(outcome))
    held = latch.current(conn)
    if held is not None and outcome.get("kill_switch") == "active":
        latch.record_verified(conn, held.id, when)
    return audit.append(conn, at=when, actor=actor, event="verified", subject=action_id, detail=outcome)


def noted(
    conn: Connection, *, action_id: str, at: str, actor: str, event: str, detail: Mapping[str, Any]
) -> Entry:
    """Something worth keeping was observed or refused."""
    return audit.append(
        conn, at=datetime.fromisoformat(at), actor=actor, event=event, subject=action_id, detail=detail
    )


def finished(
    conn: Connection, *, action_id: str, at: str, actor: str, state: str, outcome: Mapping[str, Any]
) -> Entry | None:
    """The run ended by itself; ``None`` when somebody had ended it before."""
    when = datetime.fromisoformat(at)
    if not actions.finish(conn, action_id, state=State(state), at=when, outcome=dict(outcome)):
        return None
    return audit.append(
        conn, at=when, actor=actor, event=f"finished {state}", subject=action_id, detail=outcome
    )


def closed(conn: Connection, *, action_id: str, at: str, actor: str, reason: str) -> Entry | None:
    """A person closed it by hand; ``None`` when it was not open any more."""
    when = datetime.fromisoformat(at)
    if not actions.close(conn, action_id, by=actor, reason=reason, at=when):
        return None
    return audit.append(
        conn, at=when, actor=actor, event="closed by hand", subject=action_id, detail={"reason": reason}
    )


def reasoned(conn: Connection, *, action_id: str, at: str, actor: str, reason: str) -> Entry | None:
    """Somebody said why, after a kill without a reason; ``None`` when there was one already."""
    stored = actions.get(conn, action_id)
    if stored is None or stored.reason:
        return None
    actions.record_reason(conn, action_id, reason)
    held = latch.current(conn)
    if held is not None and held.action_id == action_id and not held.reason:
        latch.record_reason(conn, held.id, reason)
    return audit.append(
        conn,
        at=datetime.fromisoformat(at),
        actor=actor,
        event="reason given",
        subject=action_id,
        detail={"reason": reason},
    )


def locked(conn: Connection, *, at: str, actor: str, reason: str, source: str) -> Entry | None:
    """A lockdown begins; ``None`` when one stands already, which is written down as well."""
    when = datetime.fromisoformat(at)
    held, first = lockdown.begin(conn, by=actor, reason=reason, at=when)
    event = "lockdown began" if first else "lockdown asked for again"
    detail = {"reason": reason, "source": source}
    entry = audit.append(
        conn, at=when, actor=actor, event=event, subject=f"lockdown {held.id}", detail=detail
    )
    return entry if first else None


STEPS: Mapping[str, Callable[..., Any]] = {
    "accept": accept,
    "sent": sent,
    "verified": verified,
    "noted": noted,
    "finished": finished,
    "closed": closed,
    "reasoned": reasoned,
    "locked": locked,
}
ENDS = frozenset({"finished", "closed"})
"""The steps after which nobody works on an action any more."""


def run(
    conn: Connection,
    *,
    step: str,
    once: str | None,
    arguments: Mapping[str, Any],
    compose: Compose,
    now: datetime,
) -> Any:
    """Run one step once, and owe the messages composed from its result; ``None`` when it was run before."""
    if once is not None and not seen.first_time(conn, once, now):
        return None
    result = STEPS[step](conn, **arguments)
    owe(conn, compose(result), now)
    return result


def no_messages(_: Any) -> tuple[Owing, ...]:
    """For a step that nobody is told of."""
    return ()


def owe(conn: Connection, owing: tuple[Owing, ...], now: datetime) -> None:
    """Owe messages; the later content of a key overwrites the earlier."""
    for message in owing:
        outbox.owe(
            conn,
            key=message.key,
            channel=message.channel,
            payload=dict(message.payload),
            now=now,
            thread_key=message.thread_key,
            response_url=message.response_url,
            priority=message.priority,
            maybe_posted=message.maybe_posted,
        )
