"""Data for the tests of the views: one night, one fleet, every message that can be made of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chatbot.views import (
    actions,
    appointed,
    approval,
    contacts,
    help,  # noqa: A004 - named for its command
    home,
    kill,
    lists,
    refusals,
    status,
    totp,
)
from chatbot.views.actions import BotCard
from chatbot.views.approval_state import RequestCard
from chatbot.views.asked_words import Surroundings, effect_lines, state_lines
from chatbot.views.blocks import Message, View, message, section
from chatbot.views.kill import Joined, KillCard, Phase
from chatbot.views.lists import Someone
from chatbot.views.status import LatchView, StatusReport
from commands import COMMANDS
from commands.cooldown import Breaker
from commands.coordinator.model import (
    BotStatus,
    FleetStatus,
    Metrics,
    MonitorAlert,
    MonitorBot,
    MonitorMetrics,
)
from commands.kill import Doubt
from commands.spec import Request, Role
from commands.standing import Standing
from config.settings import Contact
from storage.actions import Action, State
from storage.approvals import Choice, Verdict, Vote
from storage.latch import Latch
from storage.lockdown import Lockdown
from storage.walks import Walk

KILLED = datetime(2026, 11, 24, 3, 12, 5, tzinfo=UTC)
BOTS = ("ndax", "quantum", "shadowforge")
CONTACTS = (
    Contact(role="primary administrator", slack="U0ADMIN1", phone="+1 555 0100"),
    Contact(role="exchange support", link="https://example.test/support?a=1&b=2"),
)
DOUBTS = (
    Doubt(bot=None, word="inactive", proven=True),
    Doubt(bot="ndax", word="running", proven=True),
    Doubt(bot="quantum", word="not listed", proven=False),
)
STOPPED = tuple(BotStatus(name=name, status="stopped") for name in BOTS)


def after(seconds: float) -> datetime:
    """So many seconds after the kill was accepted."""
    return KILLED + timedelta(seconds=seconds)


def kill_card(phase: Phase, **known: object) -> KillCard:
    """A kill for "bad fills", three seconds old unless told otherwise."""
    card = KillCard(
        id="kill-1",
        by="U0ADMIN1",
        reason="bad fills",
        accepted_at=KILLED,
        phase=phase,
        now=after(3),
        coordinator_url="http://localhost:8000",
        contacts=CONTACTS,
    )
    return replace(card, **known)  # type: ignore[arg-type]  # a test names the fields it means


SENDING = kill_card(Phase.SENDING, now=KILLED)
SENT = kill_card(Phase.SENT, sent_at=after(0.3), seen_at=after(1), doubts=DOUBTS, attempts=1)
VERIFIED = kill_card(
    Phase.VERIFIED,
    sent_at=after(0.3),
    verified_at=after(0.8),
    seen_at=after(0.8),
    bots=STOPPED,
    attempts=1,
    watching_until=after(60.8),
)
NOT_CONFIRMED = kill_card(
    Phase.NOT_CONFIRMED,
    seen_at=after(2),
    doubts=DOUBTS,
    attempts=7,
    last_error="The coordinator answered 500.",
    warn_after=3.0,
)
LAST_WARNING = kill_card(
    Phase.NOT_CONFIRMED, seen_at=None, attempts=12, warn_after=30.0, now=after(30), last_error="It hangs."
)
CLOSED = kill_card(
    Phase.CLOSED, seen_at=after(2), doubts=DOUBTS, closed_by="U0ADMIN2", close_reason="pulled the plug"
)
STILL_TRADING = (
    "*Still trading*: ndax (running).\n"
    "*Unknown, so treat as trading*: quantum (not listed).\n"
    "*The kill switch is off*, says the coordinator.\n"
)


def bot_card(state: str, **known: object) -> BotCard:
    """A stop of ndax, a second old unless told otherwise."""
    card = BotCard(
        id="stop-1",
        command="stop",
        bot="ndax",
        by="U0OPER01",
        reason="odd orders",
        accepted_at=KILLED,
        now=after(1),
        state=state,
    )
    return replace(card, **known)  # type: ignore[arg-type]  # a test names the fields it means


def fleet(switch: bool | None, **words: str | None) -> FleetStatus:
    """One read, 0.4 s before now; the coordinator's clock is 12 s older."""
    return FleetStatus(
        observed_at=after(-0.4),
        reported_at=after(-12.4),
        kill_switch_active=switch,
        bots={
            name: BotStatus(name=name, status=word, health=98.0, error_count=0)
            for name, word in words.items()
        },
    )


def status_report(found: FleetStatus | None, latch: LatchView | None = None, **known: object) -> StatusReport:
    """A report of that read and that latch, with nothing else wrong."""
    report = StatusReport(
        now=KILLED,
        status=found,
        error=None,
        latch=latch,
        cooldown_left=timedelta(minutes=42) if latch else None,
        breaker=Breaker(open=False, kills=1 if latch else 0, limit=3),
        bots=BOTS,
        only=None,
        may_kill=True,
    )
    return replace(report, **known)  # type: ignore[arg-type]  # a test names the fields it means


