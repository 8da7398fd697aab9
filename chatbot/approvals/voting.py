"""A second admin's word, from a button or a terminal: who they are *now*, then one transaction that counts it.

Whatever is not certain refuses: Slack that does not answer, a configuration that cannot be read, a fleet that cannot
be read. A denial and a withdrawal lower the risk and ask for less.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy import Connection

from chatbot.approvals import copies, votes
from chatbot.approvals.binding import reads_fleet, request_of
from chatbot.approvals.ends import Ballot
from chatbot.desk import Desk
from chatbot.executor import Executor
from chatbot.identity import Refusal
from chatbot.totp import Codes
from chatbot.views.approval_state import RequestCard
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus
from commands.spec import UserError
from config.settings import Roles
from storage.database import StorageError

NO_STORAGE = (
    "The database does not answer, so nothing was changed: try again in a moment. A stop always works."
)

log = structlog.get_logger(__name__)


class Voting:
    """Counts votes; what the last one frees begins to run here at once."""

    def __init__(
        self,
        *,
        desk: Desk,
        executor: Executor,
        codes: Codes,
        roles_now: Callable[[], Roles | None],
        flaw: Callable[[str], str | None],
    ) -> None:
        self._desk = desk
        self._executor = executor
        self._codes = codes
        self._roles_now = roles_now
        self._flaw = flaw  # what Slack said last that forbids somebody everything

    async def look(self, action_id: str) -> RequestCard | None:
        """The request as it stands; UserError when the database does not answer."""
        return await self._read(lambda conn: copies.read(conn, action_id))

    async def refusal(self, person: str) -> Refusal | None:
        """Why this person is no admin by the configuration as it is now, re-read from its file."""
        roles = await asyncio.to_thread(self._roles_now)
        if roles is None:
            return Refusal(
                why="configuration unreadable",
                sentence="The configuration cannot be read right now, so nothing was approved: put it right first.",
            )
        if person not in roles.admins or person not in self._desk.admins:
            return Refusal(
                why="no admin now",
                sentence="The configuration does not name you as an admin (any more), so nothing was approved.",
            )
        return None

    async def _flawed(self, card: RequestCard | None) -> frozenset[str]:
        """Who asked or approved this and may decide nothing any more."""
        if card is None:
            return frozenset()
        roles = await asyncio.to_thread(self._roles_now)
        people = (card.by, *card.approvers)
        admins = roles.admins if roles is not None else ()
        return frozenset(each for each in people if each not in admins or self._flaw(each) is not None)

    def takes_code(self, card: RequestCard) -> bool:
        """True when an approval of this also takes a code."""
        return card.command in self._desk.policy.step_up

    async def approve(
        self, action_id: str, *, version: int, person: str, proof: str, code: str | None = None
    ) -> Ballot:
        """Count an approval of this version; UserError for what cannot be told in a refusal that is audited."""
        desk = self._desk
        if desk.recorder.behind():
            raise UserError(NO_STORAGE)
        refusal = await self.refusal(person)
        if refusal is not None:
            return Ballot(refusal=refusal)
        step = None
        if code is not None:
            try:
                step = await self._codes.step(person, code)
            except UserError as error:
                return Ballot(refusal=Refusal(why="wrong code", sentence=str(error)))
        card = await self.look(action_id)
        if card is not None and self.takes_code(card) and step is None:
            return Ballot(
                card=card,
                refusal=Refusal(
                    why="no code",
                    sentence=f"/{card.command} also takes a code from your authenticator, so nothing was approved.",
                ),
            )
        fleet = await self._fleet(card)
        ballot = await self._write(
            partial(
                votes.vote,
                desk=desk,
                owner=self._executor.owner,
                action_id=action_id,
                version=version,
                person=person,
                proof=proof,
                step=step,
                fleet=fleet,
                flawed=await self._flawed(card),
                now=desk.now(),
            )
        )
        if ballot.freed is not None:
            self._executor.start(ballot.freed)
        return ballot

    async def deny(self, action_id: str, *, person: str, reason: str, proof: str) -> Ballot:
        """End a request by one denial."""
        verb = partial(
            votes.deny,
            desk=self._desk,
            action_id=action_id,
            person=person,
            reason=reason,
            proof=proof,
            now=self._desk.now(),
        )
        return await self._write(verb)

    async def withdraw(self, action_id: str, *, person: str, anybody: bool, proof: str) -> Ballot:
        """End a request by the word of the one who asked, a solo wait by anybody's."""
        verb = partial(
            votes.withdraw,
            desk=self._desk,
            action_id=action_id,
            person=person,
            anybody=anybody,
            proof=proof,
            now=self._desk.now(),
        )
        return await self._write(verb)

    async def _fleet(self, card: RequestCard | None) -> FleetStatus | None:
        if card is None or not reads_fleet(request_of(card)) or not card.pending:
            return None
        try:
            return await self._desk.coordinator.status()
        except CoordinatorError as error:
            raise UserError(
                f"What the fleet does could not be read ({str(error).rstrip('.')}), so nothing was approved: try again."
            ) from error

    async def _read(self, query: Callable[[Connection], RequestCard | None]) -> RequestCard | None:
        try:
            return await self._desk.database.read(query)
        except StorageError as error:
            raise UserError(NO_STORAGE) from error

    async def _write(self, verb: Callable[[Connection], Ballot]) -> Ballot:
        try:
            ballot = await self._desk.database.write(verb)
        except StorageError as error:
            raise UserError(NO_STORAGE) from error
        self._desk.sender.wake()
        return ballot
