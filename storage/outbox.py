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

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)

from storage.schema import PlainText, UtcDateTime, insert_if_new, metadata


class SendState(StrEnum):
    """Where an owed message stands; the module's table says what follows what."""

    PENDING = "pending"  # to be sent
    SENDING = "sending"  # claimed under a lease
    SENT = "sent"  # nothing owed
    UNKNOWN = "unknown"  # a first post that may have arrived
    FAILED = "failed"  # given up until there is other content


outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", PlainText, nullable=False, unique=True),
    Column("channel", PlainText, nullable=False),
    Column("thread_key", PlainText),
    Column("response_url", PlainText),
    Column("payload", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("sent_version", Integer, nullable=False, default=0),
    Column("claimed_version", Integer, nullable=False, default=0),
    Column("state", String(16), nullable=False, default=SendState.PENDING),
    Column("ts", String(32)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("owner", PlainText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("owed_since", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("last_error", PlainText),
    Index("ix_outbox_state_due_at", "state", "due_at"),
    Index("ix_outbox_channel_ts", "channel", "ts"),
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


def owe(
    conn: Connection,
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
    new = insert_if_new(
        conn,
        outbox,
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
    at = literal(now, UtcDateTime)
    _change(
        conn,
        outbox.c.id == owed.id,
        payload=dict(payload),
        version=outbox.c.version + 1,
        state=case((idle, SendState.PENDING), else_=outbox.c.state),
        # a row that backs off, or was told to wait by Slack, goes on waiting: its channel is no freer now
        due_at=case((idle, at), else_=outbox.c.due_at),
        owed_since=case((idle, at), else_=outbox.c.owed_since),
        attempts=case((idle, 0), else_=outbox.c.attempts),
    )
    return _locked(conn, key)


def claim_due(
    conn: Connection,
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
    parent_on_its_way = exists().where(
        parent.c.key == outbox.c.thread_key, parent.c.ts.is_(None), parent.c.state != SendState.FAILED
    )
    lapsed = outbox.c.lease_until <= now
    free = or_(
        outbox.c.state == SendState.PENDING,
        (outbox.c.state == SendState.SENDING) & lapsed,
        (outbox.c.state == SendState.UNKNOWN) & or_(outbox.c.lease_until.is_(None), lapsed),
    )
    due = (outbox.c.version > outbox.c.sent_version, outbox.c.due_at <= now)
    place = func.coalesce(outbox.c.response_url, outbox.c.channel)
    ids = conn.scalars(
        select(outbox.c.id)
        .where(*due, free, not_(parent_on_its_way), place.not_in(busy))
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
        state=case((doubtful, SendState.UNKNOWN), else_=SendState.SENDING),
        claimed_version=case((doubtful, outbox.c.claimed_version), else_=outbox.c.version),
        owner=owner,
        lease_until=lease_until,
    )
    found = {row.id: _owed(row) for row in conn.execute(_WITH_PARENT.where(outbox.c.id.in_(ids)))}
    return [found[each] for each in ids]


def sent(conn: Connection, message_id: int, *, version: int, ts: str | None, at: datetime) -> None:
    """Record that this version arrived, also when the lease ran out meanwhile; the first ``ts`` is kept.

    Give the version that was sent, or of a post that was found, the one it carries in its metadata.
    """
    newest = outbox.c.version <= version
    _change(
        conn,
        outbox.c.id == message_id,
        state=case((newest, SendState.SENT), else_=SendState.PENDING),
        sent_version=case((outbox.c.sent_version < version, version), else_=outbox.c.sent_version),
        ts=func.coalesce(outbox.c.ts, ts),
        sent_at=at,
        attempts=0,
        last_error=None,
        **_RELEASED,
    )


def retry(conn: Connection, message_id: int, *, at: datetime, error: str) -> None:
    """Send it again at ``at``: it is known not to have arrived."""
    _change(conn, _claimed(message_id), state=SendState.PENDING, due_at=at, **_attempt(error))


def unknown(conn: Connection, message_id: int, *, at: datetime, error: str) -> None:
    """It may have arrived: a first post is looked for at ``at``, an edit is simply sent again then."""
    edit = outbox.c.ts.is_not(None)
    _change(
        conn,
        _claimed(message_id),
        state=case((edit, SendState.PENDING), else_=SendState.UNKNOWN),
        due_at=at,
        **_attempt(error),
    )


def failed(conn: Connection, message_id: int, *, error: str, at: datetime) -> None:
    """Give up the version that was claimed; newer content that came meanwhile is due at ``at``."""
    newer = outbox.c.version > outbox.c.claimed_version
    state = case((newer, SendState.PENDING), else_=SendState.FAILED)
    _change(conn, _claimed(message_id), state=state, due_at=at, **_attempt(error))


def find_by_message(conn: Connection, channel: str, ts: str) -> Owed | None:
    """The message that stands in this channel under this ``ts``."""
    row = conn.execute(_WITH_PARENT.where(outbox.c.channel == channel, outbox.c.ts == ts)).first()
    return None if row is None else _owed(row)


def get(conn: Connection, key: str) -> Owed | None:
    """The message with this key."""
    row = conn.execute(_WITH_PARENT.where(outbox.c.key == key)).one_or_none()
    return None if row is None else _owed(row)


def backlog(conn: Connection, now: datetime) -> tuple[int, float | None]:
    """How many messages are owed and not given up, and since how many seconds the oldest (``None``: none)."""
    waiting = (outbox.c.version > outbox.c.sent_version, outbox.c.state != SendState.FAILED)
    count, oldest = conn.execute(
        select(func.count(), func.min(outbox.c.owed_since, type_=UtcDateTime)).where(*waiting)
    ).one()
    return count, None if oldest is None else max(0.0, (now - oldest).total_seconds())


_PARENT = outbox.alias("parent")
_WITH_PARENT = select(*outbox.c, _PARENT.c.ts.label("thread_ts")).outerjoin_from(
    outbox, _PARENT, _PARENT.c.key == outbox.c.thread_key
)
_RELEASED: Mapping[str, Any] = {"owner": None, "lease_until": None}
_FIELDS = frozenset(each.name for each in fields(Owed))


def _attempt(error: str) -> dict[str, Any]:
    return {**_RELEASED, "attempts": outbox.c.attempts + 1, "last_error": error}


def _claimed(message_id: int) -> ColumnElement[bool]:
    # a report on a row that somebody else has settled since changes nothing
    return (outbox.c.id == message_id) & outbox.c.state.in_((SendState.SENDING, SendState.UNKNOWN))


def _change(conn: Connection, which: ColumnElement[bool], **values: Any) -> None:
    conn.execute(update(outbox).where(which).values(values))


def _locked(conn: Connection, key: str) -> Owed:
    return _owed(conn.execute(_WITH_PARENT.where(outbox.c.key == key).with_for_update(of=outbox)).one())


def _owed(row: Row[*tuple[Any, ...]]) -> Owed:
    stored = {name: value for name, value in row._asdict().items() if name in _FIELDS}
    return Owed(**{**stored, "state": SendState(stored["state"])})