LATCH = LatchView(engaged_at=after(-1080), by="U0ADMIN1", reason="bad fills", verified_at=after(-1079))


def every_message(text: str) -> Iterator[Message]:
    """Each message of each view with this text wherever words come from outside."""
    bot = BotStatus(
        name=text, status=text, health=1e300, error_count=10**30, latest_errors=(text, text, text)
    )
    bots = tuple(replace(bot, name=f"{text}{number}") for number in range(60))
    doubts = (
        Doubt(bot=None, word=text, proven=False),
        *(Doubt(bot=each.name, word=text, proven=number % 2 == 0) for number, each in enumerate(bots)),
    )
    people = tuple(
        Contact.model_construct(role=text, name=text, slack="U0ADMIN1", phone=text, link=text)
        for _ in range(25)
    )
    second = Joined(by=text, reason=text, at=KILLED)
    for phase in Phase:
        for now, seen in ((after(0), None), (after(30), after(1))):
            state = kill_card(
                phase, id=text, by=text, reason=text, now=now, seen_at=seen, doubts=doubts, bots=bots,
                attempts=3, last_error=text, joined=(second,) * 20, returned=(text,) * 20, switch_lost=2,
                recorded=False, audit=(10**12, text), closed_by=text, close_reason=text, contacts=people,
                watching_until=after(60), warn_after=30.0,
                coordinator_url=f"http://localhost:8000/{text}",
            )  # fmt: skip
            yield kill.card(state)
            yield kill.alarm(state)
            yield kill.came_back(state, text, now)
            yield kill.switch_forgotten(state, now)
            yield kill.confirmed_late(state)
            yield kill.outcome(state)
            yield kill.closed(state)
    yield kill.acknowledged(text, text, KILLED, reason=text, recorded=False)
    yield kill.joined(text, text, second)
    yield kill.joined_note(text, second)
    yield kill.reason_given(text, text, text)
    for word in ("queued", "running", "verified", "not_verified", "failed", "closed", text):
        stop = bot_card(
            word,
            id=text,
            command=text,
            bot=text,
            by=text,
            reason=text,
            error=text,
            observed=bot,
            seen_at=KILLED,
        )
        yield actions.card(stop)
        yield actions.acknowledged(stop, recorded=False)
    yield from _status_messages(text, bots)
    yield from _approval_messages(text)
    yield kill.mismatch(doubts[:40], KILLED, people, again=True, now=KILLED)
    yield kill.mismatch(doubts[:40], KILLED, people, again=False, now=KILLED)
    yield appointed.added(text, KILLED)
    yield totp.changed(text, text, text)
    yield help.help_message(COMMANDS, topic=text, role=None, root_command=text)
    yield contacts.contacts(people)
    yield refusals.refusal(text)
    yield refusals.fault(text)


def request_card(verdict: Verdict, **known: object) -> RequestCard:
    """A request to start ndax that one of two admins approved, unless told otherwise."""
    card = RequestCard(
        id="start-7F3K2QXA",
        command="start",
        bot="ndax",
        option="safe",
        reason="feed is fixed",
        by="U0ADMIN1",
        asked_at=KILLED,
        expires_at=after(900),
        needed=2,
        given=1,
        version=2,
        verdict=verdict,
        votes=(
            Vote(
                action_id="start-7F3K2QXA",
                person="U0ADMIN2",
                choice=Choice.APPROVE,
                proof="slack",
                at=after(60),
            ),
        ),
        action=State.WAITING,
        sends=('POST http://localhost:8000/start {"bot": "ndax", "safe_mode": true}',),
        effects=("*Effect*: ndax trades again",),
        state=("*State when it was asked*",),
    )
    return replace(card, **known)  # type: ignore[arg-type]  # a test names the fields it means


