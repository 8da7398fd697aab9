"""Approvals under any order of events: asked, voted on, withdrawn, expired, killed, crashed, and clocks that jump.

The transactions are the program's own, on SQLite in memory; the world around them (a fleet that obeys, processes that
die between two steps of a run) is the model's. Nothing is done twice, nothing after a newer kill, nothing unapproved.
"""

import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from chatbot import steps
from chatbot.approvals import asked, tended, votes
from chatbot.desk import Desk, NoMessenger
from chatbot.metrics import Metrics
from chatbot.raising import record
from chatbot.recorder import Recorder
from chatbot.steps import LEASE
from chatbot.views.asked_words import Surroundings
from commands.coordinator.client import Coordinator
from commands.coordinator.model import BotStatus, FleetStatus
from commands.spec import UserError
from config.settings import Policy
from storage import actions, admins, approvals, audit, latch
from storage.actions import Action, State
from storage.approvals import Choice, Verdict
from storage.chain import GENESIS
from storage.database import Database
from storage.journal import Journal
from storage.schema import metadata

START = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
ADMINS = ("U1", "U2", "U3", "U4")
BOTS = ("ndax", "quantum")
MINUTES = 15
PEOPLE = st.sampled_from(ADMINS)
AROUND = Surroundings(metrics=None, alerts=None, unverified=(), started=())


@dataclass
class Run:
    """One process that works on an approved action: how far it is, and who it is."""

    owner: str
    resumed: bool
    begun: bool = False  # allowed to send, and nothing sent yet
    sent: bool = False


@dataclass
class Known:
    """What the model knows of one request."""

    command: str
    bot: str | None
    by: str
    needed: int
    kills: int  # when it was asked
    asked_at: datetime
    run: Run | None = None
    effects: int = 0  # how often it took effect in the fleet
    sendings: list[int] = field(default_factory=list)  # how many kills there were at each


