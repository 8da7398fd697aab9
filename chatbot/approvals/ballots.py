"""Approve, Deny, Withdraw and Cancel: the buttons and forms of a request, believed only on a copy that we posted."""

import asyncio
import re
import secrets
from collections.abc import Coroutine
from typing import Any

import structlog

from chatbot.admission import Admission
from chatbot.approvals.copies import direct_key
from chatbot.approvals.ends import Ballot, stale
from chatbot.approvals.voting import Voting
from chatbot.channels import Channels
from chatbot.desk import Desk
from chatbot.identity import People, Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.kill_record import card_key
from chatbot.posting import Poster
from chatbot.replies import Replies
from chatbot.views import approval as view
from chatbot.views import refusals
from chatbot.views.approval_state import RequestCard
from chatbot.views.blocks import View
from chatbot.views.markup import escape
from commands.policy import ROLE_FOR
from commands.spec import Risk, UserError
from commands.words import clean
from storage import outbox

ACK_SECONDS = 2.0  # of Slack's three
FORGED = Refusal(
    why="forged button",
    sentence="This button does not belong to a message of mine, so nothing was done: see /approvals.",
)
SHARED = Refusal(
    why="shared channel",
    sentence="This channel is shared with another organisation (or Slack does not say), so nothing was approved: "
    "use the message that I sent you.",
)
_VALUE = re.compile(r"([a-z-]{1,40}-[0-9A-Z]{8}):([1-9][0-9]{0,8})")

log = structlog.get_logger(__name__)


