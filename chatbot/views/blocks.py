"""Messages, forms and their blocks, each cut to Slack's limits where it is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chatbot.views.markup import escape, in_words, line, shortened
from commands.words import visible

Block = Mapping[str, Any]
"""One Block Kit block or element: a JSON object."""

View = Mapping[str, Any]
"""One modal: a JSON object."""

Style = Literal["primary", "danger"]

MESSAGE_BLOCKS = 50
TEXT = 4000  # Slack takes 40,000 and recommends this
SECTION = 3000
INPUT_LABEL = 2000
HEADER = 150
LABEL = 75
VALUE = 2000
ACTION_ID = 255
ACTIONS = 25
CONTEXT = 10
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
MODAL_TITLE = 24
METADATA = 3000
PLACEHOLDER = 150
REASON_INPUT = 500
CODE_INPUT = 12  # six digits, as people type them
OPTION_LABEL = 75
OPTION_VALUE = 150
HOME_BLOCKS = 100

_REASON: Block = {
    "type": "plain_text_input",
    "action_id": "text",
    "multiline": True,
    "max_length": REASON_INPUT,
    "focus_on_load": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: ``text`` says in words all that the blocks say, for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...]

    def payload(self) -> dict[str, Any]:
        """What Slack is sent."""
        return {"text": self.text, "blocks": [dict(block) for block in self.blocks]}


def message(*blocks: Block | None) -> Message:
    """The message of these blocks, its text taken from them; ``None`` is left out."""
    kept = tuple(block for block in blocks if block is not None)[:MESSAGE_BLOCKS]
    said = "\n".join(filter(None, (_said(block) for block in kept)))
    return Message(text=shortened(in_words(said), TEXT) or "(nothing to show)", blocks=kept)


def home(*blocks: Block | None) -> View:
    """The home tab of one person; ``None`` is left out."""
    kept = [block for block in blocks if block is not None][:HOME_BLOCKS]
    return {"type": "home", "blocks": kept}


def header(text: str) -> Block:
    """A headline; the text is shown as it is, so outside words need no escaping here."""
    return {"type": "header", "text": _plain(text, HEADER)}


def section(*lines: str, accessory: Block | None = None) -> Block | None:
    """Lines of markup, a button beside them if given; ``None`` when there is nothing in them."""
    text = "\n".join(filter(None, lines))
    if not text.strip():
        return None
    made = {"type": "section", "text": _markup(text, SECTION)}
    return made if accessory is None else {**made, "accessory": accessory}


def context(*parts: str) -> Block | None:
    """Small print; ``None`` when there is nothing in it."""
    texts = [part for part in parts if part.strip()][:CONTEXT]
    return {"type": "context", "elements": [_markup(text, SECTION) for text in texts]} if texts else None


def preformatted(text: str) -> Block:
    """Lines to copy, shown exactly as they are; Slack reads no markup in them."""
    element = {"type": "text", "text": shortened(visible(text), SECTION) or " "}
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [element]}]}


def actions(*buttons: Block | None) -> Block | None:
    """A row of buttons; ``None`` without any."""
    kept = [button for button in buttons if button is not None][:ACTIONS]
    return {"type": "actions", "elements": kept} if kept else None


def button(
    label: str, action_id: str, *, value: str = "", style: Style | None = None, confirm: Block | None = None
) -> Block:
    """A button; ``value`` comes back with the click and is looked up anew then, never trusted."""
    made: dict[str, Any] = {
        "type": "button",
        "text": _plain(label, LABEL),
        "action_id": action_id[:ACTION_ID],
    }
    if value:
        made["value"] = value[:VALUE]
    if style is not None:
        made["style"] = style
    if confirm is not None:
        made["confirm"] = confirm
    return made


def confirm(title: str, text: str, *, yes: str, no: str = "Cancel", style: Style | None = None) -> Block:
    """The question before a button's click is sent."""
    made: dict[str, Any] = {
        "title": _plain(title, CONFIRM_TITLE),
        "text": _plain(text, CONFIRM_TEXT),
        "confirm": _plain(yes, CONFIRM_BUTTON),
        "deny": _plain(no, CONFIRM_BUTTON),
    }
    if style is not None:
        made["style"] = style
    return made


def reason_form(name: str, action: str, *, title: str, explanation: str, label: str, submit: str) -> View:
    """A modal that asks for one reason about one action; ``name`` comes back as its callback id."""
    asked = (_input("reason", label, _REASON),)
    return _form(name, action, asked, title=title, explanation=explanation, submit=submit)


