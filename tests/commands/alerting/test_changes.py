"""What a look at the fleet finds: what is so now, unless a person here made it so."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.alerting.changes import ERROR_LIMIT, ERROR_SPAN, Memory, Remembered, look
from commands.alerting.fingerprint import fingerprint
from commands.alerting.model import Kind, Severity, Signal, Source
from commands.coordinator.model import STATUS_WORDS, BotStatus, FleetStatus

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
LEFT, ERROR, RECOVERY = Kind.BOT_LEFT_RUNNING, Kind.BOT_ERROR, Kind.BOT_RECOVERY
LOW, RISING, BREAKER = Kind.HEALTH_LOW, Kind.ERRORS_RISING, Kind.BREAKER_OPEN

Said = str | Mapping[str, Any] | None
"""A bot in a status: its word, or more of it; ``None`` is a bot that says nothing of itself."""

GONE = "gone"


class Watch:
    """Looks one after another; what a look finds is open in the next one, and it remembers by JSON alone."""

    def __init__(self, *, now: datetime = NOW) -> None:
        self.now = now
        self.open: frozenset[tuple[str, str | None]] = frozenset()
        self.memory: Any = None

    def see(
        self,
        *,
        breaker: bool | None = None,
        excused: Iterable[str] = (),
        killed: bool = False,
        after: timedelta = timedelta(seconds=10),
        bots: tuple[str, ...] = ("ndax",),
        **said: Said,
    ) -> tuple[Signal, ...]:
        """What such a status is told of; a bot that is GONE is not listed."""
        self.now += after
        status = FleetStatus(
            observed_at=self.now,
            breaker_open=breaker,
            bots={name: bot(name, each) for name, each in said.items() if each != GONE},
        )
        before = Memory.from_json(self.memory)
        found, memory = look(
            status,
            before,
            bots=bots,
            still_open=self.open,
            excused=frozenset(excused),
            killed=killed,
            health_below=50,
            error_rise=3,
            now=self.now,
        )
        self.open = frozenset((signal.kind, signal.bot) for signal in found)
        self.memory = json.loads(json.dumps(memory.as_json()))
        assert Memory.from_json(self.memory) == memory
        return found

    def kinds(self, **said: Any) -> list[str]:
        """The kinds of what is found."""
        return [signal.kind for signal in self.see(**said)]


def bot(name: str, said: Said) -> BotStatus:
    fields = {"status": said} if said is None or isinstance(said, str) else said
    return BotStatus(name=name, **fields)


def running(**fields: Any) -> dict[str, Any]:
    return {"status": "running", **fields}


# -- left running


@pytest.mark.parametrize(
    ("word", "how"),
    [
        ("stopped", "is stopped now"),
        ("paused", "is paused now"),
        ("zombie", 'now says "zombie"'),
        (GONE, "is not listed any more"),
    ],
)
def test_a_bot_that_left_running_by_itself(word: str, how: str) -> None:
    watch = Watch()
    assert watch.kinds(ndax="running") == []
    (signal,) = watch.see(ndax=word)
    assert (signal.source, signal.kind, signal.bot) == (Source.FLEET, LEFT, "ndax")
    assert signal.severity is Severity.HIGH
    assert signal.message == f"ndax was running and {how}, without a command from here"
    assert watch.kinds(ndax=word) == [LEFT]  # for as long as it is so
    assert watch.kinds(ndax="running") == []


@pytest.mark.parametrize(
    ("course", "wanted"),
    [
        (["stopped", "paused", "zombie", GONE], [[], [], [], []]),  # never seen running
        (["starting", "stopped"], [[], []]),  # a start that failed is told by whoever asked for it
        ([None, "stopped"], [[], []]),
        (["running", "starting", "stopped"], [[], [], [LEFT]]),
        (["running", None, "stopped"], [[], [], [LEFT]]),
        (["running", "stopped", None, "stopped"], [[], [LEFT], [LEFT], [LEFT]]),
        (["running", "stopped", GONE, "paused"], [[], [LEFT], [LEFT], [LEFT]]),
        (["running", "stopped", "starting", "stopped"], [[], [LEFT], [], [LEFT]]),  # a bot that falls again
        (["running", "stopped", "starting", "running"], [[], [LEFT], [], []]),
        (["running", "error", "error", "stopped"], [[], [ERROR], [ERROR], [LEFT]]),
        (["running", "recovery", "running"], [[], [RECOVERY], []]),
        (["running", "recovery", "stopped"], [[], [RECOVERY], [LEFT]]),
        (["running", "stopped", "error", "stopped"], [[], [LEFT], [ERROR], [LEFT]]),
        (["error", "stopped"], [[ERROR], []]),
        (["error", None, GONE, "running"], [[ERROR], [ERROR], [ERROR], []]),
        (["recovery", None, "recovery", "stopped"], [[RECOVERY], [RECOVERY], [RECOVERY], []]),
        (["running", "error", GONE], [[], [ERROR], [LEFT, ERROR]]),
    ],
)
def test_the_course_of_a_bot(course: list[Said], wanted: list[list[str]]) -> None:
    watch = Watch()
    assert [watch.kinds(ndax=word) for word in course] == wanted


@pytest.mark.parametrize("why", [{"excused": ("ndax",)}, {"killed": True}])
@pytest.mark.parametrize("word", ["stopped", "paused", "zombie", None, GONE])
def test_what_a_person_here_did_is_no_alert_also_afterwards(why: dict[str, Any], word: Said) -> None:
    for open_before in (False, True):
        watch = Watch()
        watch.see(ndax="running")
        if open_before:
            assert watch.kinds(ndax="stopped") == [LEFT]
        assert watch.kinds(ndax=word, **why) == []
        assert watch.kinds(ndax="stopped") == []
        assert watch.kinds(ndax="running", **why) == []  # told to, and did not
        assert watch.kinds(ndax="stopped") == [LEFT]


def test_an_excuse_is_one_bots_alone() -> None:
    watch = Watch()
    watch.see(ndax="running", quantum="running")
    assert [signal.bot for signal in watch.see(ndax="stopped", quantum="stopped", excused=["ndax"])] == [
        "quantum"
    ]


def test_an_alert_that_a_person_closed_stays_closed() -> None:
    watch = Watch()
    watch.see(ndax="running")
    for word in ("stopped", None):
        watch.see(ndax=word)
    watch.open = frozenset()
    assert [watch.kinds(ndax=word) for word in ("stopped", None, "paused")] == [[], [], []]


def test_a_bot_that_is_not_ours_is_watched_as_well() -> None:
    watch = Watch()
    watch.see(ndax="running", other="running")
    assert [(each.kind, each.bot) for each in watch.see(ndax="running", other=GONE)] == [(LEFT, "other")]
    assert [(each.kind, each.bot) for each in watch.see(ndax="running")] == [(LEFT, "other")]
    watch.open = frozenset()
    assert watch.kinds(ndax="running") == []
    assert set(watch.memory["bots"]) == {"ndax"}  # names that come and go are not kept for ever


def test_a_status_without_bots_says_that_none_is_listed() -> None:
    watch = Watch()
    watch.see(ndax="running", quantum="stopped", bots=("ndax", "quantum"))
    assert [(each.kind, each.bot) for each in watch.see(bots=("ndax", "quantum"))] == [(LEFT, "ndax")]


# -- error and recovery


@pytest.mark.parametrize(
    ("word", "kind", "severity"),
    [("error", ERROR, Severity.HIGH), ("recovery", RECOVERY, Severity.WARNING)],
)
def test_a_state_that_tells_of_itself(word: str, kind: str, severity: Severity) -> None:
    errors = ("older", "lost  the\tbook " + "x" * 500)
    (signal,) = Watch().see(ndax={"status": word, "latest_errors": errors})
    assert (signal.kind, signal.severity, signal.bot) == (kind, severity, "ndax")
    start = f"ndax is in {word}: "
    assert signal.message.startswith(start + "lost the book x")
    assert len(signal.message) == len(start) + ERROR_LIMIT
    (bare,) = Watch().see(ndax=word)
    assert bare.message == f"ndax is in {word}"


@pytest.mark.parametrize("word", ["error", "recovery"])
def test_our_own_action_excuses_that_it_begins_and_ends_nothing(word: str) -> None:
    watch = Watch()
    assert watch.kinds(ndax=word, excused=["ndax"]) == []
    (kind,) = watch.kinds(ndax=word)
    assert watch.kinds(ndax=word, excused=["ndax"]) == [kind]
    assert watch.kinds(ndax=word, killed=True) == [kind]
    assert Watch().kinds(ndax=word, killed=True) == [kind]


def test_the_error_that_is_told_is_of_this_state() -> None:
    watch = Watch()
    watch.see(ndax={"status": "error", "latest_errors": ("out of memory",)})
    for said in ("error", None, GONE, "error"):
        (signal,) = watch.see(ndax=said)
        assert signal.message == "ndax is in error: out of memory"
    watch.see(ndax="running")
    assert watch.see(ndax="error")[0].message == "ndax is in error"


# -- health


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        (running(health=49.9), Severity.WARNING),
        (running(health=25.0), Severity.WARNING),
        (running(health=24.9), Severity.HIGH),
        (running(health=0.0), Severity.HIGH),
        (running(health=50.0), None),
        (running(health=None), None),
        *(
            ({"status": word, "health": 0.0}, None)
            for word in STATUS_WORDS - {"running", "error", "recovery"}
        ),
        ({"status": "zombie", "health": 0.0}, None),
        ({"status": None, "health": 1.0}, None),
    ],
)
def test_the_health_of_a_bot_that_runs(said: dict[str, Any], severity: Severity | None) -> None:
    found = Watch().see(ndax=said)
    assert [(each.kind, each.severity, each.value, each.limit) for each in found] == (
        [] if severity is None else [(LOW, severity, said["health"], 50)]
    )
    assert [each.message for each in found] == ["The health of ndax is low"] * len(found)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (running(health=None), 20),
        ({"status": None}, 20),
        (GONE, 20),
        ({"status": None, "health": 30.0}, 30),
        ({"status": None, "health": 60.0}, None),
        (running(health=60.0), None),
        ({"status": "stopped", "health": 20.0}, None),
        ({"status": "stopped"}, None),
    ],
)
def test_low_health_ends_only_when_it_is_known_to(said: Said, value: float | None) -> None:
    watch = Watch()
    watch.see(ndax=running(health=20.0))
    kept = [each for each in watch.see(ndax=said) if each.kind == LOW]
    assert [each.value for each in kept] == ([] if value is None else [value])
    assert all(each.severity is (Severity.HIGH if value == 20 else Severity.WARNING) for each in kept)


# -- errors


def rises(watch: Watch, *looks: tuple[float, int | None]) -> list[float | None]:
    """Looks at (minutes after the beginning, errors) -> the rise that is told; ``None`` when none is."""
    told = []
    for minutes, errors in looks:
        after = NOW + timedelta(minutes=minutes) - watch.now
        found = watch.see(ndax=running(error_count=errors), after=after)
        assert [(each.kind, each.severity, each.limit) for each in found] in (
            [],
            [(RISING, Severity.WARNING, 3)],
        )
        told.append(found[0].value if found else None)
    return told


@pytest.mark.parametrize(
    ("looks", "wanted"),
    [
        ([(0, 100)], [None]),  # a count alone is no rise
        ([(0, 0), (1, 2), (2, 3), (3, 5)], [None, None, 3, 5]),
        ([(0, 0), (4.9, 2), (5, 2), (6, 4)], [None, None, None, None]),  # two windows, two in each
        ([(0, 0), (5, 3)], [None, 3]),  # the look that ends a window counts to it
        ([(0, 0), (2, 3), (5, 3), (9, 3), (10, 3)], [None, 3, 3, 3, None]),  # a whole quiet window ends it
        ([(0, 0), (2, 3), (5, 3), (9, 6), (10, 6), (14, 6), (15, 6)], [None, 3, 3, 3, 3, 3, None]),
        ([(0, 0), (2, 3), (5, 3), (9, 5), (10, 5)], [None, 3, 3, 3, None]),
        ([(0, 0), (2, None), (3, 3), (4, None), (20, None)], [None, None, 3, 3, 3]),
        ([(0, 9), (1, 4), (2, 6), (3, 7)], [None, None, None, 3]),  # the coordinator began anew
        ([(0, 0), (1, 8), (2, 4), (3, 6), (6.9, 6), (7, 6)], [None, 8, 8, 8, 8, None]),
        ([(0, 5), (1, 6), (-60, 8), (-59, 9), (-58, 11)], [None, None, None, None, 3]),  # a clock set back
        ([(0, 0), (60, 35)], [None, None]),  # an hour without a look: three in any five minutes is not known
        ([(0, 0), (60, 36)], [None, 36]),
    ],
)
def test_errors_that_rise_within_five_minutes(
    looks: list[tuple[float, int | None]], wanted: list[float | None]
) -> None:
    assert timedelta(minutes=5) == ERROR_SPAN
    assert rises(Watch(now=NOW), *looks) == wanted


def test_errors_are_counted_bot_by_bot_whatever_the_bot_does() -> None:
    watch = Watch()
    watch.see(ndax={"status": "stopped", "error_count": 0}, quantum=running(error_count=0))
    (signal,) = watch.see(ndax={"status": "stopped", "error_count": 3}, quantum=running(error_count=2))
    assert (signal.bot, signal.message) == ("ndax", "The errors of ndax are rising")


def test_a_bot_of_ours_that_is_not_listed_for_once_keeps_its_window() -> None:
    watch = Watch()
    found = [watch.kinds(ndax=said) for said in ({"error_count": 0}, GONE, {"error_count": 3})]
    assert found == [[], [], [RISING]]


def test_an_open_alert_outlives_a_memory_that_was_lost_by_one_window() -> None:
    watch = Watch(now=NOW)
    watch.open = frozenset({(RISING, "ndax")})
    assert [
        watch.kinds(ndax=running(error_count=7), after=timedelta(minutes=each)) for each in (0, 4, 1)
    ] == [
        [RISING],
        [RISING],
        [],
    ]


# -- the breaker


@pytest.mark.parametrize(
    ("course", "wanted"),
    [
        ([None, False], [[], []]),
        ([True, None, True, False], [[BREAKER], [BREAKER], [BREAKER], []]),
    ],
)
def test_the_circuit_breaker(course: list[bool | None], wanted: list[list[str]]) -> None:
    watch = Watch()
    for breaker, kinds in zip(course, wanted, strict=True):
        found = watch.see(breaker=breaker)
        assert [each.kind for each in found] == kinds
        assert all(each.severity is Severity.HIGH and each.bot is None for each in found)


# -- what holds of every look


def test_a_fingerprint_hangs_on_kind_and_bot_alone() -> None:
    watch = Watch()
    watch.see(ndax="running", quantum="running")
    one, other = watch.see(ndax="stopped", quantum="stopped")
    again, _ = watch.see(ndax="zombie", quantum="stopped")
    assert one.message != again.message
    assert fingerprint(one) == fingerprint(again) != fingerprint(other)
    low, lower = (Watch().see(ndax=running(health=health))[0] for health in (40.0, 10.0))
    assert fingerprint(low) == fingerprint(lower) != fingerprint(one)


@pytest.mark.parametrize(
    "junk",
    [
        None,
        3,
        [],
        "{}",
        {"bots": None},
        {"bots": ["ndax"]},
        {"bots": {"ndax": None}},
        {
            "bots": {
                "ndax": {"ran": "yes", "status": 5, "health": 900, "error": [], "errors": -1, "rise": 1.5}
            }
        },
        {"bots": {"ndax": {"since": "yesterday", "errors": True, "baseline": "3"}}},
        {"bots": {"ndax": {"since": "2026-11-24T03:12:00", "errors": 1, "baseline": 1}}},
    ],
)
def test_garbage_is_forgotten(junk: object) -> None:
    memory = Memory.from_json(junk)
    assert all(
        replace(each, errors=None, baseline=None) == Remembered() and each.since is None
        for each in memory.bots.values()
    )
    watch = Watch()
    watch.memory = junk
    assert watch.kinds(ndax={"status": "stopped", "error_count": 50, "health": 0.0}) == []


def test_it_is_remembered_over_a_restart() -> None:
    memory = Memory(
        bots={
            "ndax": Remembered(
                status="running", ran=True, health=87.5, error="e", errors=4, baseline=2, since=NOW, rise=3
            ),
            "quantum": Remembered(),
        }
    )
    assert Memory.from_json(json.loads(json.dumps(memory.as_json()))) == memory


words = st.sampled_from([*sorted(STATUS_WORDS), "zombie"]) | st.none()
said = st.fixed_dictionaries(
    {
        "status": words,
        "health": st.none() | st.floats(0, 100),
        "error_count": st.none() | st.integers(0, 12),
        "latest_errors": st.lists(st.sampled_from(["a", " b\n c "]), max_size=3).map(tuple),
    }
)
looks = st.fixed_dictionaries(
    {
        "breaker": st.none() | st.booleans(),
        "excused": st.sets(st.sampled_from(["ndax", "quantum"])),
        "killed": st.booleans(),
        "after": st.integers(-400, 400).map(lambda seconds: timedelta(seconds=seconds)),
        "ndax": said | st.just(GONE),
        "quantum": said | st.just(GONE),
    }
)


@given(course=st.lists(looks, max_size=8))
def test_whatever_comes_each_alert_is_there_once_and_the_unknown_changes_nothing(
    course: list[dict[str, Any]],
) -> None:
    watch = Watch()
    for step in course:
        found = watch.see(**step)
        assert len({fingerprint(each) for each in found}) == len(found)
        assert {each.source for each in found} <= {Source.FLEET}
    before = watch.open
    watch.see(ndax=None, quantum=None)
    assert watch.open == before
