"""The Web API's methods as a table: name -> function and the scope it needs."""

from collections.abc import Mapping

from chatbot.sandbox.slack.methods.chat import CHAT
from chatbot.sandbox.slack.methods.context import Method
from chatbot.sandbox.slack.methods.conversations import CONVERSATIONS
from chatbot.sandbox.slack.methods.files import FILES
from chatbot.sandbox.slack.methods.identity import IDENTITY
from chatbot.sandbox.slack.methods.views import VIEWS

METHODS: Mapping[str, Method] = {**CHAT, **CONVERSATIONS, **FILES, **IDENTITY, **VIEWS}
