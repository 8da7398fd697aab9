"""The rules every message passes before it is stored, whichever way it comes in."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from chatbot.sandbox.slack.blockkit import check_message, interactive
from chatbot.sandbox.slack.model import BOT_USER, Json, Message, Shown
from chatbot.sandbox.slack.passes import ApiError, ReplyPass
from chatbot.sandbox.slack.workspace import Workspace

LONGEST_TEXT = 40_000


def content(args: Mapping[str, object], *, phased_in: bool = True) -> Shown:
    """The text and blocks of a message that Slack would take; ApiError otherwise."""
    text, blocks = args.get("text") or "", args.get("blocks") or []
    if not isinstance(text, str):
        raise ApiError("invalid_arguments")
    if not isinstance(blocks, list | tuple) or not all(isinstance(block, dict) for block in blocks):
        raise ApiError("invalid_blocks_format")
    if not text and not blocks and not args.get("attachments"):
        raise ApiError("no_text")
    if len(text) > LONGEST_TEXT:
        raise ApiError("msg_too_long")
    complaints = check_message(blocks, phased_in=phased_in)
    if complaints:
        messages = [f"[ERROR] {complaint}" for complaint in complaints]
        raise ApiError("invalid_blocks", errors=complaints, response_metadata={"messages": messages})
    return Shown(at=datetime.now(UTC), text=text, blocks=tuple(with_ids(block) for block in blocks))


def with_ids(block: Json) -> Json:
    """The block with the block_id and action_ids that Slack makes up where the app gave none."""
    complete = {"block_id": secrets.token_urlsafe(4), **block}
    for element in interactive(complete):
        element.setdefault("action_id", secrets.token_urlsafe(4))
    return complete


def answer_in_place(workspace: Workspace, reply: ReplyPass, payload: Mapping[str, object]) -> Message | None:
    """What a response URL, or the acknowledgement of a command, shows: the new or changed message."""
    clicked = None
    if reply.message is not None:
        clicked = workspace.message(reply.channel, reply.message.ts, reply.person)
    if clicked is not None and _yes(payload.get("delete_original")):
        workspace.remove(clicked)
        return None
    shown = content(payload)
    replaces = payload.get("replace_original", "response_type" not in payload)
    if clicked is not None and _yes(replaces):
        return workspace.show(clicked, text=shown.text, blocks=shown.blocks)
    thread_ts = payload.get("thread_ts") or (reply.message.thread_ts if reply.message else None)
    in_channel = payload.get("response_type") == "in_channel"
    return workspace.post(
        Message(
            ts=workspace.new_ts(),
            channel=reply.channel,
            user=BOT_USER,
            bot=True,
            history=(shown,),
            only_for=None if in_channel else reply.person,
            thread_ts=str(thread_ts) if thread_ts else None,
        )
    )


def _yes(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")
