"""What an authenticator is given, what is asked before, and what guessing and racing get."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
import segno

from chatbot.totp import Codes, fresh_key
from commands.spec import UserError
from storage import audit, totp
from storage.database import Database
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures, found here by name

NOW = datetime(2026, 11, 24, 3, 12, 10, tzinfo=UTC)
WHO = "U0ADMIN2"
ROOT = "terminal:root"


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'chatbot.db'}")
    await database.prepare()
    yield database
    await database.close()


@pytest.fixture
async def codes(database: Database, clock: Clock) -> Codes:
    return Codes(database=database, key=fresh_key(), now=clock)


async def enrolled(codes: Codes) -> pyotp.TOTP:
    drawn = codes.drawn(WHO)
    await codes.enroll(WHO, drawn, by=ROOT, replace=False, ops=None)
    return pyotp.TOTP(drawn.secret)


def wrong_for(authenticator: pyotp.TOTP) -> str:
    near = {authenticator.at(NOW, counter_offset=each) for each in (-1, 0, 1)}
    return next(code for n in range(9) if (code := f"{n:06d}") not in near)


async def test_what_is_drawn_is_what_an_authenticator_takes(codes: Codes) -> None:
    drawn = codes.drawn(WHO)
    address = urlsplit(drawn.uri)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path) == f"/Fleet chatbot:{WHO}"
    assert parse_qs(address.query) == {"secret": [drawn.secret], "issuer": ["Fleet chatbot"]}
    assert len(pyotp.TOTP(drawn.secret).byte_secret()) == 20  # as long as RFC 4226 recommends


async def test_the_qr_code_in_text_is_that_of_the_address(codes: Codes) -> None:
    drawn = codes.drawn(WHO)
    dark = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}
    lines = drawn.qr.split("\n")
    rows = [[dark[sign][half] for sign in line] for line in lines for half in (0, 1)]
    matrix = [list(row) for row in segno.make(drawn.uri, error="m").matrix]
    assert [row[2:-2] for row in rows[2 : 2 + len(matrix)]] == matrix
    quiet = [*rows[:2], *rows[2 + len(matrix) :], *([*row[:2], *row[-2:]] for row in rows)]
    assert not any(map(any, quiet))
    assert len(lines) <= 24  # a terminal of the old size shows it whole
    assert max(map(len, lines)) <= 80


async def test_a_first_code_is_looked_at_before_anything_is_stored(codes: Codes) -> None:
    drawn = codes.drawn(WHO)
    authenticator = pyotp.TOTP(drawn.secret)
    code = authenticator.at(NOW)
    assert codes.shows(drawn, f"{code[:3]} {code[3:]}")
    for other in (wrong_for(authenticator), "", "12345", "१२३४५६", "\ud800"):
        assert not codes.shows(drawn, other)


async def test_what_could_not_be_stored_is_said_before_a_secret_is_drawn(
    codes: Codes, database: Database, clock: Clock
) -> None:
    await codes.check(WHO, replace=False)
    await enrolled(codes)
    await codes.check(WHO, replace=True)
    with pytest.raises(UserError, match="already: write --replace"):
        await codes.check(WHO, replace=False)
    for key in (None, "", "x", "ключ", "a" * 44, "A" * 42):
        with pytest.raises(UserError, match="chatbot totp key makes"):
            await Codes(database=database, key=key, now=clock).check(WHO, replace=True)
    await database.close()
    with pytest.raises(UserError, match="database does not answer"):
        await codes.check(WHO, replace=False)


async def test_nobody_is_told_to_come_back_before_the_lock_ends(codes: Codes, clock: Clock) -> None:
    authenticator = await enrolled(codes)
    for _ in range(5):
        with pytest.raises(UserError):
            await codes.step(WHO, wrong_for(authenticator))
    for seconds, told in ((30, "15 more minutes;"), (786, "2 more minutes;"), (896, "1 more minute;")):
        clock.at = NOW + timedelta(seconds=seconds)
        with pytest.raises(UserError, match=f"locked for {told}"):
            await codes.step(WHO, authenticator.at(clock.at))
    clock.at = NOW + timedelta(minutes=15)
    assert await codes.step(WHO, authenticator.at(clock.at))


async def test_a_right_code_among_a_burst_of_guesses_is_worth_nothing(
    codes: Codes, database: Database
) -> None:
    authenticator = await enrolled(codes)
    guesses = (*[wrong_for(authenticator)] * 20, authenticator.at(NOW))
    found = await asyncio.gather(*(codes.step(WHO, each) for each in guesses), return_exceptions=True)
    for step in found:
        if isinstance(step, int):
            assert not await database.write(lambda conn, step=step: totp.use(conn, WHO, step, NOW))


async def test_of_two_at_once_the_record_says_which_replaced_the_other(postgres_url: str) -> None:  # noqa: F811
    databases = Database(postgres_url), Database(postgres_url)
    await databases[0].prepare()
    key = fresh_key()
    people = [f"U0ADMIN{n}" for n in range(10)]
    tries = [(Codes(database=each, key=key, now=Clock()), who) for who in people for each in databases]
    await asyncio.gather(
        *(codes.enroll(who, codes.drawn(who), by=ROOT, replace=True, ops=None) for codes, who in tries)
    )
    rows = await databases[0].read(lambda conn: list(audit.export(conn)))
    for who in people:
        assert [each.event for each in rows if each.subject == who] == ["totp enrolled", "totp replaced"]
    for each in databases:
        await each.close()