class Approvals(RuleBasedStateMachine):
    """The verbs against a model of people, processes and a fleet."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        metadata.create_all(self.engine)
        self.conn = self.engine.connect()
        self.conn.execute(audit.audit_head.insert().values(id=1, seq=0, hash=GENESIS))
        self.now = START
        self.known: dict[str, Known] = {}
        self.kills = 0
        self.killed_at = START - timedelta(days=9)
        self.switch = False
        self.bots = dict.fromkeys(BOTS, "stopped")
        self.process = 0
        self.desk = _desk()

    def teardown(self) -> None:
        report = audit.verify(self.conn)
        assert report.faults == ()
        self.conn.close()
        self.engine.dispose()

    @initialize()
    def first_admins(self) -> None:
        admins.note(self.conn, ADMINS, self.now)

    # -- the world ---------------------------------------------------------------------------------------------

    def fleet(self) -> FleetStatus:
        return FleetStatus(
            observed_at=max(self.now, *(each.asked_at for each in self.known.values()), START),
            kill_switch_active=self.switch,
            bots={name: BotStatus(name=name, status=word) for name, word in self.bots.items()},
        )

    @rule(seconds=st.sampled_from([1, 60, 60 * MINUTES // 2, 60 * MINUTES + 1, -30, -3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(by=PEOPLE)
    def kill(self, by: str) -> None:
        self.kills += 1
        self.killed_at = max(self.killed_at, self.now)
        kill_id = f"kill-{self.kills}"
        fields = {"id": kill_id, "key": kill_id, "command": "kill", "bot": None, "reason": "bad fills"}
        fields |= {"requested_by": by, "source": "slack", "channel": None, "response_url": None}
        steps.accept(self.conn, at=self.now.isoformat(), owner="p", **fields)
        self.switch = True
        self.bots = dict.fromkeys(BOTS, "stopped")
        outcome = {"kill_switch": "active", "bots": dict(self.bots)}
        told = {"action_id": kill_id, "at": self.now.isoformat(), "actor": "chatbot", "outcome": outcome}
        steps.verified(self.conn, **told)
        steps.finished(self.conn, state="verified", **told)
        for each in self.known.values():
            if each.run is not None and each.run.begun and not each.run.sent:
                each.run = (
                    None  # the process that accepted the kill abandons its runs; others see it at the fence
                )

    @rule(bot=st.sampled_from(BOTS))
    def somebody_starts_a_bot(self, bot: str) -> None:
        if not self.switch:
            self.bots[bot] = "running"

    @rule()
    def crash(self) -> None:
        """Every process dies; another one takes over what runs."""
        self.process += 1
        owner = f"p{self.process}"
        for name, each in self.known.items():
            stored = actions.get(self.conn, name)
            if stored is not None and stored.state is State.RUNNING:
                each.run = Run(owner=owner, resumed=True)
        actions.take_over(
            self.conn, owner=owner, owners_prefix="p", now=self.now, lease_until=self.now + LEASE
        )

    # -- people ------------------------------------------------------------------------------------------------

    @rule(target=ids, by=PEOPLE, what=st.sampled_from(["override", "start ndax", "start quantum"]))
    def ask(self, by: str, what: str) -> Any:
        command, _, bot = what.partition(" ")
        action = Action(
            id=actions.new_id(command),
            key=actions.new_id("key"),
            command=command,
            bot=bot or None,
            option="safe" if bot else "",
            reason="it is fixed",
            requested_by=by,
            source="slack",
            accepted_at=self.now,
        )
        killed = latch.current(self.conn) is not None
        # A clock that was set back before the kill makes the cooldown longer, never shorter.
        possible = (
            killed and self.now >= self.killed_at if not bot else not killed and self.bots[bot] == "stopped"
        )
        twin = any(
            (each.command, each.bot) == (command, bot or None) and self.verdict(name) is Verdict.PENDING
            for name, each in self.known.items()
        )
        # An approved one that runs keeps others away from its bots; a release concerns them all.
        busy = any(
            self.running(name) and (each.bot is None or not bot or each.bot == bot)
            for name, each in self.known.items()
        )
        savepoint = self.conn.begin_nested()
        try:
            found = asked.ask(
                self.conn, desk=self.desk, action=action, fleet=self.fleet(), around=AROUND, detail={}
            )
        except UserError:
            savepoint.rollback()
            assert not possible or twin or busy
            return multiple()
        savepoint.commit()
        assert possible
        assert not twin
        assert not busy
        self.known[action.id] = Known(
            command=command,
            bot=bot or None,
            by=by,
            needed=found.card.needed,
            kills=self.kills,
            asked_at=self.now,
        )
        return action.id

    @rule(name=ids, person=PEOPLE, behind=st.sampled_from([0, 0, 0, 1]))
    def approve(self, name: str, person: str, behind: int) -> None:
        before = approvals.request(self.conn, name)
        assert before is not None
        ballot = votes.vote(
            self.conn,
            desk=self.desk,
            owner=f"p{self.process}",
            action_id=name,
            version=before.approval.version - behind,
            person=person,
            proof="slack",
            step=None,
            fleet=self.fleet(),
            flawed=(),
            now=self.now,
        )
        each = self.known[name]
        counts = ballot.refusal is None
        voted = {vote.person for vote in before.votes}
        allowed = before.approval.state is Verdict.PENDING and person not in voted | {each.by} and not behind
        assert not counts or allowed
        assert not counts or (before.approval.expires_at > self.now and each.kills == self.kills)
        if ballot.freed is not None:
            assert counts
            assert len(voted) + 1 == each.needed
            each.run = Run(owner=f"p{self.process}", resumed=False)

    @rule(name=ids, person=PEOPLE)
    def deny(self, name: str, person: str) -> None:
        before = self.verdict(name)
        ballot = votes.deny(
            self.conn, desk=self.desk, action_id=name, person=person, reason="no", proof="slack", now=self.now
        )
        assert (ballot.refusal is None) == (before is Verdict.PENDING and person != self.known[name].by)
        assert ballot.refusal is not None or self.verdict(name) is Verdict.DENIED

    @rule(name=ids, person=PEOPLE)
    def withdraw(self, name: str, person: str) -> None:
        before = self.verdict(name)
        ballot = votes.withdraw(
            self.conn,
            desk=self.desk,
            action_id=name,
            person=person,
            anybody=False,
            proof="slack",
            now=self.now,
        )
        assert (ballot.refusal is None) == (before is Verdict.PENDING and person == self.known[name].by)

    @rule()
    def tend(self) -> None:
        for name in tended.to_tend(self.conn, desk=self.desk, fleet=self.fleet(), now=self.now):
            tended.tend(
                self.conn,
                desk=self.desk,
                owner=f"p{self.process}",
                action_id=name,
                fleet=self.fleet(),
                now=self.now,
            )
        for name, each in self.known.items():
            stored = approvals.get(self.conn, name)
            assert stored is not None
            if stored.state is Verdict.PENDING:
                assert stored.expires_at > self.now
                assert each.kills == self.kills

    # -- the steps of a run, any other event between them ------------------------------------------------------

    @rule(name=ids)
    def fence(self, name: str) -> None:
        """A run asks whether it may send; one that a dead process began reads first."""
        each = self.known[name]
        run, stored = each.run, actions.get(self.conn, name)
        if run is None or run.begun or stored is None or stored.state is not State.RUNNING:
            return
        if run.resumed and stored.begun_at is not None and self.is_so(each):
            run.begun = run.sent = True
            return
        try:
            problem = record.begin(
                self.conn,
                desk=self.desk,
                owner=run.owner,
                action_id=name,
                fleet=self.fleet(),
                only=None,
                later=timedelta(),
                what="POST",
                now=self.now,
            )
        except record.LostError:
            each.run = None
            return
        if problem is not None:
            self.end(name, run, State.VOID)
            return
        assert each.kills == self.kills, "it may not be sent after a newer kill"
        assert self.verdict(name) is Verdict.APPROVED
        each.sendings.append(self.kills)
        run.begun = True

    @rule(name=ids)
    def send(self, name: str) -> None:
        """What was allowed reaches the fleet, and takes effect."""
        each = self.known[name]
        if each.run is None or not each.run.begun or each.run.sent:
            return
        each.effects += 1
        each.run.sent = True
        if each.command == "override":
            self.switch = False
        elif not self.switch:
            self.bots[each.bot or ""] = "running"

    @rule(name=ids)
    def finish(self, name: str) -> None:
        """What was sent is read back and written down; a kill that came meanwhile is sent again instead."""
        each = self.known[name]
        run = each.run
        if run is None or not run.sent:
            return
        if self.kills != each.kills:  # seen after the write: the kill is sent once more
            self.switch = True
            self.bots = dict.fromkeys(BOTS, "stopped")
            self.end(name, run, State.ABANDONED)
            return
        if not self.is_so(each):
            self.end(name, run, State.NOT_VERIFIED)
            return
        self.end(name, run, State.VERIFIED)

    def end(self, name: str, run: Run, state: State) -> None:
        each = self.known[name]
        held = latch.current(self.conn)
        release = held.id if state is State.VERIFIED and each.command == "override" and held else None
        with contextlib.suppress(record.LostError):
            record.finish(
                self.conn,
                desk=self.desk,
                owner=run.owner,
                action_id=name,
                state=state,
                outcome={"said": []},
                now=self.now,
                release=release,
            )
        each.run = None

    def is_so(self, each: Known) -> bool:
        return not self.switch if each.command == "override" else self.bots[each.bot or ""] == "running"

    def running(self, name: str) -> bool:
        found = actions.get(self.conn, name)
        assert found is not None
        return found.state is State.RUNNING

    def verdict(self, name: str) -> Verdict:
        found = approvals.get(self.conn, name)
        assert found is not None
        return found.state

    # -- what must always hold ---------------------------------------------------------------------------------

    @invariant()
    def nobody_decides_alone_or_twice(self) -> None:
        for name, each in self.known.items():
            found = approvals.request(self.conn, name)
            assert found is not None
            people = [vote.person for vote in found.votes]
            assert len(people) == len(set(people))
            assert each.by not in people
            given = sum(vote.choice is Choice.APPROVE for vote in found.votes)
            stored = actions.get(self.conn, name)
            assert stored is not None
            if found.approval.state is Verdict.APPROVED:
                assert given == found.approval.given == each.needed
                assert stored.state not in {State.WAITING, State.QUEUED}
            elif found.approval.state is Verdict.PENDING:
                assert stored.state is State.WAITING
                assert given < each.needed
            else:
                assert stored.state is State.VOID
                assert each.effects == 0

    @invariant()
    def nothing_takes_effect_twice(self) -> None:
        for each in self.known.values():
            assert (
                each.effects <= 1 + self.process
            )  # only a process that died before it could know sends again
            assert set(each.sendings) <= {each.kills}

    @invariant()
    def a_latch_is_let_go_only_by_an_override_that_was_verified(self) -> None:
        for held in latch.since(self.conn, START - timedelta(days=9)):
            if held.released_at is None:
                continue
            stored = actions.get(self.conn, held.released_by or "")
            assert stored is not None
            assert (stored.command, stored.state) == ("override", State.VERIFIED)

    @invariant()
    def a_kill_stands_until_it_is_released(self) -> None:
        """No order of events leaves a kill without a latch."""
        if self.kills == 0:
            return
        newest = actions.last_kill(self.conn)
        assert newest is not None
        if latch.current(self.conn) is None:
            last = latch.last(self.conn)
            assert last is not None
            released = self.known[last.released_by or ""]
            assert released.kills == self.kills, "the kill that it released was the newest"


def _desk() -> Desk:
    """Where the transactions look up the policy; nothing of it is opened."""
    database = Database("sqlite:///nowhere/never-opened.db")

    def now() -> datetime:
        return START

    return Desk(
        coordinator=Coordinator(url="http://127.0.0.1:1"),
        recorder=Recorder(database=database, journal=Journal("nowhere/j"), limit=1, now=now),
        database=database,
        sender=NoMessenger(),
        metrics=Metrics(),
        now=now,
        clock=time.monotonic,
        bots=BOTS,
        ops="C0OPS",
        coordinator_url="http://127.0.0.1:1",
        contacts=(),
        warn_seconds=(3.0,),
        watch_seconds=0,
        policy=Policy(
            cooldown_minutes=0, breaker_kills=100, approval_minutes=MINUTES, approvers={"start": 2}
        ),
        approvals="C0APPROVE",
        admins=ADMINS,
    )


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
