"""A reference fleet that really implements the coordinator's contract, and whatever can go wrong with it."""

from chatbot.sandbox.fleet.fleet import Fleet
from chatbot.sandbox.fleet.front import Call
from chatbot.sandbox.fleet.home import make_home
from chatbot.sandbox.fleet.limits import Limits
from chatbot.sandbox.fleet.policy import Policy

__all__ = ["Call", "Fleet", "Limits", "Policy", "make_home"]
