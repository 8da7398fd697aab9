"""Telling a person: in the acknowledgement where Slack shows it, else beside it."""

from chatbot.desk import Desk
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.posting import Poster
from chatbot.views.blocks import Message


class Replies:
    """The two ways of an answer: now, or later."""

    def __init__(self, *, desk: Desk, poster: Poster) -> None:
        self._desk = desk
        self._poster = poster

    async def now(self, incoming: Incoming, message: Message, *, public: bool = False) -> Reply:
        """The acknowledgement that carries the message, or an empty one with the message on its way beside it."""
        if incoming.kind is Kind.COMMAND:
            kind = "in_channel" if public else "ephemeral"
            return Reply(payload={"response_type": kind, **message.payload()})
        if incoming.kind is Kind.SUBMIT:
            # Slack takes an error only beside an input that the form has.
            place = "reason" if "reason" in incoming.fields else next(iter(incoming.fields), "reason")
            return Reply(payload={"response_action": "errors", "errors": {place: message.text[:500]}})
        self._desk.spawn(self.later(incoming, message, public=public))
        return Reply()

    async def later(self, incoming: Incoming, message: Message, *, public: bool = False) -> None:
        """Bring a message after the acknowledgement, for this person alone unless it is public."""
        if incoming.response_url is not None:
            kind = "in_channel" if public else "ephemeral"
            await self._poster.respond(incoming.response_url, {"response_type": kind, **message.payload()})
        elif incoming.channel is None:
            # Pressed on the home tab or sent from a form: there is no place but their own messages.
            channel, _ = await self._poster.direct(incoming.user)
            if channel is not None:
                await self._poster.whisper(channel, incoming.user, message.payload())
        else:
            await self._poster.whisper(
                incoming.channel,
                incoming.user,
                message.payload(),
                thread_ts=incoming.thread_ts or incoming.message_ts,
            )
