"""conversations.*: which channels there are, who is in them, what was said."""

from chatbot.sandbox.slack.methods.context import Context, Method, page_of, readable_channel, word, yes
from chatbot.sandbox.slack.model import BOT_USER, Channel, Json, Message
from chatbot.sandbox.slack.passes import ApiError


def _info(context: Context, args: Json) -> Json:
    return {"channel": readable_channel(context, args).wire()}


def _kind(channel: Channel) -> str:
    if channel.im_with is not None:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def _list(context: Context, args: Json) -> Json:
    kinds = str(args.get("types") or "public_channel").replace(" ", "").split(",")
    rows = [
        channel.wire()
        for channel in context.workspace.channels.values()
        if _kind(channel) in kinds
        and not channel.gone
        and (not channel.is_private or BOT_USER in channel.members)
        and not (yes(args, "exclude_archived") and channel.is_archived)
    ]
    page, metadata = page_of(args, rows)
    return {"channels": page, "response_metadata": metadata}


def _open(context: Context, args: Json) -> Json:
    people = args.get("users") or ""
    wanted = people if isinstance(people, list) else str(people).split(",")
    if len(wanted) != 1 or wanted[0] not in context.workspace.people:
        raise ApiError("user_not_found")
    if context.workspace.people[wanted[0]].deleted:
        raise ApiError("user_disabled")
    known = "D" + wanted[0][1:] in context.workspace.channels
    channel = context.workspace.dm(wanted[0])
    shown = channel.wire() if yes(args, "return_im") else {"id": channel.id}
    return {"channel": shown, "no_op": known, "already_open": known}


def _members(context: Context, args: Json) -> Json:
    members = sorted(readable_channel(context, args).members)
    page, metadata = page_of(args, [{"id": member} for member in members])
    return {"members": [row["id"] for row in page], "response_metadata": metadata}


def _between(args: Json, messages: list[Message]) -> list[Message]:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or 1e12)
    if yes(args, "inclusive"):
        return [message for message in messages if oldest <= float(message.ts) <= latest]
    return [message for message in messages if oldest < float(message.ts) < latest]


def _wire(context: Context, args: Json, message: Message) -> Json:
    shown = message.wire(with_metadata=yes(args, "include_all_metadata"))
    replies = context.workspace.replies(message.channel, message.ts)
    if replies:
        shown |= {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
    return shown


def _inside(context: Context, args: Json) -> Channel:
    channel = readable_channel(context, args)
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def _history(context: Context, args: Json) -> Json:
    channel = _inside(context, args)
    found = _between(args, list(reversed(context.workspace.messages(channel.id))))
    page, metadata = page_of(args, [_wire(context, args, message) for message in found], 999)
    more = bool(metadata["next_cursor"])
    return {"messages": page, "has_more": more, "response_metadata": metadata}


def _replies(context: Context, args: Json) -> Json:
    channel = _inside(context, args)
    parent = context.workspace.message(channel.id, word(args, "ts", "thread_not_found"))
    if parent is None or parent.only_for is not None:
        raise ApiError("thread_not_found")
    found = _between(args, list(context.workspace.replies(channel.id, parent.ts)))
    rows = [_wire(context, args, message) for message in (parent, *found)]
    page, metadata = page_of(args, rows)
    return {"messages": page, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


CONVERSATIONS = {
    "conversations.info": Method(run=_info, scope="channels:read"),
    "conversations.list": Method(run=_list, scope="channels:read"),
    "conversations.open": Method(run=_open, scope="im:write"),
    "conversations.members": Method(run=_members, scope="channels:read"),
    "conversations.history": Method(run=_history, scope="channels:history"),
    "conversations.replies": Method(run=_replies, scope="channels:history"),
}
