"""/lockdown: begun by one person at once, ended by two others; stops go on all the while."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversation import OPS, Conversation
from tests.crash.moments import locked
from tests.e2e.two_people import approve, ask, card, kill, state, stopped, text_of, two_people


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with two_people(tmp_path) as talk:
        yield talk


async def test_one_person_begins_it_and_two_others_end_it(talk: Conversation) -> None:
    operator = talk.person("operator")
    assert "Lockdown began" in text_of(await operator.types("/lockdown on keys may have leaked"))
    await talk.admin.sees("LOCKDOWN", "keys may have leaked", "<@U0OPER01>")
    assert "stands already" in text_of(await talk.admin.types("/lockdown on me too"))
    for line in ("/override it is fixed", "/start ndax", "/start-sequential", "/resume ndax"):
        assert "A lockdown stands" in text_of(await talk.admin.types(line))
    assert "LOCKDOWN" in text_of(await talk.person("viewer").types("/status"))
    await kill(talk)  # stops go on
    await operator.types("/stop ndax")
    await talk.admin.sees("ndax stopped: verified")
    assert "role admin" in text_of(await operator.types("/lockdown off"))
    action, shown = await ask(talk, "/lockdown off keys are new")
    assert "it takes 2 besides the one who asks" in shown.words
    await approve(talk, shown)
    half = await card(talk, action, "1 of 2 approvals")
    assert "A lockdown stands" in text_of(await talk.admin.types("/override it is fixed"))
    await approve(talk, half, who="third-admin")
    await card(talk, action, "Done and read back", "No lockdown stands any more")
    assert talk.rows("select ended_by from lockdowns") == [(action,)]
    assert "There is no lockdown to end" in text_of(await talk.admin.types("/lockdown off again"))
    await ask(talk, "/override it is fixed")


async def test_where_there_are_two_admins_the_other_one_ends_it(tmp_path: Path) -> None:
    async with two_people(
        tmp_path, fleet=stopped(), CHATBOT_ROLES__ADMINS='["U0ADMIN1", "U0ADMIN2"]'
    ) as talk:
        await talk.admin.types("/lockdown on")
        action, shown = await ask(talk, "/lockdown off it is over")
        await approve(talk, shown)
        await card(talk, action, "Done and read back")


async def test_a_new_kill_makes_the_end_of_a_lockdown_void(talk: Conversation) -> None:
    await talk.admin.types("/lockdown on")
    action, _ = await ask(talk, "/lockdown off it is over")
    await kill(talk)
    await card(talk, action, "Void", "the fleet was killed again")
    assert state(talk, action) == ("void", "void")
    assert talk.rows("select count(*) from lockdowns where ended_at is null") == [(1,)]


async def test_without_a_database_it_is_journaled_and_begins_when_that_is_imported(
    talk: Conversation,
) -> None:
    with locked(talk.data / "chatbot.db"):
        text = text_of(await talk.admin.types("/lockdown on no database"))
        assert "Not yet in the audit" in text
        await talk.admin.sees("LOCKDOWN", "no database", where=OPS)
        assert "nothing was asked" in text_of(await talk.admin.types("/start ndax"))
    await talk.slack.wait_for(
        lambda: talk.rows("select reason from lockdowns where ended_at is null") == [("no database",)], 20
    )
    assert "A lockdown stands" in text_of(await talk.admin.types("/start ndax"))


async def test_from_a_terminal_it_takes_no_code(talk: Conversation) -> None:
    code, printed = await talk.bot.command_line("lockdown", "on", "from", "the", "terminal")
    assert code == 0, printed
    assert "Lockdown began" in printed
    await talk.admin.sees("LOCKDOWN", "from the terminal")
