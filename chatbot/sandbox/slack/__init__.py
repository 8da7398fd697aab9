"""A local Slack that speaks the real protocols to an unmodified bot."""

from chatbot.sandbox.slack.blockkit import check_message, check_view
from chatbot.sandbox.slack.model import Call, Channel, Delivery, Message, Person, Shown, View
from chatbot.sandbox.slack.pace import Pace
from chatbot.sandbox.slack.server import LocalSlack

__all__ = [
    "Call",
    "Channel",
    "Delivery",
    "LocalSlack",
    "Message",
    "Pace",
    "Person",
    "Shown",
    "View",
    "check_message",
    "check_view",
]
