"""Slack's documented Block Kit limits, written down a second time and apart from the views and from the sandbox."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
TEXTS = {  # (kind of block or element, field) -> (longest text, types allowed)
    ("header", "text"): (150, {"plain_text"}),
    ("section", "text"): (3000, {"plain_text", "mrkdwn"}),
    ("section", "fields"): (2000, {"plain_text", "mrkdwn"}),
    ("context", "elements"): (3000, {"plain_text", "mrkdwn"}),
    ("button", "text"): (75, {"plain_text"}),
    ("confirm", "title"): (100, {"plain_text"}),
    ("confirm", "text"): (300, {"plain_text", "mrkdwn"}),
    ("confirm", "confirm"): (30, {"plain_text"}),
    ("confirm", "deny"): (30, {"plain_text"}),
    ("input", "label"): (2000, {"plain_text"}),
    ("modal", "title"): (24, {"plain_text"}),
    ("modal", "submit"): (24, {"plain_text"}),
    ("modal", "close"): (24, {"plain_text"}),
}
STRINGS = {"action_id": 255, "block_id": 255, "value": 2000, "callback_id": 255, "private_metadata": 3000}
LISTS = {("section", "fields"): 10, ("context", "elements"): 10, ("actions", "elements"): 25}
KNOWN = {"header", "section", "context", "actions", "divider", "rich_text", "input", "table"}


def violations(blocks: Sequence[Mapping[str, Any]], *, most: int = MESSAGE_BLOCKS) -> list[str]:
    """What Slack would refuse in these blocks; empty when all is well."""
    found = [f"{len(blocks)} blocks"] if not 1 <= len(blocks) <= most else []
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    found += ["block_id twice"] if len(set(ids)) < len(ids) else []
    for number, block in enumerate(blocks):
        found += [f"block {number}: {why}" for why in _block(block)]
    return found


def view_violations(view: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in a modal."""
    found = list(_texts("modal", view)) + list(_strings(view))
    return found + violations(view["blocks"], most=VIEW_BLOCKS)


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    kind = block.get("type", "")
    if kind not in KNOWN:
        yield f"unknown block {kind!r}"
    if kind == "section" and not ({"text", "fields"} & block.keys()):
        yield "a section without text or fields"
    yield from _texts(kind, block)
    yield from _strings(block)
    for (owner, name), most in LISTS.items():
        if owner == kind and name in block and not 1 <= len(block[name]) <= most:
            yield f"{len(block[name])} {name}"
    elements = [*block.get("elements", ()), *([block["element"]] if "element" in block else [])]
    if kind == "actions":
        ids = [element["action_id"] for element in elements]
        if len(set(ids)) < len(ids):
            yield "action_id twice in one block"
    for element in elements:
        if element.get("type") in {"button", "plain_text_input"}:
            yield from _element(element)
        if element.get("type") == "rich_text_preformatted":
            yield from ("empty text" for part in element["elements"] if not part["text"])


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(element["type"], element)
    yield from _strings(element)
    if element.get("style", "primary") not in {"primary", "danger"}:
        yield f"style {element['style']!r}"
    if "confirm" in element:
        missing = {"title", "text", "confirm", "deny"} - element["confirm"].keys()
        yield from (f"confirm without {name}" for name in sorted(missing))
        yield from _texts("confirm", element["confirm"])


def _texts(kind: str, owner: Mapping[str, Any]) -> Iterator[str]:
    for (where, name), (longest, types) in TEXTS.items():
        if where != kind or name not in owner:
            continue
        value = owner[name]
        for text in value if isinstance(value, list) else [value]:
            if text.get("type") not in types:
                yield f"{kind}.{name} is {text.get('type')!r}"
            if not 1 <= len(text.get("text", "")) <= longest or not text["text"].strip():
                yield f"{kind}.{name} has {len(text.get('text', ''))} characters"


def _strings(owner: Mapping[str, Any]) -> Iterator[str]:
    for name, longest in STRINGS.items():
        if name in owner and not 1 <= len(owner[name]) <= longest:
            yield f"{name} has {len(owner[name])} characters"
