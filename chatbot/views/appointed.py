"""The notice about an admin who was added."""

from datetime import datetime

from chatbot.views.blocks import Message, message, section
from chatbot.views.markup import person, when


def added(who: str, may_from: datetime) -> Message:
    """Who was added, from when they may approve, and what to do if nobody meant that."""
    return message(
        section(
            f"{person(who)} was *added as an admin* in the configuration: they can stop the fleet now and may approve "
            f"from {when(may_from, day=True)} on. If nobody of you did that, type /lockdown on."
        )
    )
