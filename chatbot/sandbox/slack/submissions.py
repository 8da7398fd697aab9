"""What an acknowledged submission does to the modal: close, show errors, change, push or clear."""

from dataclasses import replace

from chatbot.sandbox.slack.methods.views import DEEPEST_STACK, add_view, change_view, checked_view
from chatbot.sandbox.slack.model import Delivery, Json, View
from chatbot.sandbox.slack.passes import ApiError
from chatbot.sandbox.slack.workspace import Workspace


def settle(workspace: Workspace, view: View, delivery: Delivery) -> Delivery:
    """Apply the acknowledgement; the delivery comes back with an error if Slack would not take the answer."""
    current = workspace.views.get(view.id)
    if delivery.error is not None or current is None:
        return delivery
    ack = delivery.ack or {}
    try:
        _apply(workspace, current, ack)
    except ApiError as refusal:
        return replace(delivery, error=refusal.error)
    return delivery


def _apply(workspace: Workspace, view: View, ack: Json) -> None:
    action = ack.get("response_action")
    if action is None:
        workspace.close_views(view.person, view.id)
    elif action == "clear":
        workspace.close_views(view.person)
    elif action == "errors":
        workspace.put_view(replace(view, errors=_errors(view, ack.get("errors"))))
    elif action == "update":
        change_view(workspace, view, checked_view(ack.get("view"), "modal"))
    elif action == "push" and len(workspace.modals(view.person)) < DEEPEST_STACK:
        add_view(workspace, view.person, checked_view(ack.get("view"), "modal"), view)
    else:
        raise ApiError("invalid_response_action")


def _errors(view: View, errors: object) -> dict[str, str]:
    blocks = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= blocks:
        raise ApiError("invalid_errors")
    return {str(block): str(words) for block, words in errors.items()}
