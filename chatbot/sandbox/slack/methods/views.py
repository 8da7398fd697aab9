"""views.*: modals that need a fresh trigger_id, their stack, and the home tab."""

import json

from chatbot.sandbox.slack.blockkit import check_view
from chatbot.sandbox.slack.methods.context import Context, Method, word
from chatbot.sandbox.slack.model import Json, View
from chatbot.sandbox.slack.passes import ApiError, Trigger
from chatbot.sandbox.slack.posting import with_ids
from chatbot.sandbox.slack.workspace import Workspace

DEEPEST_STACK = 3


def checked_view(view: object, kind: str) -> Json:
    """The view with ids made up where the app gave none; ApiError when Slack would not take it."""
    if not isinstance(view, dict):
        raise ApiError(
            "invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: view"]}
        )
    complaints = check_view(view)
    if not complaints and view["type"] != kind:
        complaints = [f"must be a {kind} view [json-pointer:/view/type]"]
    if complaints:
        messages = [f"[ERROR] {complaint}" for complaint in complaints]
        raise ApiError("invalid_arguments", response_metadata={"messages": messages})
    if len(json.dumps(view)) > 250_000:
        raise ApiError("view_too_large")
    return view | {"blocks": [with_ids(block) for block in view["blocks"]]}


def add_view(workspace: Workspace, person: str, body: Json, previous: View | None) -> View:
    """Show one more modal on top of ``previous``, or a first one."""
    view_id = workspace.new_id("V")
    root = previous.root if previous else view_id
    fresh = View(
        id=view_id,
        person=person,
        body=body,
        hash=_hash(workspace),
        root=root,
        previous=previous.id if previous else None,
    )
    return workspace.put_view(fresh)


def change_view(workspace: Workspace, old: View, body: Json) -> View:
    """Show other content in the same modal."""
    return workspace.put_view(
        View(
            id=old.id,
            person=old.person,
            body=body,
            hash=_hash(workspace),
            root=old.root,
            previous=old.previous,
        )
    )


def _hash(workspace: Workspace) -> str:
    return f"{workspace.new_ts()}.{workspace.new_id('h')}"


def _trigger(context: Context, args: Json) -> Trigger:
    return context.triggers.spend(word(args, "trigger_id"))


def _open(context: Context, args: Json) -> Json:
    body = checked_view(args.get("view"), "modal")
    trigger = _trigger(context, args)
    context.workspace.close_views(trigger.person)
    return {"view": add_view(context.workspace, trigger.person, body, None).wire()}


def _push(context: Context, args: Json) -> Json:
    body = checked_view(args.get("view"), "modal")
    trigger = _trigger(context, args)
    stack = context.workspace.modals(trigger.person)
    if not stack or trigger.view is None:
        raise ApiError("not_found")
    if len(stack) >= DEEPEST_STACK:
        raise ApiError("push_limit_reached")
    return {"view": add_view(context.workspace, trigger.person, body, stack[-1]).wire()}


def _update(context: Context, args: Json) -> Json:
    body = checked_view(args.get("view"), "modal")
    views = context.workspace.views
    found = views.get(str(args.get("view_id")))
    if found is None and args.get("external_id"):
        named = (view for view in views.values() if view.body.get("external_id") == args["external_id"])
        found = next(named, None)
    if found is None:
        raise ApiError("not_found")
    if args.get("hash") and args["hash"] != found.hash:
        raise ApiError("hash_conflict")
    return {"view": change_view(context.workspace, found, body).wire()}


def _publish(context: Context, args: Json) -> Json:
    body = checked_view(args.get("view"), "home")
    person = word(args, "user_id", "user_not_found")
    if person not in context.workspace.people:
        raise ApiError("user_not_found")
    old = context.workspace.homes.get(person)
    if args.get("hash") and old is not None and args["hash"] != old.hash:
        raise ApiError("hash_conflict")
    view_id = old.id if old else context.workspace.new_id("V")
    home = View(id=view_id, person=person, body=body, hash=_hash(context.workspace), root=view_id)
    context.workspace.homes[person] = home
    context.workspace.changed()
    return {"view": home.wire()}


VIEWS = {
    "views.open": Method(run=_open),
    "views.push": Method(run=_push),
    "views.update": Method(run=_update),
    "views.publish": Method(run=_publish),
}
