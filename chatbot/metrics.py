"""What the program counts and times about itself, for Prometheus; each `Metrics` has its own registry."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds: from an acknowledgement (1 ms) over Slack's limit (3 s) to a stop that nobody confirms (60 s)."""


class Metrics:
    """Every figure of one process; times in seconds."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._ack = Histogram(
            "chatbot_ack_seconds",
            "From a request of Slack until it was acknowledged.",
            ["kind"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._kill_answered = Histogram(
            "chatbot_kill_answered_seconds",
            "From accepting a kill until the coordinator answered it.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._kill_verified = Histogram(
            "chatbot_kill_verified_seconds",
            "From accepting a kill until the fleet was seen stopped.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._actions = Counter(
            "chatbot_actions", "Actions that ended, by outcome.", ["command", "outcome"], registry=registry
        )
        self._refused = Counter(
            "chatbot_refused", "Requests that were refused, by reason.", ["why"], registry=registry
        )
        self._calls = Counter(
            "chatbot_coordinator_calls",
            "Calls of the coordinator, by outcome.",
            ["call", "outcome"],
            registry=registry,
        )
        self._call_seconds = Histogram(
            "chatbot_coordinator_call_seconds",
            "How long calls of the coordinator took.",
            ["call"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._outbox_depth = Gauge("chatbot_outbox_depth", "Messages owed to Slack.", registry=registry)
        self._outbox_age = Gauge(
            "chatbot_outbox_oldest_seconds", "Age of the oldest message owed to Slack.", registry=registry
        )
        self._sockets = Gauge(
            "chatbot_sockets_connected", "Connections to Slack that are up.", registry=registry
        )
        self._audit = Gauge("chatbot_audit_seq", "Number of the newest audit row seen.", registry=registry)
        self._good_poll = Gauge(
            "chatbot_last_good_poll_timestamp_seconds",
            "When the coordinator was last read (Unix time, 0: never).",
            registry=registry,
        )
        self._alerts = Gauge(
            "chatbot_alerts_firing", "Alerts that fire, by severity.", ["severity"], registry=registry
        )
        self._decisions = Counter(
            "chatbot_alert_decisions", "What was decided on alerts.", ["verdict"], registry=registry
        )
        self._refused_messages = Gauge(
            "chatbot_outbox_refused", "Messages that Slack refused for good.", registry=registry
        )
        self._last_good_poll: datetime | None = None

    @property
    def last_good_poll(self) -> datetime | None:
        """When the coordinator was last read, ``None`` before the first time."""
        return self._last_good_poll

    def acknowledged(self, kind: str, seconds: float) -> None:
        """A request of this kind was acknowledged."""
        self._ack.labels(kind).observe(seconds)

    def kill_answered(self, seconds: float) -> None:
        """The coordinator answered a kill, this long after it was accepted."""
        self._kill_answered.observe(seconds)

    def kill_verified(self, seconds: float) -> None:
        """The fleet was seen stopped, this long after the kill was accepted."""
        self._kill_verified.observe(seconds)

    def action(self, command: str, outcome: str) -> None:
        """An action ended."""
        self._actions.labels(command, outcome).inc()

    def refused(self, why: str) -> None:
        """A request was refused; ``why`` is one of a few fixed words."""
        self._refused.labels(why).inc()

    def coordinator_call(self, call: str, outcome: str, seconds: float) -> None:
        """A call of the coordinator ended."""
        self._calls.labels(call, outcome).inc()
        self._call_seconds.labels(call).observe(seconds)

    def outbox(self, depth: int, oldest: float | None) -> None:
        """What is owed to Slack now; ``oldest`` is an age in seconds, ``None`` when nothing is owed."""
        self._outbox_depth.set(depth)
        self._outbox_age.set(oldest or 0.0)

    def sockets(self, connected: int) -> None:
        """How many connections to Slack are up now."""
        self._sockets.set(connected)

    def audit(self, seq: int) -> None:
        """The number of the newest audit row."""
        self._audit.set(seq)

    def good_poll(self, at: datetime) -> None:
        """The coordinator was read and understood."""
        self._last_good_poll = at
        self._good_poll.set(at.timestamp())

    def alerts(self, firing: Mapping[str, int], refused: int) -> None:
        """How many alerts fire, by severity, and how many messages Slack refused."""
        for severity in ("info", "warning", "high", "critical"):
            self._alerts.labels(severity).set(firing.get(severity, 0))
        self._refused_messages.set(refused)

    def decided(self, verdicts: Mapping[str, int]) -> None:
        """So many decisions on alerts, by verdict."""
        for verdict, many in verdicts.items():
            self._decisions.labels(verdict).inc(many)

    def render(self) -> tuple[bytes, str]:
        """The exposition text and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
