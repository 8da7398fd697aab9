"""The manifest that makes the Slack app: which commands, scopes and events it asks for."""

from collections.abc import Sequence

from commands.spec import Command, UserError

# fmt: off - one name a line would be a page
RESERVED = frozenset(
    {
        "archive",
        "away",
        "collapse",
        "dnd",
        "expand",
        "feed",
        "invite",
        "join",
        "leave",
        "me",
        "msg",
        "mute",
        "open",
        "pro",
        "remind",
        "rename",
        "search",
        "shortcuts",
        "shrug",
        "status",
        "topic",
        "who",
    }
)
# fmt: on
"""Names that Slack keeps for itself: with one of them it rejects the whole manifest."""

SCOPES = (
    "app_mentions:read",
    "channels:history",  # with groups:history: to see whether a post whose fate is unknown arrived
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",  # likewise, for the messages to each admin
    "im:write",
    "usergroups:read",
    "users:read",
)
EVENTS = ("app_home_opened", "app_mention", "channel_shared", "subteam_members_changed", "user_change")

MOST_COMMANDS = 50
LONGEST_NAME = 32  # the slash included
LONGEST_DESCRIPTION = 2000
LONGEST_HINT = 1000


def manifest(
    commands: Sequence[Command], root_command: str, *, socket_mode: bool, url: str | None
) -> dict[str, object]:
    """The manifest as data; ``url`` is the public base address in HTTP mode.

    UserError when the root command is a name that Slack keeps for itself, or when HTTP mode has no address.
    """
    if root_command.removeprefix("/") in RESERVED:
        raise UserError(
            f"Slack keeps {root_command} for itself and would reject the whole manifest; "
            "choose another name in CHATBOT_SLACK__ROOT_COMMAND."
        )
    if not socket_mode and not url:
        raise UserError("HTTP mode needs the public address that Slack shall send to: --http https://HOST.")
    endpoint = None if url is None or socket_mode else _endpoint(url)
    events: dict[str, object] = {"bot_events": list(EVENTS)}
    interactivity: dict[str, object] = {"is_enabled": True}
    if endpoint is not None:
        events["request_url"] = endpoint
        interactivity["request_url"] = endpoint
    return {
        "_metadata": {"major_version": 2},
        "display_information": {
            "name": "Fleet",
            "description": "Stops the trading fleet, shows it, and keeps the record.",
        },
        "features": {
            # Without the messages tab Slack refuses to bring an admin their own copy of a request.
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "fleet", "always_online": True},
            "slash_commands": _slash_commands(commands, root_command, endpoint),
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }


def _slash_commands(
    commands: Sequence[Command], root_command: str, endpoint: str | None
) -> list[dict[str, object]]:
    names = ", ".join(command.name for command in commands)
    rows = [(root_command, f"Everything this bot can do: {names}", "<command> [arguments]")]
    rows += [
        (f"/{command.name}", command.summary, command.usage)
        for command in commands
        if command.name not in RESERVED
        and f"/{command.name}" != root_command
        and len(command.name) < LONGEST_NAME
    ]
    return [_row(name, description, hint, endpoint) for name, description, hint in rows[:MOST_COMMANDS]]


def _row(name: str, description: str, hint: str, endpoint: str | None) -> dict[str, object]:
    row: dict[str, object] = {
        "command": name,
        "description": description[:LONGEST_DESCRIPTION],
        "should_escape": True,
    }
    if hint:
        row["usage_hint"] = hint[:LONGEST_HINT]
    if endpoint is not None:
        row["url"] = endpoint
    return row


def _endpoint(url: str) -> str:
    base = url.rstrip("/").removesuffix("/slack/events")
    if not base.startswith("https://"):
        raise UserError("Slack sends only to https:// addresses; write the public one: --http https://HOST.")
    return f"{base}/slack/events"
