"""Actions under any order of events: one owner at a time, one end each, nothing accepted is lost."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from storage import actions
from storage.actions import Action, State
from storage.schema import metadata

START = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
OWNERS = st.sampled_from(["host/1", "host/2", "other/1"])


@dataclass
class Believed:
    """What the model knows of one action."""

    accepted: tuple[bool, datetime, str]  # kills first, then the oldest: the order of claims
    state: State
    owner: str | None
    until: datetime | None


class Actions(RuleBasedStateMachine):
    """The verbs against a dictionary; the database is SQLite in memory, for the verbs know no engine."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        metadata.create_all(self.engine)
        self.conn = self.engine.connect()
        self.now = START
        self.model: dict[str, Believed] = {}
        self.keys: dict[str, str] = {}

    def teardown(self) -> None:
        self.conn.close()
        self.engine.dispose()

    @rule(target=ids, key=st.sampled_from("abcdefgh"), kill=st.booleans(), owner=st.none() | OWNERS)
    def accept(self, key: str, kill: bool, owner: str | None) -> object:
        command = "kill" if kill else "stop"
        action = Action(
            id=actions.new_id(command),
            key=key,
            command=command,
            reason="",
            requested_by="U1",
            source="slack",
            accepted_at=self.now,
        )
        stored, new = actions.accept(self.conn, action, owner=owner, lease_until=self.now + LEASE)
        assert new == (key not in self.keys)
        if not new:
            assert stored.id == self.keys[key]
            return multiple()
        self.keys[key] = stored.id
        self.model[stored.id] = Believed(
            accepted=(not kill, self.now, stored.id),
            state=State.RUNNING if owner else State.QUEUED,
            owner=owner,
            until=self.now + LEASE if owner else None,
        )
        return stored.id

    @rule(seconds=st.sampled_from([1, 15, 30]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(owner=OWNERS, limit=st.integers(1, 3))
    def claim(self, owner: str, limit: int) -> None:
        free = [
            (each.accepted, name)
            for name, each in self.model.items()
            if each.state is State.QUEUED
            or (each.state is State.RUNNING and each.until is not None and each.until <= self.now)
        ]
        assert actions.claimable(self.conn, now=self.now) == bool(free)
        until = self.now + LEASE
        claimed = actions.claim(self.conn, owner=owner, now=self.now, lease_until=until, limit=limit)
        assert [each.id for each in claimed] == [name for _, name in sorted(free)][:limit]
        self._owned(claimed, owner)

    @rule(owner=OWNERS, prefix=st.sampled_from(["host/", "other/", "no%"]))
    def take_over(self, owner: str, prefix: str) -> None:
        until = self.now + LEASE
        taken = actions.take_over(
            self.conn, owner=owner, owners_prefix=prefix, now=self.now, lease_until=until
        )
        theirs = {
            name
            for name, each in self.model.items()
            if each.state is State.RUNNING and (each.owner or "").startswith(prefix)
        }
        assert {each.id for each in taken} == theirs
        self._owned(taken, owner)

    @rule(owner=OWNERS)
    def renew(self, owner: str) -> None:
        until = self.now + LEASE
        renewed = actions.renew(self.conn, owner=owner, ids=list(self.model), lease_until=until)
        mine = {
            name for name, each in self.model.items() if each.state is State.RUNNING and each.owner == owner
        }
        assert renewed == mine
        for name in mine:
            self.model[name].until = until

    @rule(name=ids, state=st.sampled_from(sorted(actions.FINAL)))
    def finish(self, name: str, state: State) -> None:
        self._ended(name, actions.finish(self.conn, name, state=state, at=self.now, outcome={}), state)

    @rule(name=ids)
    def close(self, name: str) -> None:
        ended = actions.close(self.conn, name, by="U2", reason="by hand", at=self.now)
        self._ended(name, ended, State.CLOSED)

    @rule(name=ids, other=ids)
    def join(self, name: str, other: str) -> None:
        if name != other:
            self._ended(name, actions.join(self.conn, name, other, self.now), State.JOINED)

    @invariant()
    def what_is_stored_is_what_happened(self) -> None:
        stored = {each.id: each for each in actions.recent(self.conn, 100)}
        assert set(stored) == set(self.model)
        for name, each in self.model.items():
            found = stored[name]
            assert (found.state, found.claimed_by, found.lease_until) == (each.state, each.owner, each.until)
            assert (found.finished_at is None) == (found.state in actions.OPEN)

    @invariant()
    def the_open_kill_is_the_oldest(self) -> None:
        kills = [
            (each.accepted, name)
            for name, each in self.model.items()
            if not each.accepted[0] and each.state in actions.OPEN
        ]
        found = actions.open_kill(self.conn)
        assert (found.id if found else None) == (min(kills)[1] if kills else None)

    def _owned(self, claimed: list[Action], owner: str) -> None:
        for each in claimed:
            self.model[each.id].state = State.RUNNING
            self.model[each.id].owner = owner
            self.model[each.id].until = self.now + LEASE

    def _ended(self, name: str, ended: bool, state: State) -> None:
        assert ended == (self.model[name].state in actions.OPEN)
        if ended:
            self.model[name] = Believed(
                accepted=self.model[name].accepted, state=state, owner=None, until=None
            )


TestActions = Actions.TestCase
TestActions.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
