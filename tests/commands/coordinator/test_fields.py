"""Single values: right, or unknown."""

from datetime import UTC, datetime

import pytest

from commands.coordinator import fields

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("value", [0, 1, "true", "false", None, [], {}, 0.0])
def test_only_true_and_false_are_true_and_false(value):
    assert fields.flag(value) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [([True], True), ([False, False], False), ([True, False], None), ([], None), (["x", 0, True], True)],
)
def test_a_contradiction_is_unknown(values, said):
    assert fields.agreed(values) is said


@pytest.mark.parametrize("value", [True, False, NAN, INF, -INF, "1", None, [], 2**53 + 1, 10**400])
def test_what_is_no_finite_number_is_unknown(value):
    assert fields.number(value) is None
    assert fields.count(value) is None


@pytest.mark.parametrize(("value", "found"), [(3, 3), (3.0, 3), (3.5, None), (-1, None), (1e300, None)])
def test_a_count_is_whole_and_not_negative(value, found):
    assert fields.count(value) == found


@pytest.mark.parametrize(("value", "found"), [(0, 0), (100, 100), (100.1, None), (-0.1, None)])
def test_a_percentage_is_within_its_range(value, found):
    assert fields.percentage(value) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("  fine ", "fine"),
        ("", None),
        (" \n\t", None),
        ("\x00\x01", None),
        (1, None),
        ("one\ntwo", "one two"),
        ("a\x1b[31mb", "a [31mb"),
        ("a\u202eb", "a b"),
        ("a\ud800b", "a b"),
        ("🚨 KILL SWITCH TRIGGERED: test ⚠️", "🚨 KILL SWITCH TRIGGERED: test ⚠️"),
        ("x" * 501, "x" * 499 + "…"),
        ("x" * 500, "x" * 500),
    ],
)
def test_text_is_short_and_can_be_shown(value, found):
    assert fields.text(value) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-11-24T00:48:19.164Z", datetime(2026, 11, 24, 0, 48, 19, 164000, UTC)),
        ("2026-11-24T00:48:19Z", datetime(2026, 11, 24, 0, 48, 19, tzinfo=UTC)),
        ("2026-11-24T02:48:19+02:00", datetime(2026, 11, 24, 0, 48, 19, tzinfo=UTC)),
        (1795481260386, datetime(2026, 11, 24, 0, 47, 40, 386000, UTC)),
        (1795482276, datetime(2026, 11, 24, 1, 4, 36, tzinfo=UTC)),
        ("2026-11-24T00:48:19.494657", None),
        ("2026-11-24 00:51:36,248", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
        (True, None),
        (-1, None),
        (NAN, None),
        (2**53, None),
        (0, None),
    ],
)
def test_a_moment_has_a_zone_or_is_unknown(value, found):
    assert fields.moment(value) == found