def _approval_messages(text: str) -> Iterator[Message]:
    vote = Vote(action_id=text, person=text, choice=Choice.APPROVE, proof=text, reason=text, at=KILLED)
    hostile = {
        "id": text, "bot": text, "reason": text, "by": text, "why": text, "decided_by": text, "decided_at": KILLED,
        "finished_at": KILLED, "outcome": {"said": [text, text, 7]}, "sends": (text,), "votes": (vote,),
        "audit": (10**12, text),
    }  # fmt: skip
    cards = [
        request_card(verdict, action=action, command=command, option=option, frees_at=frees, **hostile)
        for verdict, action in (
            *((each, State.VOID) for each in Verdict if each is not Verdict.APPROVED),
            *((Verdict.APPROVED, each) for each in State),
        )
        for command, option in (("start", "full"), ("force-override", ""), (text, text))
        for frees in (None, after(300))
    ]
    for card in cards:
        yield approval.card(card)
        yield approval.copy_for_asker(card)
        yield approval.asked(card, text, (text,) * 20)
        yield approval.reminder(card, KILLED, (text,) * 20)
        yield approval.ended(card)
        yield approval.news(card)
        yield refusals.refusal(approval.answer(card, "This button is out of date."))
    someone = Someone(
        person=text,
        role=Role.ADMIN,
        flaw=None,
        flaw_known=True,
        presence=text,
        approves_from=KILLED,
        enrolled=False,
    )
    yield lists.approvals(tuple(cards), tuple(cards[:10]), where=text, now=KILLED)
    yield lists.who(
        (someone, replace(someone, flaw=text), replace(someone, flaw_known=False)) * 20,
        codes=True,
        now=KILLED,
    )
    yield approval.lockdown_began(text, text, KILLED)
    yield approval.lockdown_answer(text, KILLED, first=False, recorded=True, ops=text)
    yield approval.lockdown_answer(text, KILLED, first=True, recorded=False, ops=text)
    yield message(*(section(*lines) for lines in _asked_lines(text)))


def _asked_lines(text: str) -> Iterator[tuple[str, ...]]:
    """The lines of a request for each command, of a fleet and a record full of this text."""
    held = Latch(id=1, engaged_at=KILLED, by=text, reason=text, action_id=text)
    standing = Standing(
        now=KILLED,
        latch=held,
        kill=None,
        kills=1,
        cooldown=timedelta(minutes=42),
        breaker=Breaker(open=True, kills=3, limit=3, closes_in=timedelta(hours=3)),
        lockdown=Lockdown(id=1, begun_at=KILLED, by=text, reason=text),
        fleet=FleetStatus(observed_at=KILLED, bots={text: BotStatus(name=text, status=text)}),
        bots=(text, "ndax"),
    )
    stop = Action(
        id=text,
        key=text,
        command="stop",
        bot=text,
        reason=text,
        requested_by=text,
        source="slack",
        accepted_at=KILLED,
    )
    around = Surroundings(
        metrics=MonitorMetrics(observed_at=KILLED, bots={text: MonitorBot(name=text)}, limits={text: 1.0}),
        alerts=tuple(
            MonitorAlert(kind=kind, message=text) for kind in ("critical", "high", text) for _ in range(9)
        ),
        unverified=(stop,) * 9,
        started=(text, "ndax"),
    )
    for surroundings in (around, Surroundings(metrics=None, alerts=None, unverified=(), started=())):
        for command, option in (
            ("override", ""),
            ("force-override", ""),
            ("start", "full"),
            ("start-sequential", "full"),
            ("start-sequential", "safe"),
            ("resume", ""),
            ("lockdown", "off"),
        ):
            request = Request(command=command, bot=text, option=option)
            yield effect_lines(request, standing, surroundings)
            yield state_lines(request, standing, surroundings)


def every_form(text: str) -> Iterator[View]:
    """Each form, and the home tab, with this text wherever words come from outside."""
    card = request_card(Verdict.PENDING, id=text, reason=text, by=text, bot=text)
    yield approval.deny_modal(card)
    yield approval.code_modal(card)
    latch = Latch(id=1, engaged_at=KILLED, by=text, reason=text, action_id=text)
    lockdown = Lockdown(id=1, begun_at=KILLED, by=text, reason=text)
    for may_decide in (True, False):
        yield home.view(
            reader=text,
            may_decide=may_decide,
            waiting=(card,) * 30,
            ended=(card,) * 30,
            held=latch,
            locked=lockdown,
            root=text,
            now=KILLED,
            recoveries=(Walk(id=1, bot=text, lead=text, title=text, opened_by=text, opened_at=KILLED),) * 30,
        )


def _status_messages(text: str, bots: tuple[BotStatus, ...]) -> Iterator[Message]:
    seen = FleetStatus(
        observed_at=KILLED,
        reported_at=after(100),
        breaker=text,
        bots={bot.name: bot for bot in bots},
        metrics=Metrics(total_trades=10**40, total_profit_loss=-1e300),
    )
    measured = MonitorMetrics(
        observed_at=KILLED, bots={bot.name: MonitorBot(name=bot.name, status=text) for bot in bots}
    )
    latch = LatchView(engaged_at=KILLED, by=text, reason=text)
    for switch in (True, False, None):
        for held in (latch, None):
            for only in (None, text):
                yield status.report(
                    status_report(
                        replace(seen, kill_switch_active=switch), held, error=text, storage_error=text,
                        outbox_waiting=3, outbox_oldest=1e9, monitor=measured, only=only,
                    ),
                    public=False,
                )  # fmt: skip
    yield status.report(status_report(None, latch, error=text, bots=(text,)), public=True)
