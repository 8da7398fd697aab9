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
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.schema import InsertIfNew, PlainText, UtcDateTime, metadata


class SendState(StrEnum):
    """Where an owed message stands; the module's table says what follows what."""

    PENDING = "pending"  # to be sent
    SENDING = "sending"  # claimed under a lease
    SENT = "sent"  # nothing owed
    UNKNOWN = "unknown"  # a first post that may have arrived
    FAILED = "failed"  # given up until there is other content


outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", PlainText, nullable=False, unique=True),
    sa.Column("channel", PlainText, nullable=False),
    sa.Column("thread_key", PlainText),
    sa.Column("response_url", PlainText),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("sent_version", sa.Integer, nullable=False, default=0),
    sa.Column("claimed_version", sa.Integer, nullable=False, default=0),
    sa.Column("state", sa.String(16), nullable=False, default=SendState.PENDING),
    sa.Column("ts", sa.String(32)),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("owner", PlainText),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("owed_since", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("last_error", PlainText),
    sa.Index("ix_outbox_state_due_at", "state", "due_at"),
    sa.Index("ix_outbox_channel_ts", "channel", "ts"),
)


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


_PARENT = outbox.alias("parent")
_WITH_PARENT = sa.select(*outbox.c, _PARENT.c.ts.label("thread_ts")).outerjoin_from(
    outbox, _PARENT, _PARENT.c.key == outbox.c.thread_key
)
_RELEASED: Mapping[str, Any] = {"owner": None, "lease_until": None}
_FIELDS = frozenset(each.name for each in fields(Owed))
_LOCKED = _WITH_PARENT.where(outbox.c.key == sa.bindparam("key")).with_for_update(of=outbox)
_INSERT = InsertIfNew(outbox)


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
    """
    new = _INSERT(
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
    idle = outbox.c.state.in_((SendState.SENT, SendState.FAILED))
    at = sa.literal(now, UtcDateTime)
    _change(
        conn,
        outbox.c.id == owed.id,
        payload=dict(payload),
        version=outbox.c.version + 1,
        state=sa.case((idle, SendState.PENDING), else_=outbox.c.state),
        # a row that backs off, or was told to wait by Slack, goes on waiting: its channel is no freer now
        due_at=sa.case((idle, at), else_=outbox.c.due_at),
        owed_since=sa.case((idle, at), else_=outbox.c.owed_since),
        attempts=sa.case((idle, 0), else_=outbox.c.attempts),
    )
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
    parent = outbox.alias("parent")
    parent_on_its_way = sa.exists().where(
        parent.c.key == outbox.c.thread_key, parent.c.ts.is_(None), parent.c.state != SendState.FAILED
    )
    lapsed = outbox.c.lease_until <= now
    free = sa.or_(
        outbox.c.state == SendState.PENDING,
        (outbox.c.state == SendState.SENDING) & lapsed,
        (outbox.c.state == SendState.UNKNOWN) & sa.or_(outbox.c.lease_until.is_(None), lapsed),
    )
    due = (outbox.c.version > outbox.c.sent_version, outbox.c.due_at <= now)
    place = sa.func.coalesce(outbox.c.response_url, outbox.c.channel)
    ids = conn.scalars(
        sa.select(outbox.c.id)
        .where(*due, free, sa.not_(parent_on_its_way), place.not_in(busy))
        .order_by(outbox.c.priority, outbox.c.id)
        .limit(limit)
        # of this table only: replies of one parent must not block each other
        .with_for_update(skip_locked=True, of=outbox)
    ).all()
    if not ids:
        return []
    # whoever let the lease of a first post run out may have posted: that must be found out, not repeated
    doubtful = (outbox.c.state != SendState.PENDING) & outbox.c.ts.is_(None)
    _change(
        conn,
        outbox.c.id.in_(ids),
        state=sa.case((doubtful, SendState.UNKNOWN), else_=SendState.SENDING),
        claimed_version=sa.case((doubtful, outbox.c.claimed_version), else_=outbox.c.version),
        owner=owner,
        lease_until=lease_until,
    )
    found = {row.id: _owed(row) for row in conn.execute(_WITH_PARENT.where(outbox.c.id.in_(ids)))}
    return [found[each] for each in ids]


def take_over(conn: sa.Connection, *, owner: str, owners_prefix: str, lease_until: datetime) -> int:
    """How many messages that other owners with this prefix were bringing are free from ``lease_until`` on.

    For a process that knows that its predecessor is dead: what that one was posting is looked for then.
    """
    theirs = sa.func.substr(outbox.c.owner, 1, len(owners_prefix)) == owners_prefix
    held = (outbox.c.owner != owner, outbox.c.lease_until > lease_until)
    return conn.execute(sa.update(outbox).where(theirs, *held).values(lease_until=lease_until)).rowcount


def sent(conn: sa.Connection, message_id: int, *, version: int, ts: str | None, at: datetime) -> None:
    """Record that this version arrived, also when the lease ran out meanwhile; the first ``ts`` is kept.

    Give the version that was sent, or of a post that was found, the one it carries in its metadata.
    """
    newest = outbox.c.version <= version
    _change(
        conn,
        outbox.c.id == message_id,
        state=sa.case((newest, SendState.SENT), else_=SendState.PENDING),
        sent_version=sa.case((outbox.c.sent_version < version, version), else_=outbox.c.sent_version),
        ts=sa.func.coalesce(outbox.c.ts, ts),
        sent_at=at,
        attempts=0,
        last_error=None,
        **_RELEASED,
    )


def retry(conn: sa.Connection, message_id: int, *, at: datetime, error: str) -> None:
    """Send it again at ``at``: it is known not to have arrived."""
    _change(conn, _claimed(message_id), state=SendState.PENDING, due_at=at, **_attempt(error))


def unknown(conn: sa.Connection, message_id: int, *, at: datetime, error: str) -> None:
    """It may have arrived: a first post is looked for at ``at``, an edit is simply sent again then."""
    edit = outbox.c.ts.is_not(None)
    _change(
        conn,
        _claimed(message_id),
        state=sa.case((edit, SendState.PENDING), else_=SendState.UNKNOWN),
        due_at=at,
        **_attempt(error),
    )


def failed(conn: sa.Connection, message_id: int, *, error: str, at: datetime) -> None:
    """Give up the version that was claimed; newer content that came meanwhile is due at ``at``."""
    newer = outbox.c.version > outbox.c.claimed_version
    state = sa.case((newer, SendState.PENDING), else_=SendState.FAILED)
    _change(conn, _claimed(message_id), state=state, due_at=at, **_attempt(error))


def find_by_message(conn: sa.Connection, channel: str, ts: str) -> Owed | None:
    """The message that stands in this channel under this ``ts``."""
    row = conn.execute(_WITH_PARENT.where(outbox.c.channel == channel, outbox.c.ts == ts)).first()
    return None if row is None else _owed(row)


def get(conn: sa.Connection, key: str) -> Owed | None:
    """The message with this key."""
    row = conn.execute(_WITH_PARENT.where(outbox.c.key == key)).one_or_none()
    return None if row is None else _owed(row)


def backlog(conn: sa.Connection, now: datetime) -> tuple[int, float | None]:
    """How many messages are owed and not given up, and since how many seconds the oldest (``None``: none)."""
    waiting = (outbox.c.version > outbox.c.sent_version, outbox.c.state != SendState.FAILED)
    count, oldest = conn.execute(
        sa.select(sa.func.count(), sa.func.min(outbox.c.owed_since, type_=UtcDateTime)).where(*waiting)
    ).one()
    return count, None if oldest is None else max(0.0, (now - oldest).total_seconds())


def _attempt(error: str) -> dict[str, Any]:
    return {**_RELEASED, "attempts": outbox.c.attempts + 1, "last_error": error}


def _claimed(message_id: int) -> sa.ColumnElement[bool]:
    # a report on a row that somebody else has settled since changes nothing
    return (outbox.c.id == message_id) & outbox.c.state.in_((SendState.SENDING, SendState.UNKNOWN))


def _change(conn: sa.Connection, which: sa.ColumnElement[bool], **values: Any) -> None:
    conn.execute(sa.update(outbox).where(which).values(values))


def _locked(conn: sa.Connection, key: str) -> Owed:
    return _owed(conn.execute(_LOCKED, {"key": key}).one())


def _owed(row: sa.Row[*tuple[Any, ...]]) -> Owed:
    stored = {name: value for name, value in row._asdict().items() if name in _FIELDS}
    return Owed(**{**stored, "state": SendState(stored["state"])})
