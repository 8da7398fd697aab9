"""Messages owed to Slack, one row each: later content overwrites earlier, the first send posts, others edit.

A row is owed while ``version > sent_version``. ``ts`` is empty until a post is known to have arrived.

state     meaning                           leaves by
pending   nobody is sending it              claim_due -> sending
sending   claimed; ``claimed_version`` may  sent -> sent (or pending when newer content came meanwhile)
          be on its way                     retry -> pending; failed -> failed (or pending, likewise)
                                            unknown, or the lease ran out: a first post -> unknown,
                                            an edit -> sent again, for that may be repeated
unknown   a first post that may have        claim_due hands it out again as unknown, under a lease:
          arrived: never posted again       look for it in the channel first, then sent (found),
          unseen                            retry (it is not there), unknown (could not look) or failed
sent      nothing owed                       owe with other content -> pending
failed    given up                           owe with other content -> pending

``owe`` while sending or unknown only raises the version: the one who sends finds out when it reports.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage import outbox_sql as sql
from storage.outbox_sql import SendState, outbox

__all__ = [
    "Owed",
    "SendState",
    "backlog",
    "claim_due",
    "failed",
    "find_by_message",
    "get",
    "given_up",
    "lost",
    "outbox",
    "owe",
    "reroute",
    "retry",
    "sent",
    "take_over",
    "unknown",
    "unplaced",
    "waiting_for",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One message: post it while ``ts`` is ``None``, then edit it; a reply when ``thread_ts`` is set."""

    id: int
    key: str
    channel: str
    thread_key: str | None
    thread_ts: str | None
    response_url: str | None
    payload: Mapping[str, Any]
    priority: int
    version: int
    sent_version: int
    state: SendState
    ts: str | None
    attempts: int
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
    last_error: str | None


LONGEST_WAIT = timedelta(minutes=10)
"""No message waits longer for its turn; one that seems to was written by a clock that was set back since."""

_FIELDS = frozenset(each.name for each in fields(Owed))


def owe(
    conn: sa.Connection,
    *,
    key: str,
    channel: str,
    payload: Mapping[str, Any],
    now: datetime,
    thread_key: str | None = None,
    response_url: str | None = None,
    priority: int = 5,
    maybe_posted: bool = False,
) -> Owed:
    """The message as it is owed now: other content is its next version, the same content changes nothing.

    ``maybe_posted`` begins a row in state unknown: a post under this key may stand already, though no row says so.
    A reply goes where its parent is by now, which may have been moved.
    """
    parent = get(conn, thread_key) if thread_key is not None else None
    if parent is not None:
        channel = parent.channel
    new = sql.INSERT(
        conn,
        {
            "key": key,
            "channel": channel,
            "thread_key": thread_key,
            "response_url": response_url,
            "payload": dict(payload),
            "priority": priority,
            "state": SendState.UNKNOWN if maybe_posted else SendState.PENDING,
            "due_at": now,
            "created_at": now,
            "owed_since": now,
        },
    )
    owed = _locked(conn, key)
    if new or owed.payload == dict(payload):
        return owed
    sql.RENEW.changed(conn, which=owed.id, payload=dict(payload), now=now)
    return _locked(conn, key)


def claim_due(
    conn: sa.Connection,
    *,
    owner: str,
    now: datetime,
    lease_until: datetime,
    limit: int,
    busy: Collection[str] = (),
) -> list[Owed]:
    """Messages to send now, ours until ``lease_until``, most urgent first; look for those in state unknown.

    ``busy`` are the channels and response_urls that take no message now.
    A reply waits until its parent has a ``ts``; when the parent was given up it comes without ``thread_ts``.
    """
    due = {"now": now, "ahead": now + LONGEST_WAIT, "busy": list(busy), "most": limit}
    ids = conn.scalars(sql.DUE, due).all()
    if not ids:
        return []
    conn.execute(sql.CLAIM, {"picked": ids, "by": owner, "until": lease_until})
    found = {row.id: _owed(row._mapping) for row in conn.execute(sql.CLAIMED_ROWS, {"picked": ids})}
    return [found[each] for each in ids]


def take_over(conn: sa.Connection, *, owner: str, owners_prefix: str, lease_until: datetime) -> int:
    """How many messages that other owners with this prefix were bringing are free from ``lease_until`` on.

    For a process that knows that its predecessor is dead: what that one was posting is looked for then.
    """
    theirs = sa.func.substr(outbox.c.owner, 1, len(owners_prefix)) == owners_prefix
    held = (outbox.c.owner != owner, outbox.c.lease_until > lease_until)
    return conn.execute(sa.update(outbox).where(theirs, *held).values(lease_until=lease_until)).rowcount


