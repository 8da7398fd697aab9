"""files.*: the two calls around an upload."""

from chatbot.sandbox.slack.methods.context import Context, Method, postable_channel, word
from chatbot.sandbox.slack.model import BOT_USER, Json, Message
from chatbot.sandbox.slack.passes import ApiError
from chatbot.sandbox.slack.posting import content


def _upload_url(context: Context, args: Json) -> Json:
    name = word(args, "filename")
    try:
        length = int(args.get("length") or 0)
    except ValueError:
        raise ApiError("invalid_arguments") from None
    if length <= 0:
        raise ApiError("invalid_arguments")
    file_id = context.workspace.new_id("F")
    upload: Json = {"id": file_id, "name": name, "title": name, "size": length}
    if args.get("alt_txt"):
        upload["alt_txt"] = str(args["alt_txt"])
    context.workspace.uploads[file_id] = upload
    return {"file_id": file_id, "upload_url": f"{context.base_url}/upload/v1/{file_id}"}


def _complete(context: Context, args: Json) -> Json:
    files = args.get("files")
    if not isinstance(files, list) or not files:
        raise ApiError("invalid_arguments")
    done: list[Json] = []
    for wanted in files:
        upload = context.workspace.uploads.get(str(wanted.get("id")) if isinstance(wanted, dict) else "")
        if upload is None or "content" not in upload:
            raise ApiError("file_not_found")
        upload["title"] = wanted.get("title") or upload["title"]
        done.append({name: value for name, value in upload.items() if name != "content"})
    wanted_channel = args.get("channel_id") or args.get("channels")
    if wanted_channel:
        channel = postable_channel(context, {"channel": wanted_channel})
        shown = content({"text": args.get("initial_comment") or " ", "blocks": args.get("blocks")})
        thread_ts = str(args["thread_ts"]) if args.get("thread_ts") else None
        message = Message(
            ts=context.workspace.new_ts(),
            channel=channel.id,
            user=BOT_USER,
            bot=True,
            history=(shown,),
            thread_ts=thread_ts,
            files=tuple(done),
        )
        context.workspace.post(message)
    return {"files": done}


FILES = {
    "files.getUploadURLExternal": Method(run=_upload_url, scope="files:write"),
    "files.completeUploadExternal": Method(run=_complete, scope="files:write"),
}
