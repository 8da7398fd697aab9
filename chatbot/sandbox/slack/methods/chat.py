"""chat.*, reactions.add and pins.add."""

import json
from dataclasses import replace

from chatbot.sandbox.slack.methods.context import (
    Context,
    Method,
    postable_channel,
    readable_channel,
    word,
)
from chatbot.sandbox.slack.model import BOT_USER, Json, Message, Shown
from chatbot.sandbox.slack.passes import ApiError
from chatbot.sandbox.slack.posting import content


def _content(context: Context, args: Json) -> Shown:
    has_new_kinds = any(
        isinstance(block, dict) and block.get("type") in {"data_table", "data_visualization", "container"}
        for block in args.get("blocks") or ()
    )
    return content(args, phased_in=not (has_new_kinds and context.faults.take("invalid_blocks")))


def _metadata(args: Json) -> Json | None:
    metadata = args.get("metadata")
    if metadata is None or metadata == {}:
        return None
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload", "entities"}:
        raise ApiError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise ApiError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > 16_000:
        raise ApiError("metadata_too_large")
    return metadata


def _thread(context: Context, args: Json, channel: str) -> str | None:
    thread_ts = args.get("thread_ts")
    if not thread_ts:
        return None
    parent = context.workspace.message(channel, str(thread_ts))
    if parent is None:
        raise ApiError("thread_not_found")
    return parent.thread_ts or parent.ts


def _post(context: Context, args: Json) -> Json:
    channel = postable_channel(context, args)
    workspace = context.workspace
    message = workspace.post(
        Message(
            ts=workspace.new_ts(),
            channel=channel.id,
            user=BOT_USER,
            bot=True,
            history=(_content(context, args),),
            thread_ts=_thread(context, args, channel.id),
            metadata=_metadata(args),
        )
    )
    return {"channel": channel.id, "ts": message.ts, "message": message.wire()}


def _post_ephemeral(context: Context, args: Json) -> Json:
    channel = postable_channel(context, args)
    person = word(args, "user", "user_not_found")
    if person not in context.workspace.people:
        raise ApiError("user_not_found")
    if person not in channel.members:
        raise ApiError("user_not_in_channel")
    message = context.workspace.post(
        Message(
            ts=context.workspace.new_ts(),
            channel=channel.id,
            user=BOT_USER,
            bot=True,
            history=(_content(context, args),),
            thread_ts=_thread(context, args, channel.id),
            only_for=person,
        )
    )
    return {"message_ts": message.ts}


def _own(context: Context, args: Json, refusal: str) -> Message:
    channel = postable_channel(context, args)
    message = context.workspace.message(channel.id, word(args, "ts", "message_not_found"))
    if message is None:
        raise ApiError("message_not_found")
    if message.user != BOT_USER:
        raise ApiError(refusal)
    return message


def _update(context: Context, args: Json) -> Json:
    message = _own(context, args, "cant_update_message")
    shown, metadata = _content(context, args), _metadata(args)
    message = context.workspace.show(message, text=shown.text, blocks=shown.blocks)
    if "metadata" in args:
        message = context.workspace.swap(message, replace(message, metadata=metadata))
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.wire()}


def _delete(context: Context, args: Json) -> Json:
    message = _own(context, args, "cant_delete_message")
    context.workspace.remove(message)
    return {"channel": message.channel, "ts": message.ts}


def _any_message(context: Context, args: Json, name: str) -> Message:
    channel = readable_channel(context, args)
    message = context.workspace.message(channel.id, word(args, name, "message_not_found"))
    if message is None or message.only_for is not None:
        raise ApiError("message_not_found")
    return message


def _permalink(context: Context, args: Json) -> Json:
    message = _any_message(context, args, "message_ts")
    anchor = "p" + message.ts.replace(".", "")
    return {
        "channel": message.channel,
        "permalink": f"{context.base_url}/archives/{message.channel}/{anchor}",
    }


def _react(context: Context, args: Json) -> Json:
    message = _any_message(context, args, "timestamp")
    name = word(args, "name", "invalid_name")
    if name in message.reactions:
        raise ApiError("already_reacted")
    context.workspace.swap(message, replace(message, reactions=(*message.reactions, name)))
    return {}


def _pin(context: Context, args: Json) -> Json:
    message = _any_message(context, args, "timestamp")
    if message.pinned:
        raise ApiError("already_pinned")
    context.workspace.swap(message, replace(message, pinned=True))
    return {}


CHAT = {
    "chat.postMessage": Method(run=_post, scope="chat:write"),
    "chat.postEphemeral": Method(run=_post_ephemeral, scope="chat:write"),
    "chat.update": Method(run=_update, scope="chat:write"),
    "chat.delete": Method(run=_delete, scope="chat:write"),
    "chat.getPermalink": Method(run=_permalink),
    "reactions.add": Method(run=_react, scope="reactions:write"),
    "pins.add": Method(run=_pin, scope="pins:write"),
}
