"""What differs between two configurations is told without a secret, and a loosened limit is known as one."""

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.configuring.comparing import MOST_CHANGES, Change, Kind, changes, laxer
from commands.configuring.keys import dotted, leaves, shown, snake
from tests.hostile import NASTY, texts

ABSENT = object()
SECRETS = (
    "xoxb-123456789012-abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    "9f86d081884c7d659a2feaa0c55ad015",
    "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "https://user:hunter2@api.example.test/v1",
    "https://hooks.slack.com/services/T000/B000/abcdefabcdef",
)

plain_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
json_values = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def one(path: str, before: object, after: object) -> Change:
    """The only change there is when the value at this dotted path becomes another one."""
    (change,) = changes(nested(path, before), nested(path, after))
    return change


def nested(path: str, value: object) -> object:
    """{"keep": 1, "a": {"b": value}} for "a.b"."""
    *above, last = path.split(".")
    inner: dict[str, object] = {"keep": 1}
    if value is not ABSENT:
        inner[last] = value
    for name in reversed(above):
        inner = {"keep": 1, name: inner}
    return inner


@pytest.mark.parametrize(
    ("path", "before", "after", "expected"),
    [
        # losses, exposure, positions, sizes, leverage: more is laxer
        ("ndax_bot.max_daily_loss", 100, 200, True),
        ("ndax_bot.max_daily_loss", 200, 100, False),
        ("ndax_bot.maxDailyLoss", 100, 200, True),
        ("ndax_bot.stop_loss_percentage", 5, 4.5, False),
        ("global_limits.total_max_daily_loss", 400, 401, True),
        ("global_limits.total_max_exposure", 15000, 1, False),
        ("global_limits.emergency_stop_loss", 1000, 5000, True),
        ("global_limits.emergency_stop_distance", 5, 2, True),
        ("global_limits.consecutive_loss_limit", 5, 50, True),
        ("ndax_bot.max_position_size", 1000, 1500, True),
        ("ndax_bot.max_concurrent_positions", 5, 3, False),
        ("ndax_bot.max_leverage", 1, 3, True),
        ("ndax_bot.max_daily_trades", 50, 500, True),
        ("ndax_bot.daily_trading_cap", 5000, 50000, True),
        ("loss_limits.daily", 100, 200, True),
        ("safe_mode.reduced_position_sizes", 0.5, 1.0, True),
        ("safe_mode.size_reduction_percent", 50, 10, True),
        # thresholds and timeouts
        ("health_check_config.failure_threshold", 3, 5, True),
        ("health_check_config.success_threshold", 2, 1, True),
        ("health_check_config.success_threshold", 1, 2, False),
        ("health_check_config.timeout_seconds", 5, 15, True),
        ("health_check_config.timeout_seconds", 5, 0, True),
        ("health_check_config.interval_seconds", 60, 30, False),
        ("conditions.api_errors.threshold", 10, 100, True),
        ("conditions.api_errors.window_minutes", 15, 5, True),
        ("conditions.max_daily_loss_reached.threshold", 400, 800, True),
        ("auto_recovery.max_attempts", 3, 30, True),
        ("auto_recovery.initial_delay_seconds", 60, 5, True),
        # nobody documents which way the equity threshold is safe
        ("global_limits.account_equity_threshold", 0.3, 0.5, True),
        ("global_limits.account_equity_threshold", 0.3, 0.1, True),
        # less is laxer
        ("recovery.cooldown_period_minutes", 60, 5, True),
        ("recovery.cooldown_period_minutes", 60, 90, False),
        ("cooldown.minutes", 60, 5, True),
        ("safe_mode.duration_minutes", 120, 10, True),
        ("ndax_bot.min_balance", 100, 10, True),
        # a limit that comes, goes or becomes none
        ("ndax_bot.max_daily_loss", 100, ABSENT, True),
        ("ndax_bot.max_daily_loss", ABSENT, 100, False),
        ("ndax_bot.max_daily_loss", 100, None, True),
        ("ndax_bot.max_daily_loss", None, 100, False),
        ("ndax_bot.max_daily_loss", 100, -1, True),
        ("ndax_bot.max_daily_loss", 100, "unlimited", True),
        ("ndax_bot.max_daily_loss", 100, "a lot", True),
        ("ndax_bot.max_daily_loss", 100, "50", False),
        ("ndax_bot.max_daily_loss", 100, False, True),
        ("recovery.cooldown_period_minutes", 60, ABSENT, True),
        # switches
        ("enabled", True, False, True),
        ("enabled", False, True, None),
        ("kill_switch.enabled", True, False, True),
        ("kill_switch.enabled", False, True, False),
        ("kill_switch_enabled", True, "false", True),
        ("conditions.circuit_breaker.enabled", True, False, True),
        ("auto_trigger", True, False, True),
        ("recovery.manual_approval_required", True, False, True),
        ("recovery.manual_approval_required", True, ABSENT, True),
        ("recovery.auto_recovery_enabled", False, True, True),
        ("recovery.auto_recovery_enabled", True, False, False),
        ("recovery.auto_recovery_enabled", True, ABSENT, None),
        ("auto_recovery.enabled", False, True, True),
        ("auto_recovery.enabled", ABSENT, True, True),
        ("autoRecovery.enabled", False, True, True),
        ("safe_mode.enabled_on_recovery", True, False, True),
        ("manual_override_allowed", False, True, True),
        ("ndax_bot.enabled", False, True, True),
        ("ndax_bot.enabled", True, False, False),
        ("ndax_bot.dry_run", True, False, True),
        ("ndax_bot.stop_on_loss", True, False, True),
        ("trading_mode", "paper", "live", True),
        ("trading_mode", "live", "paper", False),
        # no limits
        ("ndax_bot.symbol", "BTC", "ETH", None),
        ("ndax_bot.take_profit_percentage", 10, 20, None),
        ("smtp_port", 25, 587, None),
        ("rate_limiting.max_per_minute", 10, 100, None),
        ("aggregation.similar_alerts_threshold", 3, 30, None),
        ("version", 1, 2, None),
        ("colour", True, False, None),
        ("credentials.max_uses", 1, 9, None),
    ],
)
def test_whether_a_change_loosens_a_limit(
    path: str, before: object, after: object, expected: bool | None
) -> None:
    assert laxer(one(path, before, after)) is expected


