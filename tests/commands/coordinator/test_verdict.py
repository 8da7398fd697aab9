"""What each kind of HTTP answer means."""

import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.coordinator.errors import (
    CoordinatorError,
    RateLimited,
    Refused,
    Uncertain,
    Unintelligible,
    Unreachable,
)
from commands.coordinator.verdict import Sent, verdict

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
TOKEN = "s3cret-token"

unhurried = settings(deadline=None)  # the machine is shared: slowness of one example is no failure


def judge(status, body, *, write=True, headers=None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = Sent(who="The coordinator at host:8000", call="POST /x", write=write, token=TOKEN)
    return verdict(sent, status, httpx.Headers(headers or {}), content, now=NOW)


def error_of(*args, **kwargs) -> CoordinatorError:
    with pytest.raises(CoordinatorError) as caught:
        judge(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [{"success": True}, {}, {"success": None}, {"success": True, "error": "x"}, {"error": "x", "bots": {}}],
)
def test_a_success_is_handed_on(body):
    assert judge(200, body) == body


@pytest.mark.parametrize("status", [200, 400, 404, 409, 500, 503])
def test_a_code_of_the_contract_is_a_clear_no_under_any_http_status(status):
    error = error_of(
        status, {"success": False, "error": "Bot ndax is not running", "code": "BOT_NOT_RUNNING"}
    )
    assert isinstance(error, Refused)
    assert (error.code, error.status) == ("BOT_NOT_RUNNING", status)
    assert "BOT_NOT_RUNNING: Bot ndax is not running" in str(error)


@pytest.mark.parametrize("code", ["CONFIGURATION_ERROR", "DEPENDENCY_FAILURE", "SOMETHING_NEW"])
def test_a_code_that_also_comes_half_way_is_a_no_except_under_5xx(code):
    body = {"success": False, "error": "boom", "code": code}
    assert isinstance(error_of(409, body), Refused)
    assert isinstance(error_of(200, body), Refused)
    assert isinstance(error_of(500, body), Uncertain)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_internal_error_is_no_clear_no(status):
    body = {"success": False, "error": "boom", "code": "INTERNAL_ERROR"}
    assert isinstance(error_of(status, body), Uncertain)
    assert isinstance(error_of(status, body, write=False), Unreachable)


@pytest.mark.parametrize("body", [{"error": "boom"}, b"<html>Bad gateway</html>", b""])
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_5xx_leaves_a_write_uncertain_and_a_read_undone(status, body):
    assert isinstance(error_of(status, body), Uncertain)
    assert isinstance(error_of(status, body, write=False), Unreachable)


@pytest.mark.parametrize("status", [200, 400, 403])
def test_an_error_alone_is_a_no_without_a_code(status, recorded):
    error = error_of(status, {"error": recorded("direct_bot", "start-killed")["error"]})
    assert isinstance(error, Refused)
    assert error.code is None
    assert "Kill switch is active" in str(error)


@pytest.mark.parametrize("name", ["start-killed", "ks-force", "ks-empty", "control-resume", "coord-start"])
def test_what_the_direct_bot_refuses_is_refused(recorded, name):
    assert isinstance(error_of(400, recorded("direct_bot", name)), Refused)


@pytest.mark.parametrize(
    ("status", "body", "write", "step"),
    [
        (401, b"", True, "nothing was changed: check the configured token"),
        (401, {"detail": "Unauthorized"}, False, "nothing was read: check the configured token"),
        (403, b"Forbidden", True, "nothing was changed: check the configured token"),
        (403, {"detail": "Forbidden"}, False, "nothing was read: check the configured token"),
        (403, {"error": "Kill switch is active"}, True, "nothing was changed: look at /status"),
        (404, {"error": "Not found"}, False, "nothing was read: check the configured URL"),
    ],
)
def test_a_refusal_says_what_to_do_next(status, body, write, step):
    error = error_of(status, body, write=write)
    assert isinstance(error, Refused)
    assert error.status == status
    assert step in str(error)


@pytest.mark.parametrize("status", [404, 405])
def test_a_plain_text_404_or_405_is_somebody_elses_server(status):
    error = error_of(status, b"404: Not Found", write=False)
    assert isinstance(error, Unintelligible)
    assert "check the configured URL" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
def test_what_is_no_json_object_is_unintelligible(body):
    assert isinstance(error_of(200, body), Unintelligible)


def test_a_redirect_names_the_host_and_nothing_else_of_its_target():
    error = error_of(302, b"", headers={"location": "https://user:pw@login.example/sso?ticket=abc#frag"})
    assert isinstance(error, Unintelligible)
    assert "login.example" in str(error)
    assert not any(secret in str(error) for secret in ("user", "pw", "sso", "ticket", "frag"))


@pytest.mark.parametrize("location", ["", "/local", "http://[", "\x00", "http://" + "a" * 5000])
def test_a_strange_redirect_is_only_a_redirect(location):
    assert isinstance(error_of(307, b"", headers={"location": location}), Unintelligible)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, b"", 7.0),
        ({"retry-after": "Tue, 24 Nov 2026 03:12:30 GMT"}, b"", 30.0),
        ({"retry-after": "Tue, 24 Nov 2026 03:11:00 GMT"}, b"", 0.0),
        ({"retry-after": "Tue, 24 Nov 2026 03:12:30 -0000"}, b"", 30.0),
        ({}, {"error": "Too many requests", "retryAfter": 60}, 60.0),
        ({}, {"success": False, "code": "RATE_LIMIT", "retry_after": 1.5}, 1.5),
        ({"retry-after": "soon"}, {"retry_after": "4"}, 4.0),
        ({"retry-after": "-3"}, b"", None),
        ({"retry-after": "nan"}, {"retryAfter": True}, None),
        ({"retry-after": "Mon, 99 Foo 99999999999 99:99:99 +9999"}, b"", None),
        ({}, {"retryAfter": 10**400}, None),
        ({}, b"slow down", None),
    ],
)
def test_a_429_says_how_long_to_wait_if_it_knows(headers, body, seconds):
    error = error_of(429, body, headers=headers)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_rate_limit_may_come_under_any_http_status():
    assert isinstance(error_of(200, {"success": False, "code": "RATE_LIMIT"}), RateLimited)


def test_words_of_the_far_end_are_cut_cleaned_and_never_show_the_token():
    words = "x" * 195 + f" {TOKEN}\n\u202e<!channel>"
    error = error_of(400, {"error": words, "code": f"NO {TOKEN}"})
    assert TOKEN[:4] not in str(error)
    assert "\u202e" not in str(error)
    assert len(str(error)) < 600


def test_the_words_for_messages_do_not_show_the_token():
    assert TOKEN not in repr(Sent(who="w", call="c", write=True, token=TOKEN))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
hints = st.fixed_dictionaries(
    {},
    optional={
        "success": json_values,
        "error": json_values,
        "code": st.sampled_from(["INTERNAL_ERROR", "RATE_LIMIT", "BOT_NOT_FOUND"]) | json_values,
        "retryAfter": json_values,
        "retry_after": json_values,
    },
)


@unhurried
@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=60) | hints.map(lambda said: json.dumps(said).encode()),
    header=st.none() | st.binary(max_size=30) | st.integers().map(lambda seconds: str(seconds).encode()),
    write=st.booleans(),
)
def test_any_answer_is_an_object_or_one_of_our_errors(status, body, header, write):
    headers = {} if header is None else {b"retry-after": header, b"location": header}
    try:
        said = judge(status, body, write=write, headers=headers)
    except CoordinatorError:
        return
    assert isinstance(said, dict)
    assert said.get("success") is not False
    assert 200 <= status < 300
