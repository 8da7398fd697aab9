"""Codes of authenticator apps (RFC 6238): enrolled at a terminal, sealed in the database, each good once.

What the database holds is useless without the key from the environment, and a code is counted as used in the
transaction of the vote that it proves.
"""

import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from chatbot.steps import Owing, owe
from chatbot.views import totp as view
from commands.spec import UserError
from storage import audit, totp
from storage.database import Database, StorageError
from storage.totp import MOST_FAILURES, Enrolled

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

STEP_SECONDS = 30
AROUND = (0, -1, 1)  # steps: clocks differ, and people type slowly
ISSUER = "Fleet chatbot"
NOTHING = "Nothing was done."


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What is shown once: the secret as text, as the address an authenticator takes, and as a QR code in text."""

    secret: str
    uri: str
    qr: str


def fresh_key() -> str:
    """A new key for ``totp.key``."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


class Codes:
    """Checks codes, and enrols those who make them; without a key it refuses."""

    def __init__(self, *, database: Database, key: str | None, now: Callable[[], datetime]) -> None:
        self._database = database
        self._key = key
        self._now = now

    async def step(self, person: str, code: str) -> int:
        """The time step of a right code, to be used up by ``storage.totp.use``; UserError says why there is none."""
        enrolled = await self._enrolled(person)
        now = self._now()
        if enrolled.locked_until is not None and enrolled.locked_until > now:
            raise UserError(_locked(enrolled, now))
        digits = _digits(code)
        if digits is None:
            raise UserError(f"A code is the six digits that your authenticator shows now. {NOTHING}")
        found = self._matching(self._opened(enrolled), digits, now)
        if found is None:
            raise UserError(await self._wrong(person, now))
        if found <= enrolled.last_step:
            raise UserError(f"This code was used already: wait for the next one. {NOTHING}")
        return found

    def drawn(self, person: str) -> Enrolment:
        """A new secret for this person, stored nowhere yet."""
        import pyotp
        import segno

        secret = pyotp.random_base32()
        uri = pyotp.TOTP(secret).provisioning_uri(name=person, issuer_name=ISSUER)
        return Enrolment(secret=secret, uri=uri, qr=_as_text(segno.make(uri, error="m").matrix))

    def shows(self, enrolment: Enrolment, code: str) -> bool:
        """True when an authenticator that took this secret shows this code now."""
        digits = _digits(code)
        return digits is not None and self._matching(enrolment.secret, digits, self._now()) is not None

    async def enroll(
        self, person: str, enrolment: Enrolment, *, by: str, replace: bool, ops: str | None
    ) -> None:
        """Store a secret, sealed, with an audit row and a notice to all; UserError when there is one already."""
        sealed = self._sealer().encrypt(enrolment.secret.encode()).decode()
        now = self._now()

        def verb(conn: Connection) -> bool:
            audit.queue_up(conn, now)  # the order of locks in which a vote uses a code up
            before = totp.get(conn, person) is not None
            if not totp.enroll(conn, person=person, sealed=sealed, by=by, at=now, replace=replace):
                return False
            _note(conn, person, "replaced" if before else "enrolled", by=by, ops=ops, now=now)
            return True

        if not await self._written(verb):
            raise UserError(_taken(person))

    async def remove(self, person: str, *, by: str, ops: str | None) -> None:
        """Take a person's codes away, with an audit row and a notice to all; UserError when there are none."""
        now = self._now()

        def verb(conn: Connection) -> bool:
            audit.queue_up(conn, now)
            if not totp.remove(conn, person):
                return False
            _note(conn, person, "removed", by=by, ops=ops, now=now)
            return True

        if not await self._written(verb):
            raise UserError(f"{person} has no authenticator here. {NOTHING}")

    async def ready(self, person: str) -> None:
        """UserError when no code of this person could be right, so that nobody is asked for one in vain."""
        self._sealer()
        await self._enrolled(person)

    async def check(self, person: str, *, replace: bool) -> None:
        """UserError when a secret drawn for this person now could not be stored."""
        self._sealer()
        if not replace and await self._found(person) is not None:
            raise UserError(_taken(person))

    async def _found(self, person: str) -> Enrolled | None:
        try:
            return await self._database.read(lambda conn: totp.get(conn, person))
        except StorageError as error:
            raise UserError(
                f"The database does not answer, so no code can be checked: try again in a moment. {NOTHING}"
            ) from error

    async def _enrolled(self, person: str) -> Enrolled:
        found = await self._found(person)
        if found is None:
            raise UserError(
                f"No authenticator is enrolled for you: on the bot's host, type chatbot totp enroll {person}. {NOTHING}"
            )
        return found

    async def _written(self, verb: Callable[[Connection], bool]) -> bool:
        try:
            return await self._database.write(verb)
        except StorageError as error:
            raise UserError(str(error)) from error

    async def _wrong(self, person: str, now: datetime) -> str:
        try:
            after = await self._database.write(lambda conn: totp.failed(conn, person, now))
        except StorageError:
            return f"This code is wrong. {NOTHING}"
        if after is not None and after.locked_until is not None and after.locked_until > now:
            return _locked(after, now)
        left = MOST_FAILURES - (after.failures if after is not None else 0)
        lock = f"{left} more wrong ones lock your codes for a while"
        return f"This code is wrong; {lock}: type the one that is shown now. {NOTHING}"

    def _opened(self, enrolled: Enrolled) -> str:
        from cryptography.fernet import InvalidToken

        try:
            return self._sealer().decrypt(enrolled.sealed.encode()).decode()
        except InvalidToken:
            raise UserError(
                "Your authenticator was enrolled under another CHATBOT_TOTP__KEY: enrol it again with "
                f"chatbot totp enroll {enrolled.person} --replace. {NOTHING}"
            ) from None

    def _sealer(self) -> "Fernet":
        from cryptography.fernet import Fernet

        if self._key is None:
            raise UserError(
                f"Codes need a key that is not set: write CHATBOT_TOTP__KEY, which chatbot totp key makes. {NOTHING}"
            )
        try:
            return Fernet(self._key)
        except ValueError:
            raise UserError(f"CHATBOT_TOTP__KEY is no key: chatbot totp key makes one. {NOTHING}") from None

    @staticmethod
    def _matching(secret: str, digits: str, now: datetime) -> int | None:
        import pyotp

        codes = pyotp.TOTP(secret)
        at = int(now.timestamp()) // STEP_SECONDS
        matching = [
            at + each for each in AROUND if hmac.compare_digest(codes.at((at + each) * STEP_SECONDS), digits)
        ]
        return matching[0] if matching else None


