"""Data for the tests of the messages about alerts: one night, its alerts, and every message made of any text."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chatbot.views import alert, alert_lists, alert_news
from chatbot.views.alert_state import AlertCard, CallOut, Digest, Gap, Member, SilenceShown
from chatbot.views.blocks import Message, View
from commands.alerting.model import Kind, Severity, Source
from config.settings import Contact

BEGAN = datetime(2026, 11, 24, 3, 12, 5, tzinfo=UTC)
HANDBOOK = "https://wiki.test/recovery.md"
CONTACTS = (
    Contact(role="primary administrator", slack="U0ADMIN1", phone="+1 555 0100"),
    Contact(role="second administrator", name="Grace", phone="+1 555 0101"),
)


def after(minutes: float) -> datetime:
    """So many minutes after the alert began."""
    return BEGAN + timedelta(minutes=minutes)


def silenced(**known: object) -> SilenceShown:
    """An hour for alert 12, since a minute after it began, unless told otherwise."""
    made = SilenceShown(
        number=3,
        pattern="#12",
        owner="U0ADMIN2",
        reason="known feed problem",
        begun_at=after(1),
        ends_at=after(61),
    )
    return replace(made, **known)  # type: ignore[arg-type]  # a test names the fields it means


def alerting(**known: object) -> AlertCard:
    """ndax in error since two minutes, high, unless told otherwise."""
    card = AlertCard(
        number=12,
        source=Source.FLEET,
        kind=Kind.BOT_ERROR,
        bot="ndax",
        severity=Severity.HIGH,
        message="ndax is in error: OrderRejected",
        firing=True,
        began_at=BEGAN,
        last_at=after(2),
        now=after(2),
        count=3,
        handbook_url=HANDBOOK,
    )
    return replace(card, **known)  # type: ignore[arg-type]  # a test names the fields it means


def member(number: int, **known: object) -> Member:
    """One alert of several: a limit of ndax."""
    one = Member(
        number=number,
        severity=Severity.HIGH,
        bot="ndax",
        message="The run of losses of ndax has reached its limit",
        began_at=BEGAN,
        count=1,
        firing=True,
    )
    return replace(one, **known)  # type: ignore[arg-type]  # a test names the fields it means


CRITICAL = alerting(severity=Severity.CRITICAL, next_call_at=after(5), calls=1)
OWNED = alerting(severity=Severity.CRITICAL, owner="U0ADMIN1", owned_at=after(1))
OVER = alerting(firing=False, ended_at=after(12), now=after(12), last_at=after(11))
SUMMARY = alerting(
    source=Source.SUMMARY,
    kind="consecutive_loss_limit",
    bot=None,
    message="",
    count=7,
    firing_members=5,
    by_bot=(("ndax", 4), ("-", 3)),
    members=(member(21), member(20, bot=None, firing=False, count=2, severity=Severity.WARNING)),
)
STORM = replace(SUMMARY, kind="storm", storm=True)
CALL = CallOut(step=0, waited_seconds=120, on_call="U0ONCALL", next_in_minutes=3)
GAP = Gap(begins=after(0), ends=after(12), why="this bot was not running")
DIGEST = Digest(
    now=after(288),
    zone="Europe/Berlin",
    open_alerts=(member(21),),
    open_count=3,
    began=12,
    ended=9,
    held=34,
    kills=((BEGAN, "U0ADMIN1", "bad fills"),),
    approvals=(("Start ndax in safe mode", "approved", "U0ADMIN2"),),
    recoveries=("ndax runs again",),
    gaps=(GAP,),
    silences=(silenced(),),
    on_call="U0ONCALL",
    undelivered=1,
    waiting=2,
    audit_seq=1234,
    audit_hash="23274a58b0d2" + "0" * 52,
)
QUIET_DIGEST = replace(
    DIGEST,
    open_alerts=(),
    open_count=0,
    held=0,
    kills=(),
    approvals=(),
    recoveries=(),
    gaps=(),
    silences=(),
    on_call=None,
    undelivered=0,
    waiting=0,
)


def _states(text: str) -> Iterator[AlertCard]:
    """An alert in every standing, with this text wherever words come from outside."""
    silence = silenced(pattern=text, owner=text, reason=text, until_resolved=True)
    members = tuple(member(number, bot=text, message=text, count=10**30) for number in range(60))
    hostile = {
        "bot": text, "message": text, "unit": text, "link": text, "logs": (text,) * 20, "value": 1e300,
        "limit": 1e-300, "owner": text, "owned_at": BEGAN, "count": 10**30, "handbook_url": text, "drill": True,
    }  # fmt: skip
    kinds = [(kind, Source.FLEET) for kind in (*Kind, text)]
    kinds += [(kind, Source.SUMMARY) for kind in (Kind.BOT_ERROR, text, "storm")]
    for kind, source in (*kinds, (Kind.KILL, Source.ALERTMANAGER)):
        state = alerting(
            source=source, kind=kind, severity=Severity.CRITICAL, members=members, firing_members=59,
            by_bot=((text, 10**30),) * 60, storm=kind == "storm", **hostile,
        )  # fmt: skip
        yield state
        yield replace(state, firing=False, unheard=True)
    for severity in Severity:
        for firing in (True, False):
            yield alerting(
                severity=severity, firing=firing, flapping=True, silence=silence, was_silenced=silence,
                **{**hostile, "owner": None, "bot": None, "handbook_url": f"https://wiki.test/{text}", "value": -1.0},
            )  # fmt: skip
            yield alerting(
                severity=severity, firing=firing, calls=10**9, next_call_at=BEGAN, was_silenced=silence,
                **{**hostile, "owner": None, "value": float("nan"), "limit": float("inf"), "link": f"https://a.test/{text}"},
            )  # fmt: skip


def every_message(text: str) -> Iterator[Message]:
    """Each message about alerts with this text wherever words come from outside."""
    people = tuple(
        Contact.model_construct(role=text, name=text, slack=slack, phone=text, link=text)
        for slack in ("U0ADMIN1", None)
        for _ in range(25)
    )
    call = CallOut(step=2, waited_seconds=1e9, on_call=text, contacts=people, here=True, lapsed_owner=text)
    states = tuple(_states(text))
    for state in states:
        yield alert.card(state)
        yield alert.continued(state)
        yield alert.resolved(state)
        yield alert.escalated(state, call)
        yield alert.escalated(state, CALL)
        yield alert.rose(state, Severity.WARNING)
        yield alert.asked(state, minutes=10)
        yield alert.settled(state)
        yield alert.acknowledged(state)
        yield alert.answer_acknowledged(state)
        yield alert.answer_over(state)
        yield alert.answer_owned(state)
        yield alert.recover_plan(state)
        yield alert_lists.one(state, ((BEGAN, text, text),) * 60)
    for only in ("open", "all", text):
        for rows in ((), states[:1], states):
            yield alert_lists.alerts(
                rows, total=10**30 if rows else 0, only=only, bot=text, now=after(1e5), armed=(text,) * 60,
                watched_since=BEGAN,
            )  # fmt: skip
    one = silenced(pattern=text, owner=text, reason=text, until_resolved=True, ended_by=text, matching=10**30)
    many = tuple(replace(one, number=number) for number in range(60))
    yield alert_lists.silences(many, many, after(2))
    yield alert_lists.silences((), (), after(2))
    yield alert_lists.on_call(text, BEGAN, text, fallback=people, now=BEGAN)
    yield alert_lists.on_call(None, None, None, fallback=(), now=BEGAN)
    yield alert_news.silence_began(one)
    yield alert_news.silence_ends_soon(one, after(51))
    yield alert_news.silence_ended(one, 10**30)
    yield alert_news.on_call_changed(text, text, BEGAN)
    yield alert_news.channel_broken(text, text, moved=10**30)
    gap = Gap(begins=BEGAN, ends=after(1e6), why=text)
    yield alert_news.unwatched(gap, after(2e6))
    yield alert_news.digest(
        replace(
            DIGEST, zone=text, open_alerts=(member(1, bot=text, message=text),) * 60, open_count=10**30,
            kills=((BEGAN, text, text),) * 60, approvals=((text, text, text),) * 60, recoveries=(text,) * 60,
            gaps=(gap,) * 60, silences=many, on_call=text, audit_seq=10**30, audit_hash=text,
        )
    )  # fmt: skip


def every_form(text: str) -> Iterator[View]:
    """The form behind Silence, for every alert."""
    for state in _states(text):
        yield alert.silence_form(state)
