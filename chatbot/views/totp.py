"""The notice about somebody's authenticator."""

from chatbot.views.blocks import Message, message, section
from chatbot.views.markup import outside, person


def changed(who: str, what: str, by: str) -> Message:
    """That codes were enrolled, replaced or removed at the terminal, and what to do if nobody meant that."""
    return message(
        section(
            f"The authenticator of {person(who)} was *{outside(what, 20)}* by {person(by)}. If you did not expect "
            "that, type /lockdown on."
        )
    )