def code_form(name: str, action: str, *, title: str, explanation: str, label: str, submit: str) -> View:
    """A modal that asks for one short code about one action; ``name`` comes back as its callback id."""
    field = {
        "type": "plain_text_input",
        "action_id": "text",
        "min_length": 6,
        "max_length": CODE_INPUT,
        "focus_on_load": True,
    }
    asked = (_input("reason", label, field),)
    return _form(name, action, asked, title=title, explanation=explanation, submit=submit)


def choice_form(
    name: str,
    action: str,
    *,
    title: str,
    explanation: str,
    block_id: str,
    question: str,
    choices: Mapping[str, str],
    label: str,
    submit: str,
) -> View:
    """A modal that asks for one of ``choices`` (value -> words; the first is chosen already) and for one reason.

    The choice comes back as ``block_id`` / "choice", the reason as "reason" / "text".
    """
    options = [
        {"text": _plain(words, OPTION_LABEL), "value": value[:OPTION_VALUE]}
        for value, words in choices.items()
    ]
    select = {
        "type": "static_select",
        "action_id": "choice",
        "options": options,
        "initial_option": options[0],
    }
    asked = (_input(block_id, question, select), _input("reason", label, _REASON))
    return _form(name, action, asked, title=title, explanation=explanation, submit=submit)


def form(name: str, context: str, *asked: Block, title: str, explanation: str, submit: str) -> View:
    """A modal with these inputs; ``name`` comes back as its callback id, ``context`` as it is."""
    return _form(name, context, asked, title=title, explanation=explanation, submit=submit)


def text_input(
    block_id: str,
    label: str,
    *,
    initial: str = "",
    hint: str = "",
    most: int = SECTION,
    lines: bool = True,
    optional: bool = True,
) -> Block:
    """An input of a form for words, at most ``most`` characters (3,000 by Slack's rule)."""
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": "text",
        "multiline": lines,
        "max_length": min(most, SECTION),
    }
    if initial:
        element["initial_value"] = visible(initial)[: min(most, SECTION)]
    return _asked(block_id, label, element, hint=hint, optional=optional)


def select_input(
    block_id: str, label: str, choices: Mapping[str, str], *, initial: str | None = None, hint: str = ""
) -> Block:
    """An input of a form for one of ``choices`` (value -> words), ``initial`` or else the first chosen already."""
    options = {
        value: {"text": _plain(words, OPTION_LABEL), "value": value[:OPTION_VALUE]}
        for value, words in choices.items()
    }
    first = options.get(initial or "") or next(iter(options.values()))
    element = {
        "type": "static_select",
        "action_id": "choice",
        "options": list(options.values()),
        "initial_option": first,
    }
    return _asked(block_id, label, element, hint=hint, optional=False)


def person_input(block_id: str, label: str, *, initial: str | None = None, optional: bool = True) -> Block:
    """An input of a form for one person."""
    element: dict[str, Any] = {"type": "users_select", "action_id": "person"}
    if initial:
        element["initial_user"] = initial
    return _asked(block_id, label, element, optional=optional)


def date_input(block_id: str, label: str, *, initial: str | None = None, optional: bool = True) -> Block:
    """An input of a form for a day, as YYYY-MM-DD."""
    element: dict[str, Any] = {"type": "datepicker", "action_id": "day"}
    if initial:
        element["initial_date"] = initial
    return _asked(block_id, label, element, optional=optional)


def _asked(block_id: str, label: str, element: Block, *, hint: str = "", optional: bool) -> Block:
    made = {**_input(block_id, label, element), "optional": optional}
    return {**made, "hint": _plain(hint, INPUT_LABEL)} if hint else made


def _input(block_id: str, label: str, element: Block) -> Block:
    return {"type": "input", "block_id": block_id, "label": _plain(label, INPUT_LABEL), "element": element}


def _form(
    name: str, action: str, asked: tuple[Block, ...], *, title: str, explanation: str, submit: str
) -> View:
    return {
        "type": "modal",
        "callback_id": name[:ACTION_ID],
        "private_metadata": action[:METADATA],
        "title": _plain(title, MODAL_TITLE),
        "submit": _plain(submit, MODAL_TITLE),
        "close": _plain("Cancel", MODAL_TITLE),
        "blocks": [section(explanation), *asked],
    }


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": line(text, limit) or "-", "emoji": True}


def _markup(text: str, limit: int) -> Block:
    # verbatim: otherwise Slack goes looking for addresses, channels and people in outside words by itself.
    return {"type": "mrkdwn", "text": shortened(text, limit), "verbatim": True}


def _said(block: Block) -> str:
    """What a block says, as markup."""
    match block["type"]:
        case "header":
            return escape(block["text"]["text"])
        case "section":
            return str(block["text"]["text"])
        case "context":
            return " · ".join(part["text"] for part in block["elements"])
        case "rich_text":
            return escape(block["elements"][0]["elements"][0]["text"])
        case _:
            return ""
