"""The answer to /who: the roles of the configuration, what Slack says of the people, and since when admins count."""

import asyncio
from datetime import timedelta

from chatbot.desk import Desk
from chatbot.identity import People
from chatbot.posting import Poster
from chatbot.views import lists
from chatbot.views.blocks import Message
from chatbot.views.lists import Someone
from commands.spec import Role
from storage import admins, totp
from storage.admins import Admin
from storage.database import StorageError

AT_ONCE = 5
LOOK_SECONDS = 5.0


class Roster:
    """Reads who there is; changes nothing."""

    def __init__(self, *, desk: Desk, people: People, poster: Poster) -> None:
        self._desk = desk
        self._people = people
        self._poster = poster

    async def answer(self) -> Message:
        """Everybody with a role."""
        desk, now = self._desk, self._desk.now()
        known: dict[str, Admin] = {}
        enrolled: frozenset[str] = frozenset()
        try:
            known, enrolled = await desk.database.read(
                lambda conn: (admins.known(conn), frozenset(each.person for each in totp.everybody(conn)))
            )
        except StorageError:
            known = {}  # then nobody can approve, and it is said of each from when they might
        everybody = self._people.everybody()
        there = await self._presences(tuple(everybody))
        wait = timedelta(hours=desk.policy.new_admin_hours)
        found = []
        for person, role in everybody.items():
            flaw, flaw_known = self._people.flaw(person)
            since = known.get(person)
            free = since is not None and (since.founding or since.since + wait <= now)
            begins = since.since + wait if since is not None else now + wait
            found.append(
                Someone(
                    person=person,
                    role=role,
                    flaw=flaw,
                    flaw_known=flaw_known,
                    presence=there.get(person),
                    approves_from=None if role is not Role.ADMIN or free else begins,
                    enrolled=person in enrolled,
                )
            )
        return lists.who(tuple(found), codes=bool(desk.policy.step_up), now=now)

    async def _presences(self, people: tuple[str, ...]) -> dict[str, str]:
        gate = asyncio.Semaphore(AT_ONCE)
        found: dict[str, str] = {}

        async def one(person: str) -> None:
            async with gate:
                word = await self._poster.presence(person)
            if word is not None:
                found[person] = word

        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await asyncio.gather(*(one(each) for each in people))
        except TimeoutError:
            pass  # what is not known is said to be not known
        return found
