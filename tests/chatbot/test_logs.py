"""Log lines: one shape for all, the person and the action on each, and never a secret."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from chatbot import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(
    *, level: str = "info", style: Any = "json"
) -> tuple[io.StringIO, Callable[[], list[dict[str, Any]]]]:
    sink = io.StringIO()
    logs.configure(style, level, stream=sink)
    return sink, lambda: [json.loads(line) for line in sink.getvalue().splitlines()]


def test_a_line_carries_time_level_logger_and_what_was_bound() -> None:
    _, read = lines()
    with structlog.contextvars.bound_contextvars(action="K-1", person="U012AB3CD"):
        structlog.get_logger("chatbot.killing").info("sent", attempts=2)
    (line,) = read()
    assert line["event"] == "sent"
    assert line["level"] == "info"
    assert line["logger"] == "chatbot.killing"
    assert (line["action"], line["person"], line["attempts"]) == ("K-1", "U012AB3CD", 2)
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == datetime.now(UTC).utcoffset()
    assert line["timestamp"].endswith("Z")


def test_libraries_pass_through_the_same_chain() -> None:
    _, read = lines()
    with structlog.contextvars.bound_contextvars(action="K-1"):
        logging.getLogger("slack_sdk.web").warning("answer of %s: %s", "xoxb-1-2-3", {"ok": False})
    (line,) = read()
    assert line["event"] == "answer of xoxb-***: {'ok': False}"
    assert (line["level"], line["logger"], line["action"]) == ("warning", "slack_sdk.web", "K-1")


def test_exception_text_is_masked_for_ours_and_for_libraries() -> None:
    _, read = lines()
    error = ValueError("no answer from http://bot:hunter2@coordinator/status")
    structlog.get_logger("x").error("failed", exc_info=error)
    logging.getLogger("uvicorn.error").error("failed", exc_info=error)
    ours, theirs = read()
    for line in (ours, theirs):
        assert "ValueError: no answer from http://***@coordinator/status" in line["exception"]
        assert "hunter2" not in json.dumps(line)


def test_requests_of_libraries_are_news_only_when_debugging() -> None:
    _, read = lines(level="info")
    logging.getLogger("httpx").info("HTTP Request: GET http://localhost:8000/status")
    assert read() == []
    _, read = lines(level="debug")
    logging.getLogger("httpx").info("HTTP Request: GET http://localhost:8000/status")
    assert len(read()) == 1


def test_lines_below_the_level_are_left_out() -> None:
    _, read = lines(level="warning")
    structlog.get_logger("x").info("quiet")
    logging.getLogger("x").info("quiet")
    structlog.get_logger("x").warning("loud")
    assert [line["event"] for line in read()] == ["loud"]


def test_console_lines_are_plain_where_nobody_looks_at_a_terminal() -> None:
    sink, _ = lines(style="console")
    structlog.get_logger("x").error("failed", app_token="xapp-1-secret", exc_info=ValueError("token=abc"))
    text = sink.getvalue()
    assert "failed" in text
    assert "ValueError: token=***" in text
    assert "secret" not in text
    assert "\x1b" not in text


def test_without_a_format_a_pipe_gets_json() -> None:
    _, read = lines(style=None)
    structlog.get_logger("x").info("hello")
    assert read()[0]["event"] == "hello"


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_an_object_that_cannot_be_shown_does_not_cost_the_line() -> None:
    _, read = lines()
    structlog.get_logger("x").info("hello", thing=Unshowable())
    assert read()[0]["thing"] == "<Unshowable that cannot be shown>"


def test_what_is_no_secret_stays_as_it_is() -> None:
    event = {
        "event": "kill K-7 sent to http://localhost:8000/kill-switch by U012AB3CD: breaker is stuck",
        "attempts": 3,
        "confirmed": None,
        "bots": ["ndax", "quantum"],
        "seconds": 0.25,
    }
    assert logs.redact(None, "info", dict(event)) == event


CORE = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=40)
WORDS = st.text("abc XYZ.:/-é☠\n", max_size=12)
MARKED: tuple[Callable[[str], str], ...] = (
    lambda core: f"xoxb-17-{core}",
    lambda core: f"xoxp-{core}",
    lambda core: f"xoxe.xoxp-1-{core}",
    lambda core: f"xapp-1-A1-{core}",
    lambda core: f"Authorization: Bearer {core}",
    lambda core: f"'authorization': 'Basic {core}=='",
    lambda core: f"bearer {core}",
    lambda core: f"https://hooks.slack.com/commands/T1/2/{core}",
    lambda core: f"https://hooks.slack.com/services/T1/B1/{core}",
    lambda core: f"postgresql+psycopg://bot:{core}@db/bot",
    lambda core: f"postgresql://bot:p@ss/{core}@db/bot",
    lambda core: f"token={core}&x=1",
    lambda core: f'{{"bot_token": "{core}"}}',
    lambda core: f"SLACK_SIGNING_SECRET={core}",
    lambda core: f"password: {core}",
    lambda core: f"response_url='{core}'",
    lambda core: f"wss://wss.slack.com/link/?ticket={core}&app_id=A1",
    lambda core: f"-----BEGIN PRIVATE KEY-----\n{core}\n-----END PRIVATE KEY-----\n",
    lambda core: f"SECRET=-----BEGIN RSA PRIVATE KEY-----\\n{core}\\n-----END RSA PRIVATE KEY-----\\n",
    lambda core: f"-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3Blbn\r\n{core}",
)
SECRET_KEYS = (
    "token",
    "bot_token",
    "Authorization",
    "response_url",
    "signing_secret",
    "db_password",
    "cookie",
)


@st.composite
def hidden(draw: st.DrawFn) -> tuple[str, Any]:
    """A secret's core, and a value in which it stands somewhere."""
    core = draw(CORE)
    # a word before a marker is parted from it, as in any sentence
    value: Any = draw(WORDS) + " " + draw(st.sampled_from(MARKED))(core) + " " + draw(WORDS)
    if draw(st.booleans()):
        value = {
            draw(st.sampled_from(SECRET_KEYS)): draw(
                st.sampled_from((core, [core], {"a": core}, core.encode()))
            )
        }
    for _ in range(draw(st.integers(0, 14))):
        wrap = draw(st.sampled_from(("list", "tuple", "dict", "key", "error", "bytes", "object")))
        match wrap:
            case "list":
                value = [1, value]
            case "tuple":
                value = (value, None)
            case "dict":
                value = {"inner": value}
            case "key":
                value = {str(value): 1}
            case "error":
                value = ValueError(value)
            case "bytes":
                value = value.encode() if isinstance(value, str) else value
            case _:
                value = type("Thing", (), {"__repr__": lambda _, v=value: f"Thing({v!r})"})()
    return core, value


@given(hidden(), st.sampled_from(("event", "detail", "exception")))
def test_no_secret_passes_in_any_position(found: tuple[str, Any], place: str) -> None:
    core, value = found
    sink, _ = lines()
    log = structlog.get_logger("x")
    if place == "event":
        log.info(value)
        logging.getLogger("library").warning("%s", value)
    elif place == "detail":
        log.info("hello", detail=value)
    else:
        log.error("hello", exc_info=RuntimeError(value))
    assert sink.getvalue()
    assert core not in sink.getvalue()
