"""What a filled-in modal sends: its state, from what a person typed. Pure: data in, data out."""

from collections.abc import Iterable, Mapping
from typing import Any

from chatbot.sandbox.slack.blockkit import interactive
from chatbot.sandbox.slack.model import Json

_SINGLE_FIELD = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
"""Element type -> where its value stands in the state, and where the view gives its first value."""


class FormError(ValueError):
    """Slack would not let the person submit this: an input is empty, too short, too long or unknown."""


def option(element: Json, wanted: str) -> Json:
    """The option with this value or label; FormError when there is none."""
    groups: Iterable[Json] = element.get("option_groups") or [{"options": element.get("options") or []}]
    for group in groups:
        for each in group["options"]:
            if wanted in {each["value"], each["text"]["text"]}:
                return dict(each)
    raise FormError(f"no option {wanted!r}")


def filled(view: Mapping[str, Any], values: Mapping[str, Any], *, complete: bool = True) -> Json:
    """The view's ``state.values`` from ``values`` by block_id, action_id or label; FormError if refused."""
    state: Json = {}
    left = dict(values)
    for block in view["blocks"]:
        for element in interactive(block):
            if element["type"] not in _SINGLE_FIELD:
                continue
            label = block.get("label", {}).get("text")
            names = [name for name in (block["block_id"], element["action_id"], label) if name in left]
            given = left.pop(names[0]) if names else None
            key, first = _SINGLE_FIELD[element["type"]]
            value = element.get(first) if not names else _value(element, given)
            if complete and block["type"] == "input":
                _check(block, element, value)
            state.setdefault(block["block_id"], {})[element["action_id"]] = {
                "type": element["type"],
                key: value,
            }
    if left:
        raise FormError(f"no input for {', '.join(sorted(left))}")
    return state


def _value(element: Json, given: object) -> object:
    if given is None or given == "":
        return None
    if element["type"] in {"static_select", "radio_buttons"}:
        return option(element, str(given))
    if element["type"] in {"checkboxes", "multi_static_select"}:
        return [option(element, str(each)) for each in given] if isinstance(given, list | tuple) else given
    return given


def _check(block: Json, element: Json, value: object) -> None:
    name = f"'{block['label']['text']}'" if "label" in block else block["block_id"]
    if not value and value != 0:
        if not block.get("optional"):
            raise FormError(f"{name} is required")
        return
    if isinstance(value, str):
        if len(value) < (element.get("min_length") or 0):
            raise FormError(f"{name} is too short")
        if len(value) > (element.get("max_length") or 3000):
            raise FormError(f"{name} is too long")