def test_a_change_names_its_key_and_both_values() -> None:
    before = {"ndax_bot": {"max_daily_loss": 100, "pairs": ["BTC", "ETH"]}, "old": 1}
    after = {"ndax_bot": {"max_daily_loss": 200, "pairs": ["BTC"]}, "new": None}

    told = [(each.kind, each.text) for each in changes(before, after)]

    assert told == [
        (Kind.CHANGED, "ndax_bot.max_daily_loss 100 → 200"),
        (Kind.CHANGED, 'ndax_bot.pairs ["BTC","ETH"] → ["BTC"]'),
        (Kind.REMOVED, "old removed, was 1"),
        (Kind.ADDED, "new added: null"),
    ]


def test_true_is_not_one_but_1_is_1_0() -> None:
    assert len(changes({"a": True}, {"a": 1})) == 1
    assert len(changes({"a": [True]}, {"a": [1]})) == 1
    assert changes({"a": 1}, {"a": 1.0}) == ()


def test_entries_with_names_are_compared_by_them() -> None:
    before = {"bots": [{"name": "ndax", "size": 1}, {"name": "quantum", "size": 2}]}
    after = {"bots": [{"name": "quantum", "size": 3}, {"name": "ndax", "size": 1}]}

    (change,) = changes(before, after)

    assert change.text == "bots.quantum.size 2 → 3"
    assert [each.where for each in changes({"a": [{"x": 1}]}, {"a": [{"x": 2}]})] == ["a[0].x"]


def test_a_limit_inside_a_removed_part_is_still_a_removed_limit() -> None:
    (change,) = changes({"ndax_bot": {"max_daily_loss": 1}}, {})

    assert laxer(change) is True


def test_a_limit_that_becomes_an_object_is_a_removed_limit() -> None:
    removed, added = changes({"max_daily_loss": 1}, {"max_daily_loss": {"note": "x"}})

    assert (removed.text, laxer(removed)) == ("max_daily_loss removed, was 1", True)
    assert added.text == 'max_daily_loss.note added: "x"'


def test_what_was_empty_is_told_by_what_it_holds_now() -> None:
    assert [each.text for each in changes({"a": {}}, {"a": {"b": 1}})] == ["a.b added: 1"]
    assert [each.text for each in changes({"a": [{"b": 1}]}, {"a": []})] == ["a[0].b removed, was 1"]
    assert [each.text for each in changes({"a": {}}, {"a": []})] == ["a {} → []"]
    assert [each.text for each in changes({"a": {}}, {})] == ["a removed, was {}"]


