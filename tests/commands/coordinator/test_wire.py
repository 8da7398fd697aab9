"""Status, health and answers: as recorded, as the contract has them, and as nobody should send them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.coordinator import wire
from commands.coordinator.errors import Unintelligible
from commands.coordinator.model import MOVING, STATUS_WORDS, FleetStatus

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
STILL = STATUS_WORDS - MOVING

unhurried = settings(deadline=None)  # the machine is shared: slowness of one example is no failure


def read(body) -> FleetStatus:
    return wire.fleet_status(body, observed_at=NOW)


def test_the_contract():
    status = read(
        {
            "kill_switch_active": True,
            "bots": {
                "ndax": {"status": "running", "health": 97.5, "error_count": 2, "latest_errors": ["a", "b"]},
                "quantum": {"status": "stopped", "health": 0, "error_count": 0, "latest_errors": []},
            },
            "metrics": {"total_trades": 12, "total_profit_loss": -3.25, "kill_switches_triggered": 1},
            "circuit_breaker": {"state": "closed", "kills": 1, "threshold": 3},
            "timestamp": "2026-11-24T03:11:59.500Z",
            "later": "unknown fields are ignored",
        }
    )
    assert status.observed_at == NOW
    assert status.reported_at == datetime(2026, 11, 24, 3, 11, 59, 500000, UTC)
    assert status.kill_switch_active is True
    assert (status.breaker_open, status.breaker) == (False, "closed")
    ndax, quantum = status.bots["ndax"], status.bots["quantum"]
    assert (ndax.status, ndax.health, ndax.error_count, ndax.latest_errors) == (
        "running",
        97.5,
        2,
        ("a", "b"),
    )
    assert not ndax.proven_still
    assert quantum.proven_still
    assert (status.metrics.total_trades, status.metrics.total_profit_loss) == (12, -3.25)
    assert status.metrics.bots_started is None


@pytest.mark.parametrize(("name", "killed"), [("status", False), ("status-killed", True)])
def test_a_bot_spoken_to_directly(recorded, name, killed):
    status = read(recorded("direct_bot", name))
    assert status.kill_switch_active is killed
    assert status.bots[wire.LONE_BOT].status == "stopped"
    assert status.reported_at is not None


@pytest.mark.parametrize(("name", "killed"), [("metrics", False), ("metrics-killed", True)])
def test_the_kill_switch_in_the_direct_bots_metrics(recorded, name, killed):
    assert read(recorded("direct_bot", name)).kill_switch_active is killed


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("direct_bot", "health"),
        ("health_monitor", "health"),
        ("health_monitor", "alerts"),
        ("freqtrade", "ping"),
    ],
)
def test_other_programs_are_no_coordinator(recorded, program, name):
    with pytest.raises(Unintelligible, match="no coordinator"):
        read(recorded(program, name))


def test_missing_and_wrong_typed_fields_are_unknown():
    status = read(
        {"kill_switch_active": 0, "bots": {"ndax": {"health": "97", "error_count": True}, "q": None}}
    )
    assert status.kill_switch_active is None
    assert status.breaker_open is None
    ndax = status.bots["ndax"]
    assert (ndax.status, ndax.health, ndax.error_count, ndax.latest_errors) == (None, None, None, ())
    assert status.bots["q"].status is None
    assert not status.bots["q"].proven_still


def test_a_kill_switch_that_contradicts_itself_is_unknown():
    assert (
        read({"kill_switch_active": False, "state": {"killSwitch": {"active": True}}}).kill_switch_active
        is None
    )


@pytest.mark.parametrize(
    ("bot", "status"),
    [
        ("stopped", "stopped"),
        (" Stopped\n", "stopped"),
        ({"status": "PAUSED"}, "paused"),
        ({"status": "halted"}, "halted"),
        ({"status": "stop\x00ped"}, "stop ped"),
        ({"status": "stopped\x00"}, "stopped "),
        ({"state": {"trading": {"active": True}}}, "running"),
        ({"state": {"trading": {"active": False}}}, "stopped"),
        ({"status": None, "state": {"trading": {"active": False}}}, None),
        ({"status": "stopped", "state": {"trading": {"active": True}}}, "running"),
        ({"status": "starting", "state": {"trading": {"active": True}}}, "starting"),
        ({"status": "running", "state": {"trading": {"active": False}}}, "running"),
        ({"state": {"trading": {"active": "no"}}}, None),
        (True, None),
        (["stopped"], None),
    ],
)
def test_the_status_of_a_bot(bot, status):
    assert read({"bots": {"ndax": bot}}).bots["ndax"].status == status


def test_two_names_that_look_the_same_prove_nothing_they_do_not_both_say():
    def seen(one: str, other: str):
        (bot,) = read({"bots": {"ndax\x01x": {"status": one}, "ndax\x02x": {"status": other}}}).bots.values()
        return bot.status

    assert seen("stopped", "stopped") == "stopped"
    assert seen("running", "stopped") == "running"
    assert seen("stopped", "running") == "running"
    assert seen("stopped", "paused") is None


@pytest.mark.parametrize(
    ("value", "said", "words"),
    [
        (True, True, None),
        (False, False, None),
        ("open", True, "open"),
        ("Half-Open", True, "Half-Open"),
        ("TRIPPED", True, "TRIPPED"),
        ("closed", False, "closed"),
        ("inactive", False, "inactive"),
        ("enabled", None, "enabled"),
        ("", None, None),
        (1, None, None),
        (None, None, None),
        ({"state": "open"}, True, "open"),
        ({"active": False}, False, None),
        ({"tripped": True, "reason": "3 kills"}, True, "3 kills"),
        ({"is_closed": True, "status": "ok"}, False, "ok"),
        ({"open": False, "state": "open"}, None, "open"),
        ({"closed": True, "open": True}, None, None),
        ({"threshold": 3}, None, None),
        ({"open": "false"}, None, None),
    ],
)
def test_the_circuit_breaker_in_every_shape(value, said, words):
    status = read({"kill_switch_active": False, "circuit_breaker": value})
    assert (status.breaker_open, status.breaker) == (said, words)


def test_latest_errors_are_few_short_and_from_rows_of_any_shape():
    rows = ["a" * 1000, {"message": "b"}, 3, None, {"error": "c\nd"}, "e"]
    assert read({"bots": {"x": {"latest_errors": rows}}}).bots["x"].latest_errors == (
        "a" * 499 + "…",
        "b",
        "c d",
    )
    assert read({"bots": {"x": {"latest_errors": "alone"}}}).bots["x"].latest_errors == ("alone",)


def test_health(recorded):
    assert (
        wire.health({"status": "healthy", "uptime": 12.5, "version": "1.0"}, observed_at=NOW).uptime == 12.5
    )
    direct = wire.health(recorded("direct_bot", "health"), observed_at=NOW)
    assert (direct.status, direct.uptime, direct.version) == ("healthy", 39, None)
    assert wire.health({"uptime": -1}, observed_at=NOW).uptime is None


@pytest.mark.parametrize(("value", "said"), [(True, True), (None, None), ("true", None), (1, None)])
def test_the_answer_to_a_write(value, said):
    answer = wire.answer({"success": value, "message": "Kill switch\nactivated"}, at=NOW)
    assert (answer.success, answer.message) == (said, "Kill switch activated")


words = st.sampled_from([*STATUS_WORDS, "Stopped", "stop\x00ped", "halted", ""]) | st.text(max_size=8)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.just(10**400) | st.just("\ud800")
)
keys = st.sampled_from(
    ["state", "killSwitch", "kill_switch", "active", "trading", "status", "health", "timestamp"]
) | st.text(max_size=5)
junk = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)
switches = st.fixed_dictionaries({"active": st.booleans() | junk}) | junk
trading = st.fixed_dictionaries({"active": st.booleans() | junk}) | junk
state = st.fixed_dictionaries({}, optional={"killSwitch": switches, "trading": trading}) | junk
bots = st.fixed_dictionaries(
    {},
    optional={
        "status": words | junk,
        "health": junk,
        "error_count": junk,
        "latest_errors": junk,
        "state": state,
    },
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "kill_switch_active": st.booleans() | junk,
        "kill_switch": switches,
        "killSwitch": switches,
        "state": state,
        "bots": st.dictionaries(st.text(max_size=4), bots | junk, max_size=3) | junk,
        "circuit_breaker": st.dictionaries(st.sampled_from(["open", "closed", "state"]), junk) | junk,
        "metrics": st.dictionaries(st.sampled_from(["total_trades", "total_profit_loss"]), junk) | junk,
        "timestamp": junk,
    },
) | st.dictionaries(keys, junk, max_size=4)


def at(value, *path):
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def says_still(bot) -> bool:
    """Whether the input really says, somewhere, that this bot does not trade."""
    status = bot.get("status") if isinstance(bot, dict) else bot
    spelled = isinstance(status, str) and status.strip().lower() in STILL
    return (spelled and at(bot, "state", "trading", "active") is not True) or (
        "status" not in (bot if isinstance(bot, dict) else {})
        and at(bot, "state", "trading", "active") is False
    )


@unhurried
@given(body=bodies)
def test_whatever_comes_nothing_is_claimed_that_was_not_said(body):
    try:
        status = read(body)
    except Unintelligible:
        assert not {"kill_switch_active", "bots"} & body.keys()
        return
    said = [
        at(body, "kill_switch_active"),
        at(body, "kill_switch", "active"),
        at(body, "killSwitch", "active"),
        at(body, "state", "killSwitch", "active"),
    ]
    if status.kill_switch_active is not None:
        assert status.kill_switch_active in [each for each in said if isinstance(each, bool)]
        assert (not status.kill_switch_active) not in [each for each in said if isinstance(each, bool)]
    listed = at(body, "bots")
    rows = list(listed.values()) if isinstance(listed, dict) else [{"state": body.get("state")}]
    for bot in status.bots.values():
        assert not bot.proven_still or any(says_still(row) for row in rows)
        assert bot.health is None or 0 <= bot.health <= 100
    if isinstance(listed, dict):
        moving = [
            row for row in rows if isinstance(row, dict) and at(row, "state", "trading", "active") is True
        ]
        assert len([bot for bot in status.bots.values() if bot.status in MOVING]) >= bool(moving)
    assert status.reported_at is None or status.reported_at.tzinfo is UTC
    json.dumps(repr(status)).encode()  # nothing in it that cannot be written down
    repr(status).encode()


@unhurried
@given(body=st.dictionaries(st.text(max_size=8), junk, max_size=4))
def test_health_and_answers_of_any_shape(body):
    wire.health(body, observed_at=NOW)
    answer = wire.answer(body, at=NOW)
    assert answer.success is None or answer.success is body["success"]
