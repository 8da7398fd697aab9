"""The daily digest: what happened in a day, and the head of the audit as a witness outside the database."""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from chatbot.alerting import cards
from chatbot.alerting.desk import AlertDesk
from chatbot.approvals import copies
from chatbot.steps import Owing, owe
from chatbot.views import alert_news as view
from chatbot.views.alert_state import Digest, Gap
from commands.alerting.model import Kind
from storage import actions, alerts, audit, gaps, marks, on_call, outbox, silences

NAME = "digest"
DAY = timedelta(days=1)
RUNNING_AGAIN = frozenset({Kind.BOT_LEFT_RUNNING, Kind.BOT_ERROR, Kind.BOT_RECOVERY})
SHOWN = 10


class Digests:
    """Posts the digest when its hour has come; a tick calls `look`."""

    def __init__(self, *, desk: AlertDesk) -> None:
        self._desk = desk

    async def look(self) -> None:
        """Post today's digest once, by whichever process looks first; late when nobody ran at its hour."""
        hour = self._desk.settings.digest_hour
        if hour is None:
            return
        desk = self._desk.desk
        now = desk.now()
        here = now.astimezone(self._desk.zone)
        day = (here if here.hour >= hour else here - DAY).date().isoformat()
        mark = await desk.database.read(lambda conn: marks.get(conn, NAME))
        if mark is not None and str(mark.data.get("day", "")) >= day:
            return
        if await desk.database.write(partial(_post, desk=self._desk, day=day, now=now)):
            desk.sender.wake()


def _post(conn: Connection, *, desk: AlertDesk, day: str, now: datetime) -> bool:
    mark = marks.lock(conn, NAME, at=now)
    last = str(mark.data.get("day", ""))
    if last >= day:
        return False
    marks.put(conn, NAME, at=now, data={"day": day})
    if not last:
        return False  # the first day of this database: there is nothing yet to tell of
    message = view.digest(compose(conn, desk, now))
    ops = desk.desk.ops
    owe(conn, (Owing(key=f"digest/{day}", channel=ops, payload=message.payload(), priority=4),), now)
    return True


def compose(conn: Connection, desk: AlertDesk, now: datetime) -> Digest:
    """What the digest tells of the 24 hours before ``now``."""
    since = now - DAY
    open_now, many = alerts.listed(conn, only_firing=True, bot=None, limit=SHOWN)
    tally = alerts.tally(conn, since)
    waiting, _ = outbox.backlog(conn, now)
    seq, digest = audit.head(conn)
    duty = on_call.current(conn, now)
    return Digest(
        now=now,
        zone=str(desk.zone),
        open_alerts=tuple(map(cards.member, open_now)),
        open_count=many,
        began=tally["began"],
        ended=tally["ended"],
        held=tally["hold"],
        kills=tuple(
            (each.accepted_at, each.requested_by, each.reason) for each in actions.kills_since(conn, since)
        ),
        approvals=tuple(
            (f"/{each.command} {each.bot or ''}".strip(), each.verdict.value, each.decided_by or "")
            for each in copies.ended(conn, SHOWN)
            if each.decided_at is not None and each.decided_at >= since
        ),
        recoveries=tuple(row.message for row in alerts.ended_since(conn, since, tuple(RUNNING_AGAIN))),
        gaps=tuple(Gap(begins=each.begins, ends=each.ends, why=each.why) for each in gaps.since(conn, since)),
        silences=tuple(map(cards.silence_shown, silences.standing(conn))),
        on_call=duty.person if duty is not None else None,
        undelivered=outbox.given_up(conn, since),
        waiting=waiting,
        audit_seq=seq,
        audit_hash=digest,
    )