def test_most_changes_are_listed_the_rest_counted_and_the_laxer_ones_never_among_it() -> None:
    before = {f"key{number}": 0 for number in range(300)} | {"zz_max_loss": 1}
    after = {f"key{number}": 1 for number in range(300)} | {"zz_max_loss": 2}

    found = changes(before, after)

    assert len(found) == MOST_CHANGES + 1
    assert found[0].where == "zz_max_loss"
    assert (found[-1].kind, found[-1].count, found[-1].text) == (Kind.REST, 101, "101 more")
    assert laxer(found[-1]) is None
    assert sum(each.count for each in found) == 301


@pytest.mark.parametrize(
    "key",
    [
        "api_key",
        "apiSecret",
        "slack.webhook_url",
        "credentials.user",
        "privateKey",
        "db.password",
        "token.id",
    ],
)
def test_a_key_that_names_a_secret_shows_that_it_changed_and_no_more(key: str) -> None:
    change = one(key, "the old one", 48151623)

    assert change.text == f"{key} changed (secret)"
    assert "the old" not in repr(change)
    assert "48151623" not in repr(change)
    assert one(key, ABSENT, "new one").text == f"{key} added (secret)"


@pytest.mark.parametrize("value", SECRETS)
def test_a_value_that_looks_like_a_token_is_masked_wherever_it_stands(value: str) -> None:
    for change in (
        one("note", "plain", value),
        one("note", f"use {value} here", "plain"),
        one("note", ["a", value], "plain"),
        one("note", ABSENT, {value: 1}),
    ):
        tokens = [part for part in value.replace("/", " ").replace(".", " ").split() if len(part) >= 20]
        assert all(token not in repr(change) for token in tokens or ["hunter2"])
        assert value not in change.text
        assert "***" in change.text


def test_plain_words_stay_readable() -> None:
    for word in (
        "stop_all_bots_after_3_failures",
        "https://api.example.test/v1/market-data",
        "exponential",
        "Enable in production",
    ):
        assert shown(word) == json.dumps(word)


def test_values_are_cut_behind_the_mask() -> None:
    assert shown("y " * 500) == f'"{"y " * 29}'.rstrip()[:59].rstrip() + "…"
    assert len(shown("e" * 10_000_000)) <= 60
    assert len(shown(list(range(100_000)))) <= 60
    assert SECRETS[2][:12] not in shown("z" * 0 + "word " * 10 + SECRETS[2])


@pytest.mark.parametrize("key", NASTY)
def test_a_hostile_key_stays_one_line_and_short(key: str) -> None:
    text = one_key(key).text

    assert len(text.splitlines()) == 1
    assert text.replace("\u200d", "").isprintable()
    assert len(text) < 300
    text.encode("utf-8")


def one_key(key: str) -> Change:
    (change,) = changes({}, {key: {key: key}})
    return change


def test_a_broadcast_in_a_key_is_shown_as_it_is_for_the_chat_to_escape() -> None:
    assert one_key("<!channel>").text == '<!channel>.<!channel> added: "<!channel>"'


def test_keys_with_dots_cannot_be_taken_for_others() -> None:
    assert dotted(("a.b", "c")) == '["a.b"].c'
    assert dotted(("a", "b.c")) == 'a["b.c"]'
    assert dotted(("",)) == '[""]'
    assert dotted(("a", 3, "b")) == "a[3].b"


@pytest.mark.parametrize("key", ["maxDailyLoss", "max-daily-loss", "MAX_DAILY_LOSS", "max daily loss"])
def test_one_spelling_for_all(key: str) -> None:
    assert snake(key) == "max_daily_loss"


@given(json_values, json_values)
def test_any_two_values_compare_to_short_lines(before: object, after: object) -> None:
    for change in changes(before, after):
        change.text.encode("utf-8")
        assert len(change.text.splitlines()) <= 1
        assert len(change.text) < 400
        assert laxer(change) in (True, False, None)


@given(json_values)
def test_nothing_differs_from_itself(value: object) -> None:
    assert changes(value, deepcopy(value)) == ()


@given(st.dictionaries(texts, plain_values, min_size=1, max_size=6))
def test_every_plain_value_is_a_leaf(data: dict[str, object]) -> None:
    assert dict(leaves(data)) == {(key,): value for key, value in data.items()}
