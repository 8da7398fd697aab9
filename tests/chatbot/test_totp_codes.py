"""Codes: right ones once, wrong ones counted, and a secret that is nowhere in clear."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from chatbot.totp import Codes, Enrolment, fresh_key
from commands.spec import UserError
from storage import audit, outbox, totp
from storage.database import Database

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
ALICE = "U0ADMIN2"


@dataclass
class House:
    """Codes over a real file, at a time of the test's choosing."""

    database: Database
    path: Path
    key: str | None
    at: datetime = NOW

    @property
    def codes(self) -> Codes:
        return Codes(database=self.database, key=self.key, now=lambda: self.at)

    async def enroll(self, *, replace: bool = False) -> Enrolment:
        drawn = self.codes.drawn(ALICE)
        await self.codes.enroll(ALICE, drawn, by="terminal:root", replace=replace, ops="C0OPS")
        return drawn

    async def refused(self, code: str, person: str = ALICE) -> str:
        with pytest.raises(UserError) as raised:
            await self.codes.step(person, code)
        said = str(raised.value)
        assert "Nothing was done." in said
        return said


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    path = tmp_path / "chatbot.db"
    database = Database(f"sqlite:///{path}")
    await database.prepare()
    yield House(database=database, path=path, key=fresh_key())
    await database.close()


def shown(enrolment: Enrolment, at: datetime, *, steps: int = 0) -> str:
    return pyotp.TOTP(enrolment.secret).at(at + timedelta(seconds=30 * steps))


async def test_a_right_code_within_a_step_either_side_and_used_up_once(house: House) -> None:
    enrolment = await house.enroll()
    step = int(NOW.timestamp()) // 30
    for around in (-1, 0, 1):
        assert (
            await house.codes.step(
                ALICE, f" {shown(enrolment, NOW, steps=around)[:3]} {shown(enrolment, NOW, steps=around)[3:]}"
            )
            == step + around
        )
    assert await house.database.write(lambda conn: totp.use(conn, ALICE, step, NOW))
    assert "used already" in await house.refused(shown(enrolment, NOW))
    assert "used already" in await house.refused(
        shown(enrolment, NOW, steps=-1)
    )  # older than one that was used
    assert await house.codes.step(ALICE, shown(enrolment, NOW, steps=1)) == step + 1
    for around in (-2, 2):
        if shown(enrolment, NOW, steps=around) not in {shown(enrolment, NOW, steps=n) for n in (-1, 0, 1)}:
            assert "wrong" in await house.refused(shown(enrolment, NOW, steps=around))


async def test_the_vector_of_the_standard(house: House) -> None:
    secret = base64.b32encode(
        b"12345678901234567890"
    ).decode()  # RFC 6238, appendix B: SHA-1, the last six digits
    for at, digits in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        house.at = datetime.fromtimestamp(at, UTC)
        assert house.codes.shows(Enrolment(secret=secret, uri="", qr=""), digits)


async def test_the_secret_is_sealed_and_noted_and_told(house: House) -> None:
    enrolment = await house.enroll()
    assert enrolment.uri.startswith("otpauth://totp/Fleet%20chatbot:U0ADMIN2?secret=")
    assert set(enrolment.qr) <= set("█▀▄ \n")
    for file in house.path.parent.glob("chatbot.db*"):
        assert enrolment.secret.encode() not in file.read_bytes()
    (entry,) = await house.database.read(lambda conn: audit.recent(conn, 5))
    assert (entry.actor, entry.event, entry.subject) == ("terminal:root", "totp enrolled", ALICE)
    owed = await house.database.read(lambda conn: outbox.get(conn, f"totp/{ALICE}/{entry.seq}"))
    assert owed is not None
    assert "type /lockdown on" in owed.payload["text"]
    with pytest.raises(UserError, match="has an authenticator already"):
        await house.enroll()
    second = await house.enroll(replace=True)
    assert second.secret != enrolment.secret
    assert "wrong" in await house.refused(shown(enrolment, NOW))
    await house.codes.remove(ALICE, by="terminal:root", ops=None)
    assert "No authenticator is enrolled" in await house.refused(shown(second, NOW))
    with pytest.raises(UserError, match="has no authenticator"):
        await house.codes.remove(ALICE, by="terminal:root", ops=None)


async def test_what_is_no_code_costs_no_try_and_guessing_locks(house: House) -> None:
    enrolment = await house.enroll()
    for text in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12 34\n5x"):
        assert "six digits" in await house.refused(text)
    right = {shown(enrolment, NOW, steps=n) for n in (-1, 0, 1)}
    wrong = next(code for code in ("000000", "000001", "000002", "000003") if code not in right)
    for left in (4, 3, 2, 1):
        assert f"{left} more wrong ones lock" in await house.refused(wrong)
    assert "locked for 15 more minutes" in await house.refused(wrong)
    assert "locked" in await house.refused(shown(enrolment, NOW))
    house.at = NOW + timedelta(minutes=15)
    assert await house.codes.step(ALICE, shown(enrolment, house.at))


async def test_another_key_or_none_or_a_broken_one_is_said(house: House) -> None:
    enrolment = await house.enroll()
    code = shown(enrolment, NOW)
    for key, words in (
        (fresh_key(), "under another CHATBOT_TOTP__KEY"),
        (None, "is not set"),
        ("nonsense", "is no key"),
    ):
        house.key = key
        assert words in await house.refused(code)


async def test_without_a_database_no_code_is_right(house: House) -> None:
    enrolment = await house.enroll()
    await house.database.close()
    assert "does not answer" in await house.refused(shown(enrolment, NOW))
