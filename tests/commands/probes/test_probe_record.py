"""Our own record, judged: kills and rules, the last release, and what a recovery brought about since it began."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from commands.cooldown import Breaker
from commands.monitoring.judging import Seen
from commands.probes.model import Report, Verdict, gathered
from commands.probes.record import LATELY, RAISED_SHOWN, Facts, look
from commands.probes.signs import SIGNS
from commands.standing import Standing
from storage.actions import Action, State
from storage.latch import Latch
from storage.lockdown import Lockdown
from storage.windows import WindowRow, WindowState

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BEGAN = NOW - HOUR


def an_action(command: str, at: datetime = BEGAN, **changes: object) -> Action:
    values: dict[str, object] = {
        "id": f"{command}-1",
        "key": f"key-{command}",
        "command": command,
        "reason": "",
        "requested_by": "U1",
        "source": "slack",
        "state": State.VERIFIED,
        "accepted_at": at,
    }
    return Action(**{**values, **changes})  # type: ignore[arg-type]


KILL = an_action("kill", NOW - 2 * HOUR)
LATCH = Latch(id=1, engaged_at=NOW - 2 * HOUR, by="U1", reason="bad fills", action_id=KILL.id)
NOTHING = Standing(
    now=NOW,
    latch=None,
    kill=None,
    kills=0,
    cooldown=timedelta(),
    breaker=Breaker(open=False, kills=0, limit=3),
    lockdown=None,
    fleet=None,
    bots=("ndax",),
)
FACTS = Facts(
    standing=NOTHING,
    actions=(),
    bot="ndax",
    windows=(),
    evidence_at=None,
    log_written=False,
    log_closed=False,
    since=BEGAN,
)


def signs(facts: Facts) -> dict[str, bool]:
    report = Report(probe="record", at=NOW, took=0.0, findings=look(facts))
    return {name: each.seen for name, each in gathered((report,)).items()}


def words(facts: Facts) -> str:
    return "\n".join(each.text for each in look(facts))


def held(*actions: Action, latch: Latch | None = LATCH, kill: Action | None = KILL) -> Facts:
    return replace(FACTS, standing=replace(NOTHING, latch=latch, kill=kill), actions=actions)


def test_the_record_is_always_known() -> None:
    ours = {name for name, sign in SIGNS.items() if sign.probe == "record"}
    assert signs(FACTS) == {**dict.fromkeys(ours, False), "cooldown.over": True}
    of_a_recovery = {"start.safe", "evidence.taken", "window.stable", "log.written", "log.closed"}
    assert signs(replace(FACTS, since=None)).keys() == ours - of_a_recovery


@pytest.mark.parametrize(
    ("latch", "stands", "verified"),
    [(None, False, False), (LATCH, True, False), (replace(LATCH, verified_at=NOW), True, True)],
)
def test_a_kill_stands_and_was_verified(latch: Latch | None, stands: bool, verified: bool) -> None:
    found = signs(held(latch=latch))
    assert (found["kill.stands"], found["kill.verified"]) == (stands, verified)
    assert ("NOT verified" in words(held(latch=latch))) is (stands and not verified)
    assert ("(kill-1)" in words(held(latch=latch))) is stands


@pytest.mark.parametrize(
    ("action", "elsewhere"),
    [
        (an_action("kill", requested_by="elsewhere"), True),
        (an_action("kill", NOW - LATELY, requested_by="elsewhere"), True),
        (an_action("kill", NOW - LATELY - SECOND, requested_by="elsewhere"), False),
        (an_action("stop", requested_by="elsewhere"), False),
        (KILL, False),
    ],
)
def test_a_kill_was_made_elsewhere(action: Action, elsewhere: bool) -> None:
    assert signs(replace(FACTS, actions=(action,)))["kill.elsewhere"] is elsewhere


def test_the_rules_that_hold() -> None:
    standing = replace(
        NOTHING,
        cooldown=12 * MINUTE,
        breaker=Breaker(open=True, kills=4, limit=3),
        lockdown=Lockdown(id=1, begun_at=NOW, by="U1", reason="breach"),
    )
    facts = replace(FACTS, standing=standing)
    found = signs(facts)
    assert (found["cooldown.over"], found["breaker.ours"], found["lockdown.on"]) == (False, True, True)
    assert "cooldown 12 min left; our circuit breaker is open (4 of 3); a lockdown stands" in words(facts)
    assert "no cooldown runs; our circuit breaker is closed (0 of 3)\n" in words(FACTS)


@pytest.mark.parametrize(
    ("state", "refused"),
    [(each, each in {State.FAILED, State.NOT_VERIFIED}) for each in sorted(State)],
)
@pytest.mark.parametrize("command", ["override", "force-override"])
def test_a_release_that_did_not_take_effect(command: str, state: State, refused: bool) -> None:
    assert signs(held(an_action(command, state=state)))["release.refused"] is refused


@pytest.mark.parametrize(
    ("actions", "latch"),
    [
        ((an_action("start", state=State.FAILED),), LATCH),
        ((an_action("override", state=State.FAILED),), None),  # released since
        (
            (an_action("override", LATCH.engaged_at - SECOND, state=State.FAILED),),
            LATCH,
        ),  # of an earlier kill
        (
            (an_action("override", NOW - LATELY - SECOND, state=State.FAILED),),
            replace(LATCH, engaged_at=NOW - 2 * LATELY),
        ),
        ((an_action("override", state=State.FAILED), an_action("override", NOW)), LATCH),
    ],
    ids=["no release", "no kill", "another kill", "long ago", "the last one counts"],
)
def test_what_is_no_refused_release(actions: tuple[Action, ...], latch: Latch | None) -> None:
    assert signs(held(*actions, latch=latch))["release.refused"] is False


def test_the_last_release_is_told() -> None:
    assert "override-1 did not take effect: not verified" in words(
        held(an_action("override", state=State.NOT_VERIFIED))
    )
    assert "The last release is override-1: verified" in words(held(an_action("override")))
    assert "No release was tried lately" in words(FACTS)


def test_who_let_what_trade_is_told_by_person() -> None:
    actions = (
        an_action("start", bot="ndax", state=State.FAILED),
        an_action("kill", requested_by="U9"),
        an_action("stop", requested_by="U9"),
        an_action("pause", requested_by="U9"),
        an_action("resume", NOW, bot="quantum", requested_by="U2"),
        an_action("start", requested_by="U8", state=State.VOID),  # denied: it raised nothing
        an_action("start", requested_by="U8", state=State.WAITING),
        an_action("override", NOW),
    )
    told = words(replace(FACTS, actions=actions))
    assert "by person: U1: start ndax at 11-25 02:12, override at 11-25 03:12; U2: resume quantum at" in told
    assert "U8" not in told
    assert "U9" not in told
    assert "Nothing raised risk lately" in words(replace(FACTS, actions=actions[1:4]))


def test_of_many_the_newest_are_told() -> None:
    many = tuple(an_action("start", NOW, bot=f"b{n}") for n in range(RAISED_SHOWN + 1))
    told = words(replace(FACTS, actions=many))
    assert "start b0 " not in told
    assert "start b1 " in told
    assert f"start b{RAISED_SHOWN} " in told


@pytest.mark.parametrize(
    ("at", "taken"), [(None, False), (BEGAN - SECOND, False), (BEGAN, True), (NOW, True)]
)
def test_evidence_counts_from_when_the_recovery_began(at: datetime | None, taken: bool) -> None:
    assert signs(replace(FACTS, evidence_at=at))["evidence.taken"] is taken


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("closed", [False, True])
def test_its_log(written: bool, closed: bool) -> None:
    found = signs(replace(FACTS, log_written=written, log_closed=closed))
    assert (found["log.written"], found["log.closed"]) == (written, closed)


def a_window(begun: datetime, state: str = WindowState.STABLE, number: int = 7) -> WindowRow:
    return WindowRow(
        id=number,
        bot="ndax",
        origin="start",
        opened_by="U1",
        begun_at=begun,
        ends_at=begun + 30 * MINUTE,
        every=10.0,
        state=state,
        seen=Seen(ran=frozenset({"ndax"}), began=frozenset({"ndax"})).as_json(),
    )


@pytest.mark.parametrize("state", sorted(WindowState))
def test_only_a_window_that_ended_stable_is_one(state: str) -> None:
    facts = replace(FACTS, windows=(a_window(NOW - 30 * MINUTE, state),))
    assert signs(facts)["window.stable"] is (state == WindowState.STABLE)
    ended = f"Window #7 ended as {state.replace('_', ' ')}"
    assert ("Window #7 runs until 03:12 UTC" if state == WindowState.OPEN else ended) in words(facts)


@pytest.mark.parametrize(
    ("begun", "killed", "stable"),
    [
        (BEGAN, None, True),
        (BEGAN - SECOND, None, False),  # of before the recovery
        (BEGAN, BEGAN - HOUR, True),
        (BEGAN + 10 * MINUTE, BEGAN + 10 * MINUTE, True),
        (BEGAN + 10 * MINUTE, BEGAN + 11 * MINUTE, False),  # a kill ends what was watched before it
    ],
)
def test_only_a_window_of_after_the_beginning_and_the_last_kill_counts(
    begun: datetime, killed: datetime | None, stable: bool
) -> None:
    kill = None if killed is None else an_action("kill", killed)
    facts = replace(held(latch=None, kill=kill), windows=(a_window(begun),))
    assert signs(facts)["window.stable"] is stable
    assert ("No monitoring window" in words(facts)) is not stable


def test_one_that_proves_it_decides_else_one_that_is_open_else_the_newest() -> None:
    stable, running, gone = (
        a_window(BEGAN),
        a_window(NOW - 2 * MINUTE, WindowState.OPEN, number=8),
        a_window(NOW - MINUTE, WindowState.CLOSED, number=9),
    )
    assert signs(replace(FACTS, windows=(stable, running, gone)))["window.stable"] is True
    assert "Window #8 runs until" in words(replace(FACTS, windows=(running, gone)))
    assert "Window #9 ended as closed" in words(replace(FACTS, windows=(gone,)))


def test_a_window_counts_only_of_a_bot_that_ran_when_it_began_and_since() -> None:
    stable = a_window(BEGAN)
    late = replace(stable, seen=Seen(ran=frozenset({"ndax"})).as_json())
    assert signs(replace(FACTS, windows=(late,)))["window.stable"] is False
    assert "ended as stable, but ndax did not run when it began" in words(replace(FACTS, windows=(late,)))
    assert signs(replace(FACTS, windows=(stable,), down_at=BEGAN - SECOND))["window.stable"] is True
    fell = replace(FACTS, windows=(stable,), down_at=BEGAN + SECOND)
    assert signs(fell)["window.stable"] is False
    for change, counts in (
        ({}, False),
        ({"culprit": "quantum"}, True),
        ({"rule": "kill"}, True),  # a kill is told of by itself
        ({"bot": "quantum", "culprit": "quantum"}, True),
    ):
        unstable = replace(
            a_window(BEGAN, WindowState.UNSTABLE, number=8),
            **{"bot": None, "rule": "health", "ended_at": BEGAN + MINUTE} | change,
        )
        assert signs(replace(FACTS, windows=(stable, unstable)))["window.stable"] is counts, change


@pytest.mark.parametrize(
    ("changes", "down_at", "safe", "told"),
    [
        ({}, None, True, "approved start in safe mode was read back (start-1)"),
        ({"bot": None, "command": "start-sequential"}, None, True, "was read back"),
        ({"option": "full"}, None, False, "started at full limits (start-1)"),
        ({"bot": "quantum"}, None, False, "No approved start of it"),
        ({"command": "resume"}, None, False, "No approved start of it"),
        ({"state": State.FAILED}, None, False, "No approved start of it"),
        ({"finished_at": BEGAN - SECOND}, None, False, "No approved start of it"),
        ({}, BEGAN + 2 * MINUTE, False, "seen down after its approved start (start-1)"),
        ({}, BEGAN, True, "was read back"),
    ],
)
def test_a_bot_goes_by_an_approved_start_in_safe_mode(
    changes: dict[str, object], down_at: datetime | None, safe: bool, told: str
) -> None:
    values: dict[str, object] = {"bot": "ndax", "option": "safe", "finished_at": BEGAN + MINUTE}
    values |= {"command": "start"} | changes
    action = replace(an_action("start"), **values)  # type: ignore[arg-type]
    facts = replace(FACTS, actions=(action,), down_at=down_at)
    assert signs(facts)["start.safe"] is safe
    assert told in words(facts)


def test_what_is_judged_says_how_it_is() -> None:
    verdicts = {each.verdict for each in look(FACTS)}
    assert verdicts == {Verdict.NOTED}  # nothing was done yet, which is not ill
