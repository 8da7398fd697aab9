"""The answer to /contacts."""

from chatbot.views.blocks import Message, context, header, message, section
from chatbot.views.procedure import CONTACTS_SHOWN, contact_lines
from config.settings import Contact

PER_SECTION = 5  # so that the longest lines stay below the limit of a section


def contacts(configured: tuple[Contact, ...]) -> Message:
    """Whom to call, by role, in the order of the configuration."""
    lines = contact_lines(configured)
    hidden = len(configured) - CONTACTS_SHOWN
    return message(
        header("☎️ Emergency contacts"),
        *(section(*lines[start : start + PER_SECTION]) for start in range(0, len(lines), PER_SECTION)),
        context(
            "From the configuration of this bot; nobody was called or notified.",
            f"{hidden} more stand in the configuration." if hidden > 0 else "",
        ),
    )