def _note(conn: Connection, person: str, what: str, *, by: str, ops: str | None, now: datetime) -> None:
    entry = audit.append(conn, at=now, actor=by, event=f"totp {what}", subject=person)
    if ops is not None:
        payload = view.changed(person, what, by).payload()
        owe(conn, (Owing(key=f"totp/{person}/{entry.seq}", channel=ops, payload=payload, priority=4),), now)


def _locked(enrolled: Enrolled, now: datetime) -> str:
    until = enrolled.locked_until or now
    minutes = max(1, math.ceil((until - now).total_seconds() / 60))
    lasting = f"{minutes} more minute{'' if minutes == 1 else 's'}"
    return f"Too many wrong codes: yours are locked for {lasting}; ask another admin, or try then. {NOTHING}"


def _taken(person: str) -> str:
    return f"{person} has an authenticator already: write --replace to make its codes worthless. {NOTHING}"


def _digits(code: str) -> str | None:
    """The six digits that were typed, ``None`` for anything else, also for digits of other scripts."""
    digits = "".join(code.split())
    return digits if digits.isascii() and digits.isdecimal() and len(digits) == 6 else None


def _as_text(matrix: "tuple[bytearray, ...]") -> str:
    """A QR code in half blocks, light on dark as terminals are, with the quiet zone it needs."""
    width = len(matrix[0]) + 4
    blank = [0] * width
    rows = [blank, blank, *([0, 0, *row, 0, 0] for row in matrix), blank, blank]
    if len(rows) % 2:
        rows.append(blank)
    signs = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    return "\n".join(
        "".join(
            signs[int(bool(upper)), int(bool(lower))]
            for upper, lower in zip(rows[at], rows[at + 1], strict=True)
        )
        for at in range(0, len(rows), 2)
    )
