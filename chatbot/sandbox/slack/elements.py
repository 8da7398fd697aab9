"""Block Kit's parts below the block: texts, options, interactive elements, rich text and table cells."""

from collections.abc import Mapping
from typing import Any

from chatbot.sandbox.slack.schema import (
    Check,
    anything,
    choice,
    flag,
    items,
    kinds,
    number,
    record,
    scalar,
    string,
    url,
    wrong,
)


def text(limit: int) -> Check:
    """A plain_text or mrkdwn object of 1 to ``limit`` characters."""
    mrkdwn = record({"type": choice("mrkdwn"), "text": string(limit), "verbatim": flag}, "text")
    return kinds({"plain_text": plain(limit), "mrkdwn": mrkdwn})


def plain(limit: int) -> Check:
    """A plain_text object of 1 to ``limit`` characters."""
    return record({"type": choice("plain_text"), "text": string(limit), "emoji": flag}, "type", "text")


CONFIRM = record(
    {
        "title": plain(100),
        "text": text(300),
        "confirm": plain(30),
        "deny": plain(30),
        "style": choice("primary", "danger"),
    },
    "title",
    "text",
    "confirm",
    "deny",
)

OPTION = record(
    {"text": text(75), "value": string(150), "description": text(75), "url": url}, "text", "value"
)
PLAIN_OPTION = record(
    {"text": plain(75), "value": string(150), "description": plain(75), "url": url}, "text", "value"
)
OPTION_GROUP = record({"label": plain(75), "options": items(PLAIN_OPTION, 100)}, "label", "options")

_ACTION_ID = string(255)


def _element(fields: Mapping[str, Check], *required: str) -> Check:
    return record({"type": string(40), "action_id": _ACTION_ID, **fields}, *required)


_ASKING: dict[str, Check] = {"confirm": CONFIRM, "placeholder": plain(150), "focus_on_load": flag}
_MANY: dict[str, Check] = {**_ASKING, "max_selected_items": number(1, 100)}
_OPTIONS: dict[str, Check] = {"options": items(PLAIN_OPTION, 100), "option_groups": items(OPTION_GROUP, 100)}


def _with_options(fields: Mapping[str, Check]) -> Check:
    shape = _element(fields)

    def check(value: Any, at: str) -> list[str]:
        if value.get("options") is None and value.get("option_groups") is None:
            return wrong("missing required field: options", at)
        return shape(value, at) or _strange_initial(value, at)

    return check


def _strange_initial(value: Any, at: str) -> list[str]:
    """The first option has to be one of the options, word for word."""
    groups = value.get("option_groups") or [{"options": value.get("options") or ()}]
    options = [option for group in groups for option in group["options"]]
    chosen = value.get("initial_option")
    fine = chosen is None or chosen in options
    return [] if fine else wrong("must match one of the options", f"{at}/initial_option")


def _typed_input(**limits: Check) -> Check:
    fields: dict[str, Check] = {
        "placeholder": plain(150),
        "focus_on_load": flag,
        "dispatch_action_config": anything,
    }
    return _element({**fields, **limits})