def sent(
    conn: sa.Connection,
    message_id: int,
    *,
    version: int,
    ts: str | None,
    at: datetime,
    channel: str | None = None,
) -> None:
    """Record that this version arrived, also when the lease ran out meanwhile; the first ``ts`` is kept.

    Give the version that was sent, or of a post that was found, the one it carries in its metadata; and where it
    stands, for a message that was owed to a person.
    """
    sql.SENT.changed(conn, which=message_id, arrived=version, place=ts, where=channel, sent_at=at)


def lost(conn: sa.Connection, message_id: int, *, at: datetime) -> None:
    """Post it anew: the message that was to be edited is gone, and its content must be seen."""
    sql.LOST.changed(conn, which=message_id, due_at=at)


def retry(conn: sa.Connection, message_id: int, *, at: datetime, error: str) -> None:
    """Send it again at ``at``: it is known not to have arrived."""
    sql.RETRY.changed(conn, which=message_id, due_at=at, last_error=error)


def unknown(conn: sa.Connection, message_id: int, *, at: datetime, error: str) -> None:
    """It may have arrived: a first post is looked for at ``at``, an edit is simply sent again then."""
    sql.UNKNOWN.changed(conn, which=message_id, due_at=at, last_error=error)


def failed(conn: sa.Connection, message_id: int, *, error: str, at: datetime) -> None:
    """Give up the version that was claimed; newer content that came meanwhile is due at ``at``."""
    sql.FAILED.changed(conn, which=message_id, due_at=at, last_error=error)


def reroute(conn: sa.Connection, message_id: int, *, channel: str, at: datetime) -> None:
    """Post it anew in another channel: the one it was owed to takes no messages, or none that can be edited.

    Its replies that were not posted yet go there as well: Slack takes a reply only beside its parent.
    """
    sql.REROUTE.changed(conn, which=message_id, channel=channel, due_at=at)
    conn.execute(sql.REPLIES_FOLLOW, {"parent": message_id, "to": channel})


def waiting_for(conn: sa.Connection, channel: str) -> int:
    """How many messages are owed to this channel."""
    query = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.channel == channel)
    return int(conn.scalar(query.where(outbox.c.version > outbox.c.sent_version)) or 0)


def given_up(conn: sa.Connection, since: datetime | None = None) -> int:
    """How many messages Slack refused for good (since then)."""
    query = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state == SendState.FAILED)
    return int(conn.scalar(query if since is None else query.where(outbox.c.owed_since >= since)) or 0)


def find_by_message(conn: sa.Connection, channel: str, ts: str) -> Owed | None:
    """The message that stands in this channel under this ``ts``."""
    row = conn.execute(sql.WITH_PARENT.where(outbox.c.channel == channel, outbox.c.ts == ts)).first()
    return None if row is None else _owed(row._mapping)


def unplaced(conn: sa.Connection, channel: str, prefix: str) -> Owed | None:
    """A message owed to this channel whose key begins so and whose place is not known yet."""
    begins = sa.func.substr(outbox.c.key, 1, len(prefix)) == prefix
    query = sql.WITH_PARENT.where(outbox.c.channel == channel, outbox.c.ts.is_(None), begins)
    row = conn.execute(query.limit(1)).first()
    return None if row is None else _owed(row._mapping)


def get(conn: sa.Connection, key: str) -> Owed | None:
    """The message with this key."""
    row = sql.BY_KEY.one(conn, key=key)
    return None if row is None else _owed(row)


def backlog(conn: sa.Connection, now: datetime) -> tuple[int, float | None]:
    """How many messages are owed and not given up, and since how many seconds the oldest (``None``: none)."""
    found = sql.BACKLOG.one(conn) or {"waiting": 0, "oldest": None}
    oldest = found["oldest"]
    return found["waiting"], None if oldest is None else max(0.0, (now - oldest).total_seconds())


def _locked(conn: sa.Connection, key: str) -> Owed:
    found = sql.LOCKED.one(conn, key=key)
    if found is None:
        raise LookupError(f"no message is owed under {key!r}")
    return _owed(found)


def _owed(row: Mapping[str, Any] | sa.RowMapping) -> Owed:
    stored = {str(name): value for name, value in row.items() if name in _FIELDS}
    return Owed(**{**stored, "state": SendState(stored["state"])})
