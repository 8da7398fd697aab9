"""The button that stops the whole fleet, with the one question before it, wherever it stands."""

from chatbot.views.blocks import Block, button, confirm


def kill_button(action_id: str = "kill.fleet", *, value: str = "") -> Block:
    """Kill, in red, with its question."""
    sure = confirm(
        "Stop the whole fleet?",
        "This activates the kill switch and stops every bot now, not only one. It is sent until the fleet is seen "
        "stopped, and it is recorded under your name. Bringing the fleet back takes two people.",
        yes="Kill the fleet",
        style="danger",
    )
    return button("Kill", action_id, value=value, style="danger", confirm=sure)
