"""What arrives from Slack and what goes straight back, in words that know nothing of bolt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Payload = Mapping[str, Any]
"""A JSON object from or for Slack."""


class Kind(StrEnum):
    """How a person reached us."""

    COMMAND = "command"  # a slash command
    MENTION = "mention"  # "@bot kill ..." in a channel or thread
    CLICK = "click"  # a button
    SUBMIT = "submit"  # a modal
    EVENT = "event"  # Slack tells of a change: a user, a group, a channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One request, as its sender claims it: nothing in it is trusted before `identity` has looked at it."""

    kind: Kind
    key: str  # what makes it the same request when it comes twice
    team: str | None
    enterprise: str | None
    app: str | None
    channel: str | None
    user: str
    user_team: str | None  # the clicker's own workspace; differs from `team` in shared channels
    name: str  # "/kill", an action_id, a callback_id or an event type
    text: str = ""  # what was typed, or the value of the button, or the text of the modal
    trigger_id: str | None = None
    response_url: str | None = None
    message_ts: str | None = None
    thread_ts: str | None = None
    context: str = ""  # private_metadata of a modal
    choice: str = ""  # what was chosen from the modal's list
    fields: Mapping[str, str] = field(default_factory=dict)  # block id of a modal's input -> what is in it
    at_home: bool = False  # pressed on the home tab, which has neither channel nor message
    event: Payload = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the acknowledgement carries; an empty one only says "arrived"."""

    payload: Payload | None = None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _maybe(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _object(value: object) -> Payload:
    return value if isinstance(value, dict) else {}


def _id(value: object) -> str | None:
    return _maybe(_object(value).get("id"))


def read(body: Payload) -> Incoming | None:
    """The request in a payload of Slack's, or ``None`` when it is of a kind that asks nothing of us."""
    if "command" in body:
        return _command(body)
    match body.get("type"):
        case "block_actions":
            return _click(body)
        case "view_submission":
            return _submit(body)
        case "event_callback":
            return _event(body)
        case _:
            return None


def _command(body: Payload) -> Incoming:
    trigger = _text(body.get("trigger_id"))
    return Incoming(
        kind=Kind.COMMAND,
        key=trigger,
        team=_maybe(body.get("team_id")),
        enterprise=_maybe(body.get("enterprise_id")),
        app=_maybe(body.get("api_app_id")),
        channel=_maybe(body.get("channel_id")),
        user=_text(body.get("user_id")),
        user_team=_maybe(body.get("team_id")),
        name=_text(body.get("command")),
        text=_text(body.get("text")),
        trigger_id=_maybe(trigger),
        response_url=_maybe(body.get("response_url")),
    )


def _click(body: Payload) -> Incoming | None:
    actions = body.get("actions")
    if not isinstance(actions, list) or not actions:
        return None
    action = _object(actions[0])
    container = _object(body.get("container"))
    user = _object(body.get("user"))
    return Incoming(
        kind=Kind.CLICK,
        key=_text(body.get("trigger_id")),
        team=_id(body.get("team")) or _maybe(user.get("team_id")),
        enterprise=_id(body.get("enterprise")),
        app=_maybe(body.get("api_app_id")),
        channel=_id(body.get("channel")) or _maybe(container.get("channel_id")),
        user=_text(user.get("id")),
        user_team=_maybe(user.get("team_id")),
        name=_text(action.get("action_id")),
        text=_text(action.get("value")),
        trigger_id=_maybe(body.get("trigger_id")),
        response_url=_maybe(body.get("response_url")),
        message_ts=_maybe(container.get("message_ts")),
        thread_ts=_maybe(container.get("thread_ts")),
        at_home=container.get("type") == "view" and _object(body.get("view")).get("type") == "home",
    )


def _submit(body: Payload) -> Incoming:
    view = _object(body.get("view"))
    user = _object(body.get("user"))
    values = _object(_object(view.get("state")).get("values"))
    field_of = _object(_object(values.get("reason")).get("text"))
    chosen = _object(_object(values.get("span")).get("choice"))
    return Incoming(
        kind=Kind.SUBMIT,
        key=f"view-{_text(view.get('id'))}-{_text(view.get('hash'))}",
        team=_id(body.get("team")) or _maybe(user.get("team_id")),
        enterprise=_id(body.get("enterprise")),
        app=_maybe(body.get("api_app_id")),
        channel=None,
        user=_text(user.get("id")),
        user_team=_maybe(user.get("team_id")),
        name=_text(view.get("callback_id")),
        text=_text(field_of.get("value")),
        context=_text(view.get("private_metadata")),
        choice=_text(_object(chosen.get("selected_option")).get("value")),
        fields={str(name): _filled(value) for name, value in values.items()},
    )


def _filled(block: object) -> str:
    """What one input of a modal holds, as text; "" when it is empty or of a kind that we do not use."""
    element = next(iter(_object(block).values()), None)
    state = _object(element)
    for name in ("value", "selected_user", "selected_date"):
        if isinstance(state.get(name), str):
            return _text(state.get(name))
    moment = state.get("selected_date_time")
    if isinstance(moment, int):
        return str(moment)
    return _text(_object(state.get("selected_option")).get("value"))


def _event(body: Payload) -> Incoming:
    event = _object(body.get("event"))
    user = event.get("user")
    mention = event.get("type") == "app_mention"
    return Incoming(
        kind=Kind.MENTION if mention else Kind.EVENT,
        key=_text(body.get("event_id")),
        team=_maybe(body.get("team_id")),
        enterprise=_maybe(body.get("enterprise_id")),
        app=_maybe(body.get("api_app_id")),
        channel=_maybe(event.get("channel")),
        user=_text(user) if isinstance(user, str) else (_id(user) or ""),
        user_team=_maybe(event.get("user_team")) or _maybe(event.get("team")),
        name=_text(event.get("type")),
        text=_text(event.get("text")),
        message_ts=_maybe(event.get("ts")),
        thread_ts=_maybe(event.get("thread_ts")),
        event=event,
    )
