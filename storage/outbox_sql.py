"""The outbox's table and its statements, built once: what they mean stands with the verbs in ``outbox``."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.prepared import InsertIfNew, Prepared
from storage.schema import PlainText, UtcDateTime, metadata


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

_PARENT = outbox.alias("parent")
WITH_PARENT = sa.select(*outbox.c, _PARENT.c.ts.label("thread_ts")).outerjoin_from(
    outbox, _PARENT, _PARENT.c.key == outbox.c.thread_key
)
_RELEASED: Mapping[str, Any] = {"owner": None, "lease_until": None}
BY_KEY = Prepared(WITH_PARENT.where(outbox.c.key == sa.bindparam("key")))
LOCKED = Prepared(WITH_PARENT.where(outbox.c.key == sa.bindparam("key")).with_for_update(of=outbox))
INSERT = InsertIfNew(outbox)
_THIS = outbox.c.id == sa.bindparam("which")
# a report on a row that somebody else has settled since changes nothing
_CLAIMED = _THIS & sa.or_(outbox.c.state == SendState.SENDING, outbox.c.state == SendState.UNKNOWN)
_IDLE = sa.or_(outbox.c.state == SendState.SENT, outbox.c.state == SendState.FAILED)
_NOW = sa.bindparam("now", type_=UtcDateTime)
RENEW = Prepared(
    sa.update(outbox)
    .where(_THIS)
    .values(
        version=outbox.c.version + 1,
        state=sa.case((_IDLE, SendState.PENDING), else_=outbox.c.state),
        # a row that backs off, or was told to wait by Slack, goes on waiting: its channel is no freer now
        due_at=sa.case((_IDLE, _NOW), else_=outbox.c.due_at),
        owed_since=sa.case((_IDLE, _NOW), else_=outbox.c.owed_since),
        attempts=sa.case((_IDLE, 0), else_=outbox.c.attempts),
    ),
    sets=("payload",),
)
_VERSION = sa.bindparam("arrived", type_=sa.Integer)
SENT = Prepared(
    sa.update(outbox)
    .where(_THIS)
    .values(
        state=sa.case((outbox.c.version <= _VERSION, SendState.SENT), else_=SendState.PENDING),
        sent_version=sa.case((outbox.c.sent_version < _VERSION, _VERSION), else_=outbox.c.sent_version),
        ts=sa.func.coalesce(outbox.c.ts, sa.bindparam("place", type_=sa.String)),
        channel=sa.func.coalesce(sa.bindparam("where", type_=PlainText), outbox.c.channel),
        attempts=0,
        last_error=None,
        **_RELEASED,
    ),
    sets=("sent_at",),
)
LOST = Prepared(
    sa.update(outbox)
    .where(_THIS)
    .values(ts=None, sent_version=0, state=SendState.PENDING, attempts=0, **_RELEASED),
    sets=("due_at",),
)
REROUTE = Prepared(
    sa.update(outbox)
    .where(_THIS)
    .values(ts=None, sent_version=0, state=SendState.PENDING, attempts=0, last_error=None, **_RELEASED),
    sets=("channel", "due_at"),
)
REPLIES_FOLLOW = (
    sa.update(outbox)
    .where(
        outbox.c.thread_key.in_(sa.select(_PARENT.c.key).where(_PARENT.c.id == sa.bindparam("parent"))),
        outbox.c.ts.is_(None),
    )
    .values(channel=sa.bindparam("to", type_=PlainText))
)
_ATTEMPT = sa.update(outbox).where(_CLAIMED).values(attempts=outbox.c.attempts + 1, **_RELEASED)
_REPORTED = ("due_at", "last_error")
RETRY = Prepared(_ATTEMPT.values(state=SendState.PENDING), sets=_REPORTED)
UNKNOWN = Prepared(
    _ATTEMPT.values(state=sa.case((outbox.c.ts.is_not(None), SendState.PENDING), else_=SendState.UNKNOWN)),
    sets=_REPORTED,
)
FAILED = Prepared(
    _ATTEMPT.values(
        state=sa.case(
            (outbox.c.version > outbox.c.claimed_version, SendState.PENDING), else_=SendState.FAILED
        )
    ),
    sets=_REPORTED,
)
BACKLOG = Prepared(
    sa.select(
        sa.func.count().label("waiting"),
        sa.func.min(outbox.c.owed_since, type_=UtcDateTime).label("oldest"),
    ).where(outbox.c.version > outbox.c.sent_version, outbox.c.state != SendState.FAILED)
)
_PARENT_ON_ITS_WAY = sa.exists().where(
    _PARENT.c.key == outbox.c.thread_key, _PARENT.c.ts.is_(None), _PARENT.c.state != SendState.FAILED
)
# No wait is ever longer than minutes: a time further ahead was noted by a clock that was set back since.
_AHEAD = sa.bindparam("ahead", type_=UtcDateTime)
_LAPSED = sa.or_(outbox.c.lease_until <= _NOW, outbox.c.lease_until > _AHEAD)
DUE = (
    sa.select(outbox.c.id)
    .where(
        outbox.c.version > outbox.c.sent_version,
        sa.or_(outbox.c.due_at <= _NOW, outbox.c.due_at > _AHEAD),
        sa.or_(
            outbox.c.state == SendState.PENDING,
            (outbox.c.state == SendState.SENDING) & _LAPSED,
            (outbox.c.state == SendState.UNKNOWN) & sa.or_(outbox.c.lease_until.is_(None), _LAPSED),
        ),
        sa.not_(_PARENT_ON_ITS_WAY),
        sa.func.coalesce(outbox.c.response_url, outbox.c.channel).not_in(
            sa.bindparam("busy", expanding=True)
        ),
    )
    .order_by(outbox.c.priority, outbox.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    # of this table only: replies of one parent must not block each other
    .with_for_update(skip_locked=True, of=outbox)
)
_PICKED = outbox.c.id.in_(sa.bindparam("picked", expanding=True))
# whoever let the lease of a first post run out may have posted: that must be found out, not repeated
_DOUBTFUL = (outbox.c.state != SendState.PENDING) & outbox.c.ts.is_(None)
CLAIM = (
    sa.update(outbox)
    .where(_PICKED)
    .values(
        state=sa.case((_DOUBTFUL, SendState.UNKNOWN), else_=SendState.SENDING),
        claimed_version=sa.case((_DOUBTFUL, outbox.c.claimed_version), else_=outbox.c.version),
        owner=sa.bindparam("by", type_=PlainText),
        lease_until=sa.bindparam("until", type_=UtcDateTime),
    )
)
CLAIMED_ROWS = WITH_PARENT.where(_PICKED)
