"""The figures as Prometheus reads them."""

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from chatbot.metrics import Metrics

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    body, media_type = metrics.render()
    assert media_type.startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_every_figure_is_exposed_under_its_name() -> None:
    metrics = Metrics()
    metrics.acknowledged("command", 0.004)
    metrics.kill_answered(0.02)
    metrics.kill_verified(0.8)
    metrics.action("kill", "verified")
    metrics.action("kill", "verified")
    metrics.refused("no role")
    metrics.coordinator_call("status", "ok", 0.01)
    metrics.coordinator_call("status", "unreachable", 2.0)
    metrics.outbox(3, 12.5)
    metrics.sockets(2)
    metrics.audit(41)
    metrics.good_poll(NOW)
    found = samples(metrics)
    bare: frozenset[tuple[str, str]] = frozenset()
    assert found["chatbot_ack_seconds_bucket", frozenset({("kind", "command"), ("le", "0.005")})] == 1
    assert found["chatbot_ack_seconds_bucket", frozenset({("kind", "command"), ("le", "0.0025")})] == 0
    assert found["chatbot_kill_answered_seconds_count", bare] == 1
    assert found["chatbot_kill_verified_seconds_sum", bare] == 0.8
    assert found["chatbot_actions_total", frozenset({("command", "kill"), ("outcome", "verified")})] == 2
    assert found["chatbot_refused_total", frozenset({("why", "no role")})] == 1
    assert found["chatbot_coordinator_calls_total", frozenset({("call", "status"), ("outcome", "ok")})] == 1
    assert found["chatbot_coordinator_call_seconds_count", frozenset({("call", "status")})] == 2
    assert found["chatbot_outbox_depth", bare] == 3
    assert found["chatbot_outbox_oldest_seconds", bare] == 12.5
    assert found["chatbot_sockets_connected", bare] == 2
    assert found["chatbot_audit_seq", bare] == 41
    assert found["chatbot_last_good_poll_timestamp_seconds", bare] == NOW.timestamp()


def test_an_empty_outbox_has_no_age() -> None:
    metrics = Metrics()
    metrics.outbox(1, 9.0)
    metrics.outbox(0, None)
    assert samples(metrics)["chatbot_outbox_oldest_seconds", frozenset()] == 0


def test_two_programs_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.sockets(2)
    assert samples(other)["chatbot_sockets_connected", frozenset()] == 0


def test_the_last_good_poll_is_unknown_until_there_was_one() -> None:
    metrics = Metrics()
    assert metrics.last_good_poll is None
    metrics.good_poll(NOW)
    assert metrics.last_good_poll == NOW
