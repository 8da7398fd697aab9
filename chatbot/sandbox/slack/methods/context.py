"""What a Web API method is given, and how it reads its arguments."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chatbot.sandbox.slack.faults import Faults
from chatbot.sandbox.slack.model import BOT_USER, Channel, Json
from chatbot.sandbox.slack.passes import ApiError, Triggers
from chatbot.sandbox.slack.socket_mode import SocketHub
from chatbot.sandbox.slack.workspace import Workspace


@dataclass(slots=True, kw_only=True)
class Context:
    """Everything a method may touch."""

    workspace: Workspace
    hub: SocketHub
    triggers: Triggers
    faults: Faults
    base_url: str  # "http://127.0.0.1:1234", where the bot finds this server
    scopes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One row of the table; ``scope`` is ``None`` where none is needed, ``app_token`` where xapp is due."""

    run: Callable[[Context, Json], Json]
    scope: str | None = None
    app_token: bool = False


def word(args: Json, name: str, refusal: str = "invalid_arguments") -> str:
    """A required string argument."""
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(refusal, response_metadata={"messages": [f"[ERROR] missing required field: {name}"]})
    return value


def yes(args: Json, name: str) -> bool:
    """A boolean argument in any of the forms clients send."""
    return str(args.get(name, "")).lower() in {"true", "1"}


def page_of(args: Json, rows: list[Json], most: int = 1000) -> tuple[list[Json], Json]:
    """One page of rows by ``limit`` and ``cursor``, and the response_metadata that leads to the next."""
    try:
        limit, start = min(most, int(args.get("limit") or 100)), int(args.get("cursor") or 0)
    except ValueError:
        raise ApiError("invalid_cursor") from None
    more = str(start + limit) if start + limit < len(rows) else ""
    return rows[start : start + limit], {"next_cursor": more}


def readable_channel(context: Context, args: Json, name: str = "channel") -> Channel:
    """A channel by id that the bot can see."""
    channel = context.workspace.channels.get(str(args.get(name)))
    if channel is None or channel.gone or (channel.is_private and BOT_USER not in channel.members):
        raise ApiError("channel_not_found")
    return channel


def postable_channel(context: Context, args: Json) -> Channel:
    """A channel by id, #name or person (their direct message) that the bot can post in."""
    wanted = word(args, "channel", "channel_not_found")
    if wanted in context.workspace.people:
        if context.workspace.people[wanted].deleted:
            raise ApiError("user_disabled")
        wanted = context.workspace.dm(wanted).id
    found = context.workspace.find_channel(wanted)
    channel = readable_channel(context, {"channel": found.id if found else None})
    if channel.refusal:
        raise ApiError(channel.refusal)
    if channel.is_archived:
        raise ApiError("is_archived")
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    if channel.read_only:
        raise ApiError("restricted_action")
    return channel
