"""The coordinator's word, judged: three-valued, and nothing is taken from what it does not say."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from commands.coordinator.model import BotStatus, FleetStatus
from commands.probes.fleet import look, unread
from commands.probes.model import Finding, Report, Verdict, gathered
from commands.probes.signs import SIGNS

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
BOTS = ("ndax", "quantum", "shadowforge")
TOPICS = ("api", "memory", "config", "crash", "data", "security")


def a_bot(name: str, status: str | None = "running", **changes: object) -> BotStatus:
    values: dict[str, object] = {"name": name, "status": status, "health": 95.0, "error_count": 0}
    return BotStatus(**{**values, **changes})  # type: ignore[arg-type]


def fleet(*bots: BotStatus, **changes: object) -> FleetStatus:
    values: dict[str, object] = {"observed_at": NOW, "bots": {each.name: each for each in bots}}
    return FleetStatus(**{**values, **changes})  # type: ignore[arg-type]


def in_states(*words: str | None) -> FleetStatus:
    return fleet(*(a_bot(name, word) for name, word in zip(BOTS, words, strict=True)))


def findings(status: FleetStatus, bot: str | None = None) -> tuple[Finding, ...]:
    return look(status, bots=BOTS, bot=bot, health_below=50)


def signs(status: FleetStatus, bot: str | None = None) -> dict[str, bool]:
    report = Report(probe="fleet", at=NOW, took=0.0, findings=findings(status, bot))
    found = {name: each.seen for name, each in gathered((report,)).items()}
    assert {SIGNS[name].probe for name in found} == {"fleet"}
    return found


@pytest.mark.parametrize(
    ("words", "bot", "stopped"),
    [
        (("stopped", "stopped", "stopped"), None, True),
        (("stopped", "paused", "stopped"), None, True),
        (("stopped", "stopped", "running"), None, False),
        (("stopped", "stopped", "starting"), None, False),
        (("stopped", "stopped", "recovery"), None, False),
        (("stopped", "stopped", None), None, None),
        (("stopped", "stopped", "halted"), None, None),
        (("running", "stopped", None), None, None),
        # of a bot: it and those that depend on it
        (("stopped", "stopped", "stopped"), "ndax", True),
        (("stopped", "stopped", "running"), "ndax", False),
        (("stopped", "running", "stopped"), "ndax", False),
        (("running", "stopped", "stopped"), "quantum", True),
        (("stopped", "stopped", "running"), "quantum", False),
        (("running", "running", "stopped"), "shadowforge", True),
        (("stopped", None, "stopped"), "ndax", None),
        ((None, "stopped", "stopped"), "quantum", True),
    ],
)
def test_the_fleet_stands_still_only_where_every_bot_that_matters_says_so(
    words: tuple[str | None, ...], bot: str | None, stopped: bool | None
) -> None:
    assert signs(in_states(*words), bot).get("fleet.stopped") is stopped


@pytest.mark.parametrize(("switch", "stopped"), [(True, True), (False, False), (None, None)])
def test_a_bot_that_fell_is_kept_still_by_the_kill_switch_alone(
    switch: bool | None, stopped: bool | None
) -> None:
    status = replace(in_states("stopped", "paused", "error"), kill_switch_active=switch)
    assert signs(status).get("fleet.stopped") is stopped
    told = findings(status, None)[1].text
    assert ("shadowforge fell and nobody stopped it" in told) is (switch is False)


@pytest.mark.parametrize("bot", [None, *BOTS])
def test_a_bot_that_is_not_listed_is_not_stopped(bot: str | None) -> None:
    status = fleet(a_bot("ndax", "stopped"), a_bot("quantum", "stopped"))  # shadowforge is missing
    found = signs(status, bot)
    assert "fleet.stopped" not in found
    assert found.get("bot.running") is (None if bot in (None, "shadowforge") else False)
    assert "shadowforge not listed" in findings(status, bot)[1].text


def test_without_any_bot_nothing_is_told_of_them() -> None:
    found = look(fleet(), bots=(), bot=None, health_below=50)[1]
    assert (found.verdict, found.text, found.signs) == (Verdict.UNKNOWN, "no bot is listed", {})


def test_a_bot_that_nobody_configured_counts_for_the_fleet() -> None:
    status = fleet(*(a_bot(name, "stopped") for name in BOTS), a_bot("rogue", "running"))
    assert signs(status)["fleet.stopped"] is False
    assert signs(status, "ndax")["fleet.stopped"] is True
    assert signs(status, "rogue") == signs(status, "rogue") | {"fleet.stopped": False, "bot.running": True}


@pytest.mark.parametrize(
    ("word", "running"),
    [
        ("running", True),
        ("stopped", False),
        ("starting", False),
        ("paused", False),
        ("halted", None),
        (None, None),
    ],
)
def test_whether_a_bot_runs(word: str | None, running: bool | None) -> None:
    assert signs(in_states(word, "running", "running"), "ndax").get("bot.running") is running
    assert "bot.running" not in signs(in_states(word, "running", "running"))


@pytest.mark.parametrize("active", [True, False, None])
def test_the_switch_is_told_only_where_it_is_known(active: bool | None) -> None:
    found = signs(fleet(kill_switch_active=active))
    assert found["coordinator.reachable"] is True
    assert found.get("switch.active") is active
    verdict = findings(fleet(kill_switch_active=active))[0].verdict
    assert verdict is (Verdict.UNKNOWN if active is None else Verdict.NOTED)


@pytest.mark.parametrize(
    ("is_open", "verdict"), [(True, Verdict.ILL), (False, Verdict.WELL), (None, Verdict.NOTED)]
)
def test_their_breaker(is_open: bool | None, verdict: Verdict) -> None:
    status = in_states("running", "running", "running")
    status = FleetStatus(observed_at=NOW, breaker_open=is_open, bots=status.bots)
    assert signs(status).get("breaker.theirs") is is_open
    assert findings(status)[-1].verdict is verdict


def test_a_read_that_failed_tells_that_and_nothing_else() -> None:
    (found,) = unread("The coordinator did not answer within 3 s")
    assert (found.verdict, found.signs) == (Verdict.ILL, {"coordinator.reachable": False})
    assert found.text == "The coordinator did not answer within 3 s"


@pytest.mark.parametrize(
    ("word", "health", "error", "low"),
    [
        ("running", 95.0, False, False),
        ("running", 50.0, False, False),
        ("running", 49.9, False, True),
        ("running", None, False, None),
        ("stopped", 0.0, False, False),  # what is stopped has no health to speak of
        ("stopped", None, False, False),
        ("error", 95.0, True, False),
        ("recovery", 20.0, True, True),
        (None, 95.0, None, None),
        ("halted", 95.0, None, None),
        ("halted", 20.0, None, True),
    ],
)
def test_error_and_low_health_of_a_bot(
    word: str | None, health: float | None, error: bool | None, low: bool | None
) -> None:
    status = fleet(a_bot("ndax", word, health=health), a_bot("quantum"), a_bot("shadowforge"))
    for bot in (None, "ndax"):
        found = signs(status, bot)
        assert found.get("bot.error") is error
        assert found.get("bot.health-low") is low
    other = signs(status, "quantum")
    assert (other["bot.error"], other["bot.health-low"]) == (False, False)
    verdict = findings(status, "ndax")[2].verdict
    assert verdict is (
        Verdict.ILL if error or low else Verdict.UNKNOWN if None in (error, low) else Verdict.WELL
    )


def test_a_missing_bot_is_neither_well_nor_ill() -> None:
    status = fleet(a_bot("ndax"), a_bot("quantum"))
    found = signs(status, "shadowforge")
    assert not {"bot.error", "bot.health-low", *(f"errors.{each}" for each in TOPICS)} & found.keys()
    assert not {"bot.error", "bot.health-low", *(f"errors.{each}" for each in TOPICS)} & signs(status).keys()
    assert findings(status, "shadowforge")[2].verdict is Verdict.UNKNOWN
    alone = look(fleet(), bots=("ndax",), bot="ndax", health_below=50)[2]
    assert (alone.verdict, alone.text) == (Verdict.UNKNOWN, "no clear word on how it is")


@pytest.mark.parametrize(
    ("changes", "affected"),
    [
        ({"status": "error"}, True),
        ({"health": 3.0}, True),
        ({"latest_errors": ("connection refused",)}, True),
        ({"latest_errors": ("order 12 was partially filled",)}, False),
        ({}, False),
        ({"status": None}, None),
        ({"health": None}, None),
    ],
    ids=str,
)
def test_every_bot_is_affected_or_one_is_known_not_to_be(
    changes: dict[str, object], affected: bool | None
) -> None:
    status = fleet(a_bot("ndax", "error"), a_bot("quantum", health=10.0), a_bot("shadowforge", **changes))
    assert signs(status).get("fleet.all-affected") is affected
    assert signs(status, "ndax").get("fleet.all-affected") is affected  # also told of one bot's recovery


def test_one_bot_alone_is_not_the_whole_fleet() -> None:
    found = look(fleet(a_bot("ndax", "error")), bots=("ndax",), bot=None, health_below=50)
    assert found[2].signs["fleet.all-affected"] is False
    assert found[2].text == "in error or recovery: ndax"


def test_what_the_errors_speak_of() -> None:
    status = fleet(
        a_bot("ndax", latest_errors=("Connection refused by api.example.org", "order 7 filled")),
        a_bot("quantum", latest_errors=("MemoryError",)),
        a_bot("shadowforge"),
    )
    found = signs(status)
    assert {name: found[f"errors.{name}"] for name in TOPICS} == {
        **dict.fromkeys(TOPICS, False),
        "api": True,
        "memory": True,
    }
    lines = [each.text for each in findings(status) if each.text.startswith(("ndax: ", "quantum: "))]
    assert lines == [
        "ndax: Connection refused by api.example.org",
        "ndax: order 7 filled",
        "quantum: MemoryError",
    ]
    of_ndax = signs(status, "ndax")
    assert (of_ndax["errors.api"], of_ndax["errors.memory"]) == (True, False)
    assert not any(signs(status, "shadowforge")[f"errors.{name}"] for name in TOPICS)
    told = findings(status, "shadowforge")[3]
    assert (told.verdict, told.text) == (Verdict.WELL, "the bots tell no errors")


@pytest.mark.parametrize(("errors", "known"), [((), False), (("MemoryError",), True)])
def test_a_coordinator_that_says_nothing_of_errors_tells_of_none(
    errors: tuple[str, ...], known: bool
) -> None:
    status = fleet(
        a_bot("ndax", error_count=None, latest_errors=errors), a_bot("quantum"), a_bot("shadowforge")
    )
    found = signs(status, "ndax")
    assert found.get("errors.api") is (False if known else None)
    assert found.get("errors.memory") is (True if known else None)
    if not known:
        assert findings(status, "ndax")[3].verdict is Verdict.UNKNOWN


def test_what_one_bot_said_is_known_even_where_another_says_nothing() -> None:
    status = fleet(a_bot("ndax", latest_errors=("MemoryError",)), a_bot("quantum"))
    found = signs(status)
    assert found["errors.memory"] is True
    assert "errors.api" not in found


def test_no_secret_and_no_control_character_of_an_error_is_shown() -> None:
    error = (
        "login failed: api_key=Zq7hunter2\x1b[31m \u202eat wss://user:Zq7hunter2@api.example.org " + "x" * 500
    )
    status = fleet(a_bot("ndax", "fail\u202eed" * 20, latest_errors=(error,)))
    for each in look(status, bots=("ndax",), bot="ndax", health_below=50):
        assert "hunter2" not in each.text
        assert each.text.isprintable()
        assert len(each.text) < 200
