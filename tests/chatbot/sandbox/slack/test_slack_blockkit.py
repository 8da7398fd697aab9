"""The Block Kit rule table: each limit just kept and just broken."""

from typing import Any

import pytest

from chatbot.sandbox.slack import check_message, check_view


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), "action_id": "go", **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def confirm(title: int = 100, text: int = 300, yes: int = 30, no: int = 30) -> dict[str, Any]:
    return {
        "title": plain("t" * title),
        "text": mrkdwn("t" * text),
        "confirm": plain("y" * yes),
        "deny": plain("n" * no),
    }


def option(text: int = 75, value: int = 150) -> dict[str, Any]:
    return {"text": plain("o" * text), "value": "v" * value}


def select(options: int = 1, placeholder: int = 150, **more: Any) -> dict[str, Any]:
    rows = [{"text": plain(str(n)), "value": str(n)} for n in range(options)]
    return {
        "type": "static_select",
        "action_id": "s",
        "placeholder": plain("p" * placeholder),
        "options": rows,
        **more,
    }


def table(rows: int = 1, cells: int = 1) -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * cells] * rows}


def rich(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": list(parts)}]}


def modal(**more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("t" * 24), "blocks": [section()], **more}


ASK = {"type": "input", "block_id": "r", "label": plain("Why"), "element": {"type": "plain_text_input"}}

FINE = [
    [],
    [section()] * 50,
    [section("x" * 3000)],
    [{"type": "section", "fields": [mrkdwn("f" * 2000)] * 10}],
    [{"type": "header", "text": plain("h" * 150)}],
    [actions(button(text=plain("b" * 75), value="v" * 2000, action_id="a" * 255))],
    [actions(*[button(action_id=str(n)) for n in range(25)])],
    [actions(button(confirm=confirm(), style="danger"))],
    [actions(button(url="https://example.com/" + "x" * 2980))],
    [section(block_id="b" * 255)],
    [{"type": "context", "elements": [mrkdwn("c")] * 10}],
    [actions(select(100))],
    [actions({**select(), "options": [option()]})],
    [actions(select(2, initial_option={"text": plain("1"), "value": "1"}))],
    [section(accessory=button())],
    [table(100, 20)],
    [rich({"type": "text", "text": "x" * 3000, "style": {"bold": True}})],
    [{"type": "divider"}, actions(button(), block_id="1"), actions(button(), block_id="2")],
    [ASK],
]

WRONG = {
    "51 blocks": [section()] * 51,
    "section text 3001": [section("x" * 3001)],
    "section without text": [{"type": "section"}],
    "section text empty": [section("")],
    "section text a string": [{"type": "section", "text": "hello"}],
    "text of no type": [{"type": "section", "text": {"text": "x"}}],
    "field 2001": [{"type": "section", "fields": [mrkdwn("f" * 2001)]}],
    "11 fields": [{"type": "section", "fields": [mrkdwn("f")] * 11}],
    "header 151": [{"type": "header", "text": plain("h" * 151)}],
    "header mrkdwn": [{"type": "header", "text": mrkdwn("h")}],
    "button label 76": [actions(button(text=plain("b" * 76)))],
    "button label mrkdwn": [actions(button(text=mrkdwn("b")))],
    "button value 2001": [actions(button(value="v" * 2001))],
    "button value a number": [actions(button(value=7))],
    "button style": [actions(button(style="secondary"))],
    "button url 3001": [actions(button(url="https://example.com/" + "x" * 2981))],
    "button url a script": [actions(button(url="javascript:alert(1)"))],
    "action_id 256": [actions(button(action_id="a" * 256))],
    "action_id twice in a block": [actions(button(), button())],
    "26 elements": [actions(*[button(action_id=str(n)) for n in range(26)])],
    "no elements": [actions()],
    "block_id 256": [section(block_id="b" * 256)],
    "block_id twice": [section(block_id="b"), section(block_id="b")],
    "confirm title": [actions(button(confirm=confirm(title=101)))],
    "confirm text": [actions(button(confirm=confirm(text=301)))],
    "confirm yes": [actions(button(confirm=confirm(yes=31)))],
    "confirm no": [actions(button(confirm=confirm(no=31)))],
    "confirm without deny": [actions(button(confirm={**confirm(), "deny": None}))],
    "11 context elements": [{"type": "context", "elements": [mrkdwn("c")] * 11}],
    "button in context": [{"type": "context", "elements": [button()]}],
    "101 options": [actions(select(101))],
    "option text 76": [actions({**select(), "options": [option(text=76)]})],
    "option value 151": [actions({**select(), "options": [option(value=151)]})],
    "placeholder 151": [actions(select(placeholder=151))],
    "first option of another label": [
        actions(select(2, initial_option={"text": plain("one"), "value": "1"}))
    ],
    "first option of another value": [actions(select(2, initial_option={"text": plain("1"), "value": "2"}))],
    "select without options": [actions({"type": "static_select", "action_id": "s"})],
    "101 table rows": [table(101)],
    "21 table cells": [table(1, 21)],
    "two tables": [table(), table()],
    "unknown block": [{"type": "chart"}],
    "block of no type": [{}],
    "block not an object": ["section"],
    "unknown element": [actions({"type": "slider"})],
    "unknown field": [section(colour="red")],
    "unknown rich text": [rich({"type": "marquee"})],
    "alert in a message": [{"type": "alert", "text": mrkdwn("x")}],
    "image without alt_text": [{"type": "image", "image_url": "https://example.com/i.png"}],
}


@pytest.mark.parametrize("blocks", FINE)
def test_what_slack_takes_has_no_complaints(blocks: list[dict[str, Any]]) -> None:
    assert check_message(blocks) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_slack_refuses_is_named_with_its_place(name: str) -> None:
    complaints = check_message(WRONG[name])
    assert complaints
    assert all("[json-pointer:/blocks" in complaint for complaint in complaints)


def test_a_complaint_reads_as_slack_writes_it() -> None:
    assert check_message([section("x" * 3001)]) == [
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    ]


def test_new_kinds_of_block_can_be_missing_in_a_workspace() -> None:
    cell = {"type": "raw_text", "text": "x"}
    blocks = [{"type": "data_table", "caption": "bots", "rows": [[cell], [cell]]}]
    assert check_message(blocks) == []
    assert check_message(blocks, phased_in=False)
    assert check_message([{**blocks[0], "rows": [[cell], [cell, cell]]}])


@pytest.mark.parametrize(
    "view",
    [
        modal(),
        modal(blocks=[section()] * 100, private_metadata="m" * 3000, callback_id="c" * 255),
        modal(blocks=[ASK], submit=plain("s" * 24), close=plain("c" * 24)),
        modal(blocks=[{"type": "alert", "level": "warning", "text": mrkdwn("x")}]),
        {"type": "home", "blocks": [section()]},
    ],
)
def test_views_that_slack_takes(view: dict[str, Any]) -> None:
    assert check_view(view) == []


@pytest.mark.parametrize(
    "view",
    [
        modal(title=plain("t" * 25)),
        modal(title=None),
        modal(title=mrkdwn("t")),
        modal(blocks=[section()] * 101),
        modal(blocks=None),
        modal(blocks=[ASK]),
        modal(submit=plain("s" * 25)),
        modal(close=plain("c" * 25)),
        modal(private_metadata="m" * 3001),
        modal(callback_id="c" * 256),
        modal(blocks=[table()]),
        modal(colour="red"),
        {"type": "dialog", "blocks": []},
    ],
)
def test_views_that_slack_refuses(view: dict[str, Any]) -> None:
    complaints = check_view(view)
    assert complaints
    assert all("[json-pointer:/view" in complaint for complaint in complaints)