class Ballots:
    """What pressing a button of a request, or sending one of its forms, does."""

    def __init__(
        self,
        *,
        desk: Desk,
        people: People,
        admission: Admission,
        voting: Voting,
        channels: Channels,
        poster: Poster,
        replies: Replies,
    ) -> None:
        self._desk = desk
        self._people = people
        self._admission = admission
        self._voting = voting
        self._channels = channels
        self._poster = poster
        self._replies = replies

    async def pressed(self, incoming: Incoming) -> Reply:
        """The acknowledgement of a click or a form, within Slack's time: what takes longer is told beside it."""
        work = asyncio.ensure_future(self._pressed(incoming))
        done, _ = await asyncio.wait({work}, timeout=ACK_SECONDS)
        if done:
            return work.result()
        self._desk.spawn(self._late(incoming, work))
        return Reply()

    async def _late(self, incoming: Incoming, work: "asyncio.Future[Reply]") -> None:
        """Tell what became of it after its acknowledgement: a form that is closed shows no errors any more."""
        try:
            reply = await work
        except UserError as error:
            await self._replies.later(incoming, refusals.refusal(str(error)))
            return
        except Exception:
            reference = f"ref-{secrets.token_hex(3)}"
            log.exception("a click failed", reference=reference)
            await self._replies.later(incoming, refusals.fault(reference))
            return
        errors = reply.payload.get("errors") if reply.payload is not None else None
        if isinstance(errors, dict):
            await self._replies.later(incoming, refusals.refusal(str(errors.get("reason"))))

    async def _pressed(self, incoming: Incoming) -> Reply:
        named = _VALUE.fullmatch(incoming.context if incoming.kind is Kind.SUBMIT else incoming.text)
        if named is None:
            return await self._admission.refuse(incoming, FORGED)
        action_id, version = named[1], int(named[2])
        refusal = await self._refusal(incoming)
        if refusal is not None:
            return await self._admission.refuse(incoming, refusal)
        if incoming.kind is Kind.SUBMIT:
            return await self._submitted(incoming, action_id, version)
        card = await self._voting.look(action_id)
        if card is None or not await self._is_ours(incoming, card):
            return await self._admission.refuse(incoming, FORGED)
        match incoming.name:
            case "approval.approve":
                return await self._approve(incoming, card, version)
            case "approval.deny":
                return await self._deny(incoming, card)
            case _:
                work = self._voting.withdraw(
                    action_id,
                    person=incoming.user,
                    anybody=incoming.name == "approval.cancel",
                    proof="slack",
                )
                return await self._told(incoming, work, "You ended it: nothing was sent.")

    async def _refusal(self, incoming: Incoming) -> Refusal | None:
        """Approving takes an admin as Slack knows them now; ending a request only somebody of this workspace."""
        if incoming.name in {"approval.cancel", "approval.withdraw"}:
            return self._people.foreign(incoming.user_team)
        if incoming.name == "approval.deny":
            # It lowers the risk: Slack that does not answer is no reason against it.
            return await self._admission.refusal(
                incoming, risk=Risk.LOWER, role=ROLE_FOR[Risk.RAISE], clicked=False
            )
        return await self._admission.refusal(
            incoming, risk=Risk.RAISE, role=ROLE_FOR[Risk.RAISE], clicked=True, now=True, anywhere=True
        )

    async def _is_ours(self, incoming: Incoming, card: RequestCard) -> bool:
        """True when the button stands on a copy of this request where we put it."""
        # Withdraw also stands in the answer to the one who asked; nobody else can use it.
        if incoming.at_home or incoming.name == "approval.withdraw":
            return True
        if incoming.channel is None or incoming.message_ts is None:
            return False
        channel, ts = incoming.channel, incoming.message_ts
        key = card_key(card.id) if not channel.startswith("D") else direct_key(card.id, incoming.user)
        row = await self._desk.database.read(lambda conn: outbox.get(conn, key))
        if row is None or row.ts not in (None, ts):
            return False
        # A copy that was posted a moment ago may be pressed before its place is written down.
        return row.channel == channel or (row.ts is None and channel.startswith("D"))

    async def _approve(self, incoming: Incoming, card: RequestCard, version: int) -> Reply:
        channel = incoming.channel
        if channel is not None and not channel.startswith("D"):
            shared = await self._channels.shared(channel)
            if shared is None or shared:
                return await self._admission.refuse(incoming, SHARED)
        if (
            self._voting.takes_code(card)
            and card.pending
            and version == card.version
            and incoming.user != card.by
        ):
            await self._open(incoming, view.code_modal(card))
            return Reply()
        work = self._voting.approve(card.id, version=version, person=incoming.user, proof="slack")
        return await self._told(incoming, work, "Your approval counts.")

    async def _deny(self, incoming: Incoming, card: RequestCard) -> Reply:
        if not card.pending:
            return await self._admission.refuse(incoming, stale(card))
        if incoming.user == card.by:
            sentence = view.answer(card, "You asked for this yourself: withdraw it instead.")
            return await self._admission.refuse(incoming, Refusal(why="own request", sentence=sentence))
        await self._open(incoming, view.deny_modal(card))
        return Reply()

    async def _open(self, incoming: Incoming, modal: View) -> None:
        if incoming.trigger_id is None or not await self._poster.open_modal(incoming.trigger_id, modal):
            raise UserError("Slack did not open the form, so nothing was done. Press the button again.")

    async def _submitted(self, incoming: Incoming, action_id: str, version: int) -> Reply:
        words = clean(escape(incoming.text))  # a form's text comes as it was typed
        if not words:
            return _wrong("Please write a few words: they go into the record.")
        if incoming.name == "approval.deny":
            work = self._voting.deny(action_id, person=incoming.user, reason=words, proof="slack")
        else:
            work = self._voting.approve(
                action_id, version=version, person=incoming.user, proof="code", code=words
            )
        try:
            ballot = await work
        except UserError as error:
            return _wrong(str(error))
        if ballot.refusal is not None:
            return await self._admission.refuse(incoming, ballot.refusal)
        return Reply()

    async def _told(self, incoming: Incoming, work: Coroutine[Any, Any, Ballot], done: str) -> Reply:
        """Do it, then tell the person beside the acknowledgement: in a card nobody sees who pressed in vain."""
        ballot = await work
        if ballot.refusal is not None:
            return await self._admission.refuse(incoming, ballot.refusal)
        if ballot.card is not None:
            message = refusals.refusal(view.answer(ballot.card, done))
            self._desk.spawn(self._replies.later(incoming, message))
        return Reply()


def _wrong(sentence: str) -> Reply:
    return Reply(payload={"response_action": "errors", "errors": {"reason": sentence}})
