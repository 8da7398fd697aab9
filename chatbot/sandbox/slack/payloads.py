"""The payloads Slack sends: commands, clicks, submissions and events. Pure: data in, data out."""

import secrets
import time
from datetime import UTC, datetime

from chatbot.sandbox.slack.model import APP, BOT_USER, TEAM, Channel, Json, Message, Person, View

TOKEN = "verification-token-of-old"  # noqa: S105 - the deprecated field every payload still carries


def moment(ts: str) -> datetime:
    """A message timestamp as a time."""
    return datetime.fromtimestamp(float(ts), UTC)


def trigger_id() -> str:
    """A fresh trigger_id in Slack's form: three parts, dots between them."""
    return f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"


def command(person: Person, channel: Channel, name: str, text: str, *, response_url: str) -> Json:
    """A slash command."""
    return {
        "token": TOKEN,
        "team_id": person.team,
        "team_domain": "fleet",
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.im_with else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id(),
    }


def _interaction(kind: str, person: Person) -> Json:
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
        "api_app_id": APP,
        "token": TOKEN,
        "trigger_id": trigger_id(),
        "team": {"id": TEAM, "domain": "fleet"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def action(element: Json, block_id: str, choice: Json | None) -> Json:
    """The ``actions`` entry for one pressed or chosen element."""
    pressed: Json = {
        "action_id": element.get("action_id", ""),
        "block_id": block_id,
        "type": element["type"],
        "action_ts": f"{time.time():.6f}",
    }
    for name in ("text", "value", "style", "url", "placeholder"):
        if element.get(name) is not None:
            pressed[name] = element[name]
    if choice is not None:
        pressed["selected_option"] = choice
    if element.get("confirm"):
        pressed["confirm"] = element["confirm"]
    return pressed


def click_on_message(
    person: Person, channel: Channel, message: Message, pressed: Json, *, response_url: str
) -> Json:
    """block_actions on a message; ephemeral messages come without the message itself."""
    ephemeral = message.only_for is not None
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = ephemeral
    if message.thread_ts is not None:
        container["thread_ts"] = message.thread_ts
    payload = _interaction("block_actions", person) | {
        "container": container,
        "channel": {"id": channel.id, "name": "directmessage" if channel.im_with else channel.name},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [pressed],
    }
    return payload if ephemeral else payload | {"message": message.wire()}


def click_on_view(person: Person, view: View, pressed: Json, values: Json) -> Json:
    """block_actions in a modal or on the home tab."""
    return _interaction("block_actions", person) | {
        "container": {"type": "view", "view_id": view.id},
        "view": view.wire(values),
        "actions": [pressed],
    }


def submission(person: Person, view: View, values: Json) -> Json:
    """view_submission with everything that was filled in."""
    return _interaction("view_submission", person) | {"view": view.wire(values), "response_urls": []}


def closing(person: Person, view: View, *, all_of_them: bool) -> Json:
    """view_closed; it carries no trigger_id."""
    payload = _interaction("view_closed", person) | {"view": view.wire(), "is_cleared": all_of_them}
    del payload["trigger_id"]
    return payload


def event(body: Json) -> Json:
    """The event_callback around one event."""
    return {
        "token": TOKEN,
        "team_id": TEAM,
        "context_team_id": TEAM,
        "api_app_id": APP,
        "event": body,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }
