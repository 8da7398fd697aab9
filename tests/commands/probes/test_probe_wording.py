"""What lines as programs write them speak of, and what they do not."""

import time

import pytest
from hypothesis import given

from commands.probes.wording import TOPICS, topics
from tests.hostile import texts

SPEAKS = {
    # -- connections
    "requests.exceptions.ConnectionError: Max retries exceeded": "api",
    "Error: connect ECONNREFUSED 127.0.0.1:9000": "api",
    "Error: read ECONNRESET": "api",
    "getaddrinfo ENOTFOUND api.example.org": "api",
    "Temporary failure in name resolution": "api",
    "ssl.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED]": "api",
    "The certificate of api.example.org has expired": "api",
    "ReadTimeout: request timed out after 30 s": "api",
    "websocket time-out, reconnecting": "api",
    "502 Bad Gateway": "api",
    "503 Service Unavailable": "api",
    "504 Gateway Time-out": "api",
    "Network is unreachable": "api",
    "connection lost to exchange": "api",
    # -- memory, processor, disk
    "FATAL ERROR: JavaScript heap out of memory": "memory",
    "Killed process 4711 (python) by the OOM killer": "memory",
    "MemoryError": "memory",
    "fork: Cannot allocate memory": "memory",
    "OSError: [Errno 28] No space left on device": "memory",
    "OSError: [Errno 24] Too many open files": "memory",
    "disk is full": "memory",
    "High memory on host": "memory",
    "Low on disk": "memory",
    "memory usage at 94%": "memory",
    "CPU usage 97 %": "memory",
    # -- configuration
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)": "config",
    "Expecting property name enclosed in double quotes: line 3": "config",
    "SyntaxError: Invalid JSON in bot-limits.json": "config",
    "CONFIGURATION_ERROR: max_position": "config",
    "configuration error in kill-switch.json": "config",
    "Config file is missing": "config",
    "config corrupt, using defaults": "config",
    "Parse error near line 12": "config",
    "cannot parse recovery-settings.json": "config",
    # -- a crash
    "Traceback (most recent call last):": "crash",
    "AttributeError: 'NoneType' object has no attribute 'price'": "crash",
    "ZeroDivisionError: float division by zero": "crash",
    "RecursionError: maximum recursion depth exceeded": "crash",
    "Unhandled exception in strategy loop": "crash",
    "segmentation fault (core dumped)": "crash",
    "quantum exited with code 1": "crash",
    "process ended, exit code 137": "crash",
    "shadowforge crashed twice": "crash",
    # -- data
    "Balance mismatch: expected 1.5 BTC, got 0.9": "data",
    "position of ETH does not match the exchange": "data",
    "unexpected open position on quantum": "data",
    "missing balance for CAD": "data",
    "data corruption found in trades": "data",
    "database disk image is malformed; malformed database": "data",
    "checksum of the state file differs": "data",
    "corrupted state after restart": "data",
    # -- an intruder
    "Suspicious login from 203.0.113.7": "security",
    "intrusion detected": "security",
    "unauthorized trade on account 7": "security",
    "Unauthorised withdrawal of 2 BTC": "security",
    "unknown IP uses our key": "security",
    "API key was leaked": "security",
    "security breach suspected": "security",
}
SEVERAL = {
    "Traceback: ConnectionError: timed out": {"api", "crash"},
    "MemoryError: process crashed": {"memory", "crash"},
    "JSONDecodeError: Expecting value (exit code 1)": {"config", "crash"},
    "disk full: corrupted database": {"memory", "data"},
}
SILENT = (
    "",
    "2026-11-24 00:51:36,248 - BotCoordinator - INFO - ndax started",
    "order 7 was filled at 43001.5",
    "the room has a broom",  # no oom
    "position opened: BTC 0.5",
    "balance updated",
    "configuration loaded",
    "config reloaded from bot-limits.json",
    "quantum finished, exit code 0",
    "quantum exited with code 0",
    "quantum exited with status 0 after 3 h",
    "memory usage at 9%",
    "authorized trade on account 7",
    "login of the operator",
    "stop was pressed",
    "ValueAdded service fee",
    "dnsmasq was reloaded",
    "vessel certified",
    "time outside trading hours",
    "the time output is in UTC",
)


@pytest.mark.parametrize(("line", "topic"), sorted(SPEAKS.items()))
def test_a_line_speaks_of_its_topic(line: str, topic: str) -> None:
    assert topic in topics(line)
    assert topic in topics(f"2026-11-24 00:51:36,248 - BotCoordinator - ERROR - {line.upper()}")


@pytest.mark.parametrize(("line", "spoken"), sorted(SEVERAL.items()))
def test_a_line_may_speak_of_several(line: str, spoken: set[str]) -> None:
    assert topics(line) == spoken


@pytest.mark.parametrize("line", SILENT)
def test_what_is_no_trouble_speaks_of_none(line: str) -> None:
    assert topics(line) == frozenset()


def test_every_topic_is_held_against_lines() -> None:
    assert set(SPEAKS.values()) == set(TOPICS)


def test_only_the_beginning_of_a_line_is_looked_at() -> None:
    assert topics("x" * 1989 + " MemoryError") == frozenset()
    assert topics("x" * 1988 + " MemoryError") == {"memory"}


@given(texts)
def test_any_text_is_looked_at(line: str) -> None:
    assert topics(line) <= set(TOPICS)


@pytest.mark.parametrize("piece", ["balance ", "memory is ", "disk ", "mismatch ", "config "])
def test_a_long_line_costs_little(piece: str) -> None:
    begun = time.process_time()
    for _ in range(20):
        topics(piece * 100_000)
    assert time.process_time() - begun < 2
