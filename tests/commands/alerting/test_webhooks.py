"""What other programs post becomes signals, or one sentence that says what is wrong with it."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.alerting.fingerprint import fingerprint
from commands.alerting.model import Severity, Signal, Source
from commands.alerting.webhooks import (
    FUTURE,
    KILL_SWITCH,
    MOST_ALERTS,
    PAST,
    PayloadError,
    alertmanager,
    all_ended,
    coordinator_event,
)
from tests.hostile import NASTY, texts

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


def event(name: str, **fields: Any) -> Signal:
    return coordinator_event({"event": name, "timestamp": "2026-11-24T03:11:58Z", **fields}, now=NOW)


def alert(**fields: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "HighLatency", "instance": "10.0.0.7:9090"},
        "annotations": {},
        "startsAt": "2026-11-24T03:05:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "1a30ba71cca2921f",
        **fields,
    }


def message(*alerts: object, **fields: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "alerts": list(alerts), **fields}


def labelled(**labels: Any) -> Signal:
    return alertmanager(message(alert(labels={"alertname": "HighLatency", **labels})))[0]


def noted(**notes: Any) -> Signal:
    return alertmanager(message(alert(annotations=notes)))[0]


# -- the coordinator's events ------------------------------------------------------------------------------------


def test_an_event_is_a_signal_with_its_bot_its_reason_and_its_time() -> None:
    assert event("bot_crashed", bot="ndax", reason="exchange hung up", signature="aa") == Signal(
        source=Source.COORDINATOR,
        kind="event_bot_crashed",
        severity=Severity.HIGH,
        message="exchange hung up",
        bot="ndax",
        identity="event_bot_crashed",
        began_at=datetime(2026, 11, 24, 3, 11, 58, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("name", "kind", "severity"),
    [
        ("bot_stopped", "event_bot_stopped", Severity.WARNING),
        ("bot_paused", "event_bot_paused", Severity.WARNING),
        ("daily-loss-limit reached", "event_daily_loss_limit_reached", Severity.WARNING),
        ("bot_error", "event_bot_error", Severity.HIGH),
        ("crash", "event_crash", Severity.HIGH),
        ("ERROR", "event_error", Severity.HIGH),
        ("orderFailed", "event_order_failed", Severity.HIGH),
        ("failed_to_stop", "event_failed_to_stop", Severity.HIGH),
        ("criticalError", "event_critical_error", Severity.CRITICAL),
        ("emergency_stop_started", "event_emergency_stop_started", Severity.CRITICAL),
        ("bot_crashed_while_running", "event_bot_crashed_while_running", Severity.HIGH),
        ("error.loop.running", "event_error_loop_running", Severity.HIGH),
        ("position_opened", "event_position_opened", Severity.INFO),
        ("  störung!  ", "event_störung", Severity.INFO),
        ("kill_switch_started", "event_kill_switch_started", Severity.INFO),
    ],
)
def test_the_worst_word_of_an_event_says_how_bad_it_is(name: str, kind: str, severity: Severity) -> None:
    found = event(name)
    assert (found.kind, found.severity, found.firing) == (kind, severity, True)


@pytest.mark.parametrize(
    ("name", "firing"),
    [
        ("kill_switch_activated", True),
        ("killSwitchActivated", True),
        ("KILL-SWITCH TRIGGERED", True),
        ("killswitch.engaged", True),
        ("emergency_kill_switch_activated", True),
        ("kill_switch_reactivated_after_release", True),
        ("kill_switch_released", False),
        ("kill_switch_deactivated", False),
        ("kill_switch_disengaged", False),
        ("kill_switch_override", False),
        ("force_override_of_kill_switch", False),
        ("kill_switch_overridden", False),
        ("kill_switch_override_activated", False),
        ("kill_switch_cleared", False),
        ("kill_switch_triggered_resolved", False),
    ],
)
def test_the_kill_switch_is_one_alert_of_the_fleet_however_it_is_called(name: str, firing: bool) -> None:
    found = event(name, reason="loss")
    assert (found.kind, found.severity, found.firing) == (KILL_SWITCH, Severity.HIGH, firing)
    assert all_ended(found) == (found,)


@pytest.mark.parametrize(
    "name",
    [
        "kill_switch_release_failed",
        "kill_switch_release_error",
        "failed_to_release_kill_switch",
        "kill_switch_not_released",
        "kill_switch_override_requested",
        "kill_switch_override_denied",
        "kill_switch_override_rejected",
        "kill_switch_release_pending",
        "kill_switch_activation_failed",
        "kill_switch_activation_requested",
        "kill_switch_status",
        "override_used",
        "feed_triggered",
    ],
)
def test_what_was_only_tried_neither_ends_nor_begins_a_kill(name: str) -> None:
    found = event(name)
    assert found.firing
    assert found.kind == f"event_{name}"


def test_a_release_ends_the_alert_of_the_kill_whoever_caused_it() -> None:
    begun = event("kill_switch_activated", bot="ndax", reason="max loss")
    over = event("kill_switch_released", reason="all is well")
    assert begun.message == "ndax: max loss"
    assert fingerprint(begun) == fingerprint(over)


@pytest.mark.parametrize(
    ("ending", "ended"),
    [
        (
            "bot_started",
            ["bot_stopped", "bot_crashed", "bot_error", "bot_paused", "bot_failed", "crash", "error"],
        ),
        ("bot_running", ["bot_stopped", "bot_crashed"]),
        ("recovered", ["bot_crashed", "crash", "error", "stopped"]),
        ("bot_error_cleared", ["bot_error"]),
        ("latency_high_resolved", ["latency_high"]),
        (
            "daily_loss_limit_cleared",
            ["daily_loss_limit_reached", "daily_loss_limit_exceeded", "daily_loss_limit"],
        ),
        ("emergency_resolved", ["emergency"]),
    ],
)
def test_an_ending_ends_what_its_stem_began_and_nothing_of_another_bot(ending: str, ended: list[str]) -> None:
    signals = all_ended(event(ending, bot="ndax", reason="well again"))
    assert not any(signal.firing for signal in signals)
    over = {fingerprint(signal): signal for signal in signals}
    assert len(over) == len(signals)
    for name in ended:
        begun = event(name, bot="ndax", reason="out of memory")
        assert begun.firing
        assert over[fingerprint(begun)].severity is begun.severity
        assert fingerprint(event(name, bot="quantum", reason="out of memory")) not in over


def test_the_ending_of_one_error_leaves_the_others() -> None:
    assert [signal.kind for signal in all_ended(event("bot_error_cleared"))] == ["event_bot_error"]
    kinds = {signal.kind for signal in all_ended(event("feed_recovered"))}
    assert "event_feed_error" in kinds
    assert kinds.isdisjoint({"event_error", "event_bot_error"})


@pytest.mark.parametrize("name", ["bot_crashed", "bot", "position_opened"])
def test_what_fires_is_one_signal(name: str) -> None:
    found = event(name)
    assert all_ended(found) == (found,)


def test_without_a_reason_the_event_speaks_for_itself() -> None:
    assert event("botCrashed").message == "bot crashed"
    assert event("bot_crashed", reason=None, bot=None).message == "bot crashed"
    assert event("bot_crashed", reason=" \u202e\x00 ", bot="").message == "bot crashed"
    assert event("bot_crashed", bot="").bot is None


def test_outside_text_is_one_clean_line_of_bounded_length() -> None:
    found = event("bot_crashed", bot="nd\u202eax\n" + "x" * 500, reason="a\n\x00b\ud800 " + "y" * 9_000)
    assert found.bot is not None
    assert found.bot.startswith("ndax x")
    assert len(found.bot) == 80
    assert found.message.startswith("a b y")
    assert len(found.message) == 500
    assert len(event("kill_switch_activated", bot="ndax", reason="y" * 9_000).message) == 500
    assert event("kill_switch_activated", bot="n", reason="&amp;lt;").message == "n: &lt;"
    assert len(event("aB" * 50).kind) == 100


@pytest.mark.parametrize(
    ("stamp", "began"),
    [
        ("2026-11-24T03:11:58Z", NOW - timedelta(seconds=2)),
        ("2026-11-24T03:11:58.250Z", NOW - timedelta(seconds=1.75)),
        ("2026-11-24T04:11:58+01:00", NOW - timedelta(seconds=2)),
        ("2026-11-24T03:11:58.123456", NOW - timedelta(seconds=2) + timedelta(microseconds=123456)),
        ("2026-11-24 03:11:58,250", NOW - timedelta(seconds=1.75)),
        (" 2026-11-24T03:12:00 ", NOW),
        ("2026-11-23T03:12:00Z", NOW - PAST),
        ("2026-11-24T18:12:00Z", NOW + FUTURE),
        ("2026-11-24T17:12:00", NOW + timedelta(hours=14)),
    ],
)
def test_a_time_without_zone_is_taken_for_utc(stamp: str, began: datetime) -> None:
    assert event("crash", timestamp=stamp).began_at == began


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        ("2026-11-23T03:11:59Z", "too old"),
        ("2020-01-01T00:00:00", "too old"),
        ("2026-11-24T18:12:01Z", "too far off"),
        ("9999-12-31T23:59:59Z", "too far off"),
    ],
)
def test_an_event_of_another_day_is_not_believed(stamp: str, words: str) -> None:
    with pytest.raises(PayloadError, match=f"^timestamp .* {words} to be believed"):
        event("crash", timestamp=stamp)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"event": None}, "event"),
        ({"event": ""}, "event"),
        ({"event": " _-! "}, "event"),
        ({"event": "e" * 101}, "event"),
        ({"event": 7}, "event"),
        ({"event": ["crash"]}, "event"),
        ({"bot": 7}, "bot"),
        ({"bot": {}}, "bot"),
        ({"reason": ["x"]}, "reason"),
        ({"reason": False}, "reason"),
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": 1_795_000_000}, "timestamp"),
        ({"timestamp": "now"}, "timestamp"),
        ({"timestamp": "2026-11-24"}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"timestamp": "\ud800"}, "timestamp"),
        ({"timestamp": "2" * 1_000_000}, "timestamp"),
    ],
)
def test_an_event_that_is_not_as_documented_is_refused_by_the_field(
    wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(PayloadError, match=rf"^{field} .*\.$"):
        coordinator_event({"event": "crash", "timestamp": "2026-11-24T03:11:58Z", **wrong}, now=NOW)


# -- Alertmanager ------------------------------------------------------------------------------------------------


def test_an_alert_is_a_signal_with_all_that_its_rule_says() -> None:
    said = message(
        alert(
            labels={"alertname": "HighLatency", "bot": "ndax", "severity": "critical"},
            annotations={"summary": "p99 is 1.2 s", "description": "not this", "value": "1.2"},
            startsAt="2026-11-24T04:05:00.123456789+01:00",
            generatorURL="http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        ),
        alert(status="resolved", fingerprint="0"),
    )
    first, second = alertmanager(said)
    assert first == Signal(
        source=Source.ALERTMANAGER,
        kind="HighLatency",
        severity=Severity.CRITICAL,
        message="p99 is 1.2 s",
        bot="ndax",
        identity="1a30ba71cca2921f",
        began_at=datetime(2026, 11, 24, 3, 5, 0, 123456, tzinfo=UTC),
        value=1.2,
        link="http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    )
    assert (second.firing, second.message, second.bot, second.identity) == (False, "HighLatency", None, "0")


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        *[(word, Severity.CRITICAL) for word in ("critical", "page", "emergency", " CRITICAL ")],
        *[(word, Severity.HIGH) for word in ("high", "error", "major", "Error")],
        *[(word, Severity.WARNING) for word in ("warning", "warn", "minor", "", "P3", "ünknown")],
        *[(word, Severity.INFO) for word in ("info", "none", "None")],
    ],
)
def test_the_severity_label_is_read_in_the_words_of_the_field(word: str, severity: Severity) -> None:
    assert labelled(severity=word).severity is severity


def test_without_a_severity_label_an_alert_is_a_warning() -> None:
    assert labelled().severity is Severity.WARNING


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({"summary": "a", "description": "b", "message": "c"}, "a"),
        ({"summary": " ", "description": "b", "message": "c"}, "b"),
        ({"summary": 7, "message": "c\nd\x00"}, "c d"),
        ({"runbook_url": "x"}, "HighLatency"),
    ],
)
def test_the_message_is_the_first_annotation_that_says_something(notes: dict[str, Any], said: str) -> None:
    assert noted(**notes).message == said


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1.5", 1.5),
        (" -2e-3 ", -0.002),
        (7, 7.0),
        (1.25, 1.25),
        *[(odd, None) for odd in ("NaN", "+Inf", "1e999", "1_000", "12%", "1.5k", "", "٣", "9" * 10_000)],
        *[(odd, None) for odd in (math.nan, math.inf, 10**400, True, None, [1], {})],
    ],
)
def test_a_value_is_a_finite_number_or_none(value: object, read: float | None) -> None:
    assert noted(value=value).value == read


@pytest.mark.parametrize(
    "link",
    [
        "",
        "javascript:alert(1)",
        "ftp://host/file",
        "http://",
        "http://host/a b",
        "http://host|click here",
        "http://host/><!channel>",
        'http://host/"',
        "http://host/\u202egnp",
        "http://host/\n",
        "http://host/" + "x" * 2_000,
        7,
        None,
    ],
)
def test_a_link_that_could_be_anything_else_is_left_out(link: object) -> None:
    assert alertmanager(message(alert(generatorURL=link)))[0].link == ""


@pytest.mark.parametrize("odd", [None, "", 7, "a b", "x" * 65, "\ud800", "a\n"])
def test_without_a_fingerprint_the_labels_in_any_order_are_the_identity(odd: object) -> None:
    labels = {"alertname": "A", "b": "1", "c": "\ud800"}
    turned = dict(reversed(labels.items()))
    first, same, other = alertmanager(
        message(
            alert(labels=labels, fingerprint=odd),
            alert(labels=turned, fingerprint=odd),
            alert(labels=labels | {"b": "2"}, fingerprint=odd),
        )
    )
    assert first.identity == same.identity != other.identity
    assert len(first.identity) == 32


def test_names_in_labels_are_cut_and_cleaned() -> None:
    found = labelled(alertname="A\n\u202e" + "b" * 300, bot=" ndax\x00 ")
    assert found.kind.startswith("A bbb")
    assert (len(found.kind), found.bot) == (100, "ndax")
    assert labelled(bot=" ").bot is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (message(version="3"), 'version must be "4"'),
        (message(version=4), 'version must be "4"'),
        ({"alerts": []}, 'version must be "4"'),
        (message(alerts=None), "alerts must be a list"),
        (message(alerts={"0": alert()}), "alerts must be a list"),
        (message(alerts=[alert()] * (MOST_ALERTS + 1)), "alerts must be at most 5,000"),
        (message("alert"), r"alerts\[0\] must be an object"),
        (message(alert(), alert(status="pending")), r"alerts\[1\]\.status must be"),
        (message(alert(status=["firing"])), r"alerts\[0\]\.status must be"),
        (message(alert(labels=None)), r"alerts\[0\]\.labels must be"),
        (message(alert(labels=["alertname"])), r"alerts\[0\]\.labels must be"),
        (message(alert(labels={"alertname": "A", "n": 7})), r"alerts\[0\]\.labels must be"),
        (message(alert(labels={"severity": "page"})), r"alerts\[0\]\.labels\.alertname must"),
        (message(alert(labels={"alertname": " \x00"})), r"alerts\[0\]\.labels\.alertname must"),
        (message(alert(annotations=[])), r"alerts\[0\]\.annotations must be"),
        (message(alert(annotations="")), r"alerts\[0\]\.annotations must be"),
        *[
            (message(alert(startsAt=odd)), r"alerts\[0\]\.startsAt must be")
            for odd in (
                None,
                7,
                "",
                "yesterday",
                "2026-11-24T03:05:00",  # no zone
                "0001-01-01T00:00:00Z",  # Go's way to say that nobody set it
                "9999-12-31T23:59:59Z",
                "9999-12-31T23:59:59-14:00",
                "2026-11-24T03:05:00Z" + "0" * 1_000_000,
            )
        ],
    ],
)
def test_a_message_that_is_not_as_documented_is_refused_by_the_field(
    said: dict[str, Any], words: str
) -> None:
    with pytest.raises(PayloadError, match=f"^{words}.*\\.$"):
        alertmanager(said)


def test_annotations_that_are_null_are_none() -> None:
    assert alertmanager(message(alert(annotations=None)))[0].message == "HighLatency"


def test_an_empty_list_and_a_full_one_are_taken() -> None:
    assert alertmanager(message()) == ()
    assert len(alertmanager(message(*[alert()] * MOST_ALERTS))) == MOST_ALERTS


# -- whatever comes ----------------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.sampled_from(["2026-11-24T03:11:58Z", "4"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def bodies(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, anything))


nearly_alerts = st.builds(lambda more: alert(**more), bodies("status", "labels", "annotations", "startsAt"))
nearly_labels = st.builds(
    lambda labels, notes, mark: alert(labels=labels, annotations=notes, fingerprint=mark, generatorURL=mark),
    st.fixed_dictionaries({"alertname": texts}, optional={"bot": texts, "severity": texts, "x": texts}),
    st.none() | bodies("summary", "description", "message", "value"),
    anything,
)


def sound(signal: Signal) -> None:
    for line in (signal.kind, signal.message, signal.bot or "-", signal.identity):
        assert line == line.strip()
        assert 0 < len(line) <= 500
        line.encode()
    assert not any(char in signal.message + signal.kind for char in "\n\r\x00\u202e")
    assert signal.began_at is not None
    assert signal.began_at.utcoffset() == timedelta(0)
    assert signal.value is None or math.isfinite(signal.value)
    assert fingerprint(signal)


@given(bodies("event", "bot", "reason", "timestamp", "signature"), texts, st.booleans())
def test_any_json_is_an_event_or_a_payload_error(said: dict[str, Any], name: str, nearly: bool) -> None:
    if nearly:
        said = {**said, "event": name[:100], "timestamp": "2026-11-24T03:11:58Z"}
    try:
        found = coordinator_event(said, now=NOW)
    except PayloadError:
        return
    for signal in all_ended(found):
        sound(signal)


@given(st.lists(nearly_alerts | nearly_labels | anything, max_size=3), bodies("version", "alerts"))
def test_any_json_is_alerts_or_a_payload_error(alerts: list[Any], more: dict[str, Any]) -> None:
    for said in (message(*alerts), message(*alerts, **more)):
        try:
            found = alertmanager(said)
        except PayloadError:
            continue
        for signal in found:
            sound(signal)


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_text_never_leaves_a_line(nasty: str) -> None:
    sound(event("crash", bot=nasty, reason=nasty))
    sound(labelled(bot=nasty, severity=nasty, x=nasty))
    sound(noted(summary=nasty, value=nasty))


def test_deep_json_is_refused_like_any_other() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for field in ("event", "bot", "timestamp"):
        with pytest.raises(PayloadError):
            event("crash", **{field: deep}) if field != "event" else event(deep)
    with pytest.raises(PayloadError):
        alertmanager(message(alert(labels={"alertname": deep})))
    assert noted(summary=deep, value=deep).message == "HighLatency"
    while deep:  # taken apart by hand, so that its end is no deep recursion either
        deep = deep.pop()


def test_a_recorded_message_of_alertmanager_is_understood() -> None:
    recorded = json.loads(
        """{"receiver": "chatbot", "status": "firing", "alerts": [{"status": "firing",
        "labels": {"alertname": "ProbeFailure", "job": "blackbox", "severity": "critical"},
        "annotations": {"summary": "the probe of :8000 fails"}, "startsAt": "2026-11-24T02:59:45.828Z",
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus:9090/graph?g0.expr=probe_success",
        "fingerprint": "1a30ba71cca2921f"}], "groupLabels": {"alertname": "ProbeFailure"}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "http://alertmanager:9093", "version": "4",
        "groupKey": "{}:{alertname=\\"ProbeFailure\\"}", "truncatedAlerts": 0}"""
    )
    (found,) = alertmanager(recorded)
    assert (found.kind, found.severity, found.firing) == ("ProbeFailure", Severity.CRITICAL, True)
