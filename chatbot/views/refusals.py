"""The short answers: a refusal in one sentence, and a fault with its reference."""

from chatbot.views.blocks import Message, message, section
from chatbot.views.markup import outside, with_people

SENTENCE_SHOWN = 1000


def refusal(sentence: str) -> Message:
    """One sentence for the person who asked."""
    return message(section(with_people(outside(sentence, SENTENCE_SHOWN)) or "Nothing was done."))


def fault(reference: str) -> Message:
    """The sentence for every error nobody foresaw; the reference finds it in the log."""
    return message(
        section(
            f"Something went wrong in this bot (reference {outside(reference, 60)}) and it may not have been "
            "done: look at /status, and to stop the fleet type /kill again."
        )
    )
