"""/recoveries as people type it."""

import pytest
from hypothesis import given

from commands.parsing import parse
from commands.spec import Request, UserError
from tests.hostile import texts

BOTS = ("ndax", "quantum", "shadowforge")


@pytest.mark.parametrize(
    ("typed", "request_"),
    [
        ("", Request(command="recoveries", option="list")),
        ("NDAX", Request(command="recoveries", option="list", bot="ndax")),
        ("full disk", Request(command="recoveries", option="list", pattern="full disk")),
        ("ndax crashed", Request(command="recoveries", option="list", pattern="ndax crashed")),
        ("100%_", Request(command="recoveries", option="list", pattern="100%_")),
        ("12", Request(command="recoveries", option="show", number=12)),
        ("#12", Request(command="recoveries", option="show", number=12)),
        ("trends", Request(command="recoveries", option="trends")),
        ("trends of ndax", Request(command="recoveries", option="list", pattern="trends of ndax")),
        ("new ndax", Request(command="recoveries", option="new", bot="ndax")),
        ("New 'Quantum'", Request(command="recoveries", option="new", bot="quantum")),
        ("new fleet", Request(command="recoveries", option="new")),
        ("new *", Request(command="recoveries", option="new")),
    ],
)
def test_what_is_meant(typed: str, request_: Request) -> None:
    assert parse("recoveries", typed, BOTS) == request_


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("new", "Say what it is about"),
        ("new ndx", "did you mean ndax"),
        ("new ndax quantum", "no bot 'ndax quantum'"),
    ],
)
def test_a_log_about_something_unclear_is_not_written(typed: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        parse("recoveries", typed, BOTS)
    assert "Nothing was written." in str(error.value)


@given(texts)
def test_any_text_is_looked_for_or_refused_in_words(typed: str) -> None:
    try:
        found = parse("recoveries", typed, BOTS)
    except UserError:
        return
    assert found.option in {"list", "show", "new", "trends"}
    assert (found.number is not None) is (found.option == "show")
