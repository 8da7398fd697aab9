"""Text as people type it is cleaned once and keeps what matters."""

import pytest

from commands.words import REASON_LIMIT, bare, clean, closest, listed, named, visible


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  bad \t fills\n", "bad fills"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("<!channel> <!here|here>", "@channel @here"),
        ("<https://example.test/a|label>", "https://example.test/a"),
        ("👩‍👧 stays together", "👩‍👧 stays together"),
        ("می‌خواهم", "می‌خواهم"),
        ("\ud800broken", "broken"),
    ],
)
def test_a_line_is_what_a_person_sees(text: str, wanted: str) -> None:
    assert clean(text) == wanted


def test_a_long_reason_is_cut_and_says_so() -> None:
    assert clean("x" * REASON_LIMIT) == "x" * REASON_LIMIT
    cut = clean("x" * (REASON_LIMIT + 1))
    assert len(cut) == REASON_LIMIT
    assert cut.endswith("x…")


def test_white_space_before_a_reason_does_not_use_up_its_length() -> None:
    assert clean(" " * 10_000 + "late") == "late"


def test_only_invisible_characters_are_taken_away() -> None:
    assert visible("a\u200bb\nc") == "ab\nc"


@pytest.mark.parametrize("typed", ["ndax", "NDAX", " 'Ndax', ", "`ndax`", "@ndax", "nd\u200bax"])
def test_a_bot_is_known_whatever_its_case_and_decoration(typed: str) -> None:
    assert named(typed, ("ndax", "quantum")) == "ndax"


def test_a_name_is_given_back_as_it_is_configured() -> None:
    assert named("ndax", ("NDax",)) == "NDax"
    assert closest("ndx", ("NDax",)) == "NDax"


def test_nothing_near_is_no_suggestion() -> None:
    assert closest("zzzz", ("ndax", "quantum")) is None
    assert closest("", ("ndax",)) is None


def test_a_command_name_is_bared() -> None:
    assert bare("  /KILL!! ") == "kill"


@pytest.mark.parametrize(
    ("names", "wanted"),
    [((), "none"), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")],
)
def test_names_read_as_in_a_sentence(names: tuple[str, ...], wanted: str) -> None:
    assert listed(names) == wanted
