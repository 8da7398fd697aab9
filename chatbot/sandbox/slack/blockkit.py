"""Block Kit's limits as a table, checked as Slack checks them: a list of complaints, empty when well."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from chatbot.sandbox.slack.elements import (
    ACTIONS_ELEMENTS,
    CELLS,
    CONTEXT_ELEMENTS,
    ELEMENTS,
    INPUT_ELEMENTS,
    RICH_TEXT_PARTS,
    SECTION_ACCESSORIES,
    plain,
    text,
)
from chatbot.sandbox.slack.schema import (
    Check,
    anything,
    choice,
    flag,
    items,
    kinds,
    number,
    record,
    string,
    url,
    wrong,
)

_BLOCK_ID = string(255)


def _block(fields: Mapping[str, Check], *required: str) -> Check:
    return record({"type": string(40), "block_id": _BLOCK_ID, **fields}, *required)


def _section(value: Any, at: str) -> list[str]:
    if isinstance(value, dict) and value.get("text") is None and value.get("fields") is None:
        return wrong("missing required field: text", at)
    return _SECTION(value, at)


_SECTION = _block(
    {
        "text": text(3000),
        "fields": items(text(2000), 10),
        "accessory": kinds(ELEMENTS, *SECTION_ACCESSORIES),
        "expand": flag,
    }
)


def _one_width(value: Any, at: str) -> list[str]:
    """data_table: every row as wide as the header."""
    widths = {len(row) for row in value.get("rows") or () if isinstance(row, list | tuple)}
    return wrong("all rows must have the same number of cells", f"{at}/rows") if len(widths) > 1 else []


_DATA_TABLE = _block(
    {
        "rows": items(items(kinds(CELLS), 20), 101, 2),
        "caption": string(3000),
        "page_size": number(1, 100),
        "row_header_column_index": number(0, 19),
    },
    "rows",
    "caption",
)


def _children(value: Any, at: str) -> list[str]:
    return items(kinds(BLOCKS), 10)(value, at)


BLOCKS: dict[str, Check] = {
    "section": _section,
    "header": _block({"text": plain(150)}, "text"),
    "divider": _block({}),
    "context": _block({"elements": items(kinds(CONTEXT_ELEMENTS), 10)}, "elements"),
    "actions": _block({"elements": items(kinds(ELEMENTS, *ACTIONS_ELEMENTS), 25)}, "elements"),
    "input": _block(
        {
            "label": plain(2000),
            "element": kinds(ELEMENTS, *INPUT_ELEMENTS),
            "hint": plain(2000),
            "optional": flag,
            "dispatch_action": flag,
        },
        "label",
        "element",
    ),
    "image": _block(
        {"image_url": url, "slack_file": anything, "alt_text": string(2000), "title": plain(2000)}, "alt_text"
    ),
    "rich_text": _block({"elements": items(kinds(RICH_TEXT_PARTS), 500, 0)}, "elements"),
    "markdown": _block({"text": string(12000)}, "text"),
    "table": _block(
        {
            "rows": items(items(kinds(CELLS, "raw_text", "rich_text"), 20), 100),
            "column_settings": items(
                record({"align": choice("left", "center", "right"), "is_wrapped": flag}), 20, 0
            ),
        },
        "rows",
    ),
    "data_table": lambda value, at: _DATA_TABLE(value, at) + _one_width(value, at),
    "data_visualization": anything,
    "container": _block(
        {
            "title": plain(150),
            "rich_text_title": anything,
            "subtitle": plain(150),
            "child_blocks": _children,
            "width": choice("narrow", "standard", "wide", "full"),
            "icon": anything,
            "is_collapsible": flag,
            "default_collapsed": flag,
            "has_header_divider": flag,
        },
        "child_blocks",
    ),
    "alert": _block(
        {"text": text(3000), "level": choice("default", "info", "warning", "error", "success")}, "text"
    ),
    "file": _block({"external_id": string(255), "source": choice("remote")}, "external_id", "source"),
}

PHASED_IN = frozenset({"data_table", "data_visualization", "container"})
"""Blocks of 2026 that a workspace may not have yet."""

_IN_MESSAGES = frozenset(BLOCKS) - {"alert"}
_IN_VIEWS = frozenset(BLOCKS) - {"table", "data_table", "data_visualization", "markdown", "file"}


def check_message(blocks: Iterable[Mapping[str, Any]], *, phased_in: bool = True) -> list[str]:
    """What Slack would refuse in a message's blocks; ``phased_in=False`` refuses the newest kinds too."""
    known = _IN_MESSAGES if phased_in else _IN_MESSAGES - PHASED_IN
    blocks = list(blocks)
    complaints = _check_blocks(blocks, known, 50, "/blocks")
    tables = sum(isinstance(block, dict) and block.get("type") == "table" for block in blocks)
    return complaints + (wrong("only one table per message allowed", "/blocks") if tables > 1 else [])


_VIEW = record(
    {
        "type": choice("modal", "home"),
        "title": plain(24),
        "submit": plain(24),
        "close": plain(24),
        "blocks": lambda value, at: _check_blocks(value, _IN_VIEWS, 100, at),
        "private_metadata": string(3000, 0),
        "callback_id": string(255, 0),
        "external_id": string(255, 0),
        "clear_on_close": flag,
        "notify_on_close": flag,
        "submit_disabled": flag,
    },
    "type",
    "blocks",
)


def check_view(view: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in a modal or a home tab."""
    complaints = _VIEW(view, "/view")
    if view.get("type") == "modal" and view.get("title") is None:
        complaints += wrong("missing required field: title", "/view")
    blocks = view.get("blocks")
    has_input = isinstance(blocks, list | tuple) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if view.get("type") == "modal" and has_input and view.get("submit") is None:
        complaints += wrong("missing required field: submit", "/view")
    return complaints


def _check_blocks(blocks: Any, known: frozenset[str], most: int, at: str) -> list[str]:
    complaints = items(kinds(BLOCKS, *known), most, 0)(blocks, at)
    if complaints:
        return complaints
    repeated = [
        name for name, times in Counter(b.get("block_id") for b in blocks).items() if name and times > 1
    ]
    for name in repeated:
        complaints += wrong(f"block_id `{name}` already exists", at)
    for index, block in enumerate(blocks):
        ids = Counter(element.get("action_id") for element in interactive(block))
        for name, times in ids.items():
            if name and times > 1:
                complaints += wrong(
                    f"action_id `{name}` already exists for block_id", f"{at}/{index}/elements"
                )
    return complaints


def interactive(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The elements of one block that a person can press, choose or fill in."""
    if block.get("type") == "actions":
        return [element for element in block["elements"] if isinstance(element, dict)]
    single = block.get("accessory") if block.get("type") == "section" else block.get("element")
    if isinstance(single, dict) and single.get("type") != "image":
        return [single]
    return [element for child in block.get("child_blocks") or () for element in interactive(child)]