ELEMENTS: dict[str, Check] = {
    "button": _element(
        {
            "text": plain(75),
            "value": string(2000, 0),
            "url": url,
            "style": choice("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
        "text",
    ),
    "image": record(
        {"type": string(40), "image_url": url, "slack_file": anything, "alt_text": string(2000)}, "alt_text"
    ),
    "overflow": _element({"options": items(PLAIN_OPTION, 5), "confirm": CONFIRM}, "options"),
    "static_select": _with_options({**_ASKING, **_OPTIONS, "initial_option": PLAIN_OPTION}),
    "multi_static_select": _with_options({**_MANY, **_OPTIONS, "initial_options": items(PLAIN_OPTION, 100)}),
    "checkboxes": _element(
        {
            "options": items(OPTION, 10),
            "initial_options": items(OPTION, 10),
            "confirm": CONFIRM,
            "focus_on_load": flag,
        },
        "options",
    ),
    "radio_buttons": _element(
        {"options": items(OPTION, 10), "initial_option": OPTION, "confirm": CONFIRM, "focus_on_load": flag},
        "options",
    ),
    "users_select": _element({**_ASKING, "initial_user": string(40)}),
    "multi_users_select": _element({**_MANY, "initial_users": items(string(40), 100)}),
    "conversations_select": _element(
        {
            **_ASKING,
            "initial_conversation": string(40),
            "default_to_current_conversation": flag,
            "response_url_enabled": flag,
            "filter": anything,
        }
    ),
    "channels_select": _element({**_ASKING, "initial_channel": string(40), "response_url_enabled": flag}),
    "datepicker": _element({**_ASKING, "initial_date": string(10, 10)}),
    "timepicker": _element({**_ASKING, "initial_time": string(5, 5), "timezone": string(80)}),
    "datetimepicker": _element(
        {"initial_date_time": number(0, 9_999_999_999), "confirm": CONFIRM, "focus_on_load": flag}
    ),
    "plain_text_input": _typed_input(
        initial_value=string(3000, 0), multiline=flag, min_length=number(0, 3000), max_length=number(1, 3000)
    ),
    "number_input": _typed_input(
        initial_value=scalar, is_decimal_allowed=flag, min_value=scalar, max_value=scalar
    ),
    "email_text_input": _typed_input(initial_value=string(3000, 0)),
    "url_text_input": _typed_input(initial_value=string(3000, 0)),
    "rich_text_input": _typed_input(initial_value=anything),
}

SECTION_ACCESSORIES = tuple(name for name in ELEMENTS if not name.endswith("_input"))
ACTIONS_ELEMENTS = tuple(
    name for name in SECTION_ACCESSORIES if name != "image" and not name.startswith("multi_")
)
INPUT_ELEMENTS = tuple(name for name in ELEMENTS if name not in {"button", "image", "overflow"})

CONTEXT_ELEMENTS: dict[str, Check] = {
    "plain_text": plain(3000),
    "mrkdwn": record({"type": choice("mrkdwn"), "text": string(3000), "verbatim": flag}, "text"),
    "image": ELEMENTS["image"],
}

_STYLE = record(dict.fromkeys(("bold", "italic", "strike", "code", "underline"), flag))
_TYPE: dict[str, Check] = {"type": string(40), "style": _STYLE}
_RICH: dict[str, Check] = {
    "text": record({**_TYPE, "text": string(3000)}, "text"),
    "link": record({**_TYPE, "url": url, "text": string(3000, 0), "unsafe": flag}, "url"),
    "emoji": record(
        {**_TYPE, "name": string(100), "unicode": string(100), "skin_tone": number(1, 6)}, "name"
    ),
    "user": record({**_TYPE, "user_id": string(40)}, "user_id"),
    "usergroup": record({**_TYPE, "usergroup_id": string(40)}, "usergroup_id"),
    "channel": record({**_TYPE, "channel_id": string(40)}, "channel_id"),
    "broadcast": record({**_TYPE, "range": choice("here", "channel", "everyone")}, "range"),
    "date": record(
        {
            **_TYPE,
            "timestamp": number(0, 9_999_999_999),
            "format": string(200),
            "url": url,
            "fallback": string(200),
        },
        "timestamp",
        "format",
    ),
    "color": record({**_TYPE, "value": string(20)}, "value"),
}


def _rich(**more: Check) -> Check:
    return record({"type": string(40), "elements": items(kinds(_RICH), 1000, 0), **more}, "elements")


RICH_TEXT_PARTS: dict[str, Check] = {
    "rich_text_section": _rich(),
    "rich_text_preformatted": _rich(border=number(0, 1), language=string(40)),
    "rich_text_quote": _rich(border=number(0, 1)),
    "rich_text_list": record(
        {
            "type": string(40),
            "elements": items(kinds({"rich_text_section": _rich()}), 500),
            "style": choice("bullet", "ordered"),
            "indent": number(0, 8),
            "offset": number(0, 1_000_000),
            "border": number(0, 1),
        },
        "elements",
        "style",
    ),
}

CELLS: dict[str, Check] = {
    "raw_text": record({"type": string(40), "text": string(3000)}, "text"),
    "raw_number": record({"type": string(40), "value": scalar, "text": string(3000)}, "value"),
    "rich_text": record({"type": string(40), "elements": items(kinds(RICH_TEXT_PARTS), 100)}, "elements"),
}
