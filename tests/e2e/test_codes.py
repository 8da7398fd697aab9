"""Codes: a stolen chat session starts nothing, and two people at a terminal need no chat at all."""

import getpass
import json
import time
from pathlib import Path

import pyotp

from chatbot.totp import fresh_key
from tests.conversation import Conversation
from tests.e2e.two_people import (
    approve,
    ask,
    card,
    kill,
    refused,
    releases,
    state,
    stopped,
    two_people,
    writes,
)


def keyed() -> dict[str, str]:
    return {"CHATBOT_TOTP__KEY": fresh_key()}


async def enrolled(talk: Conversation, person: str) -> pyotp.TOTP:
    """Enrol this person at the terminal; their authenticator."""
    code, printed = await talk.bot.command_line("totp", "enroll", person, "--no-confirm")
    assert code == 0, printed
    assert "▀" in printed
    secret = next(line.split()[-1] for line in printed.splitlines() if line.startswith("Secret:"))
    await talk.admin.sees(f"<@{person}>", "was *enrolled*")
    assert talk.rows("select count(*) from totp where sealed like ?", f"%{secret}%") == [(0,)]
    return pyotp.TOTP(secret)


def code_now(authenticator: pyotp.TOTP, *, steps: int = 0) -> str:
    """What it shows now, or so many time steps away."""
    return authenticator.at(time.time() + 30 * steps)


async def test_an_approval_also_takes_a_code_where_that_was_set(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_POLICY__STEP_UP='["start"]', **keyed()) as talk:
        theirs = await enrolled(talk, "U0ADMIN2")
        second = talk.person("second-admin")
        action, shown = await ask(talk, "/start ndax")
        await approve(talk, shown)
        form = await second.gets_form()
        assert state(talk, action) == ("pending", "waiting")
        for words, told in (("abcdef", "six digits"), ("000000", "wrong; 4 more")):
            said = await talk.slack.submit("second-admin", form.id, {"The six digits it shows now": words})
            assert said.error is None
            assert told in str(said.ack)
        code = code_now(theirs)
        await talk.slack.submit("second-admin", form.id, {"The six digits it shows now": code})
        await card(talk, action, "Done and read back")
        assert talk.rows("select proof from votes") == [("code",)]
        # the same code again, for another request
        action, shown = await ask(talk, "/start quantum")
        await approve(talk, shown)
        form = await second.gets_form()
        said = await talk.slack.submit("second-admin", form.id, {"The six digits it shows now": code})
        assert "used already" in str(said.ack)
        # a form is not needed to send one: who forges it needs the code as well
        forged = await talk.slack.courier.ask(
            "interactive", said.payload | {"user": {"id": "U0ADMIN3", "team_id": "T0FLEET"}}
        )
        assert "No authenticator is enrolled" in str(forged.ack)
        assert state(talk, action) == ("pending", "waiting")
        assert len(writes(talk, "/start")) == 1
        assert {why for _, why in refused(talk)} == {"wrong code"}


async def test_guessing_locks_the_codes_for_a_while(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_POLICY__STEP_UP='["start"]', **keyed()) as talk:
        theirs = await enrolled(talk, "U0ADMIN2")
        action, shown = await ask(talk, "/start ndax")
        await approve(talk, shown)
        form = await talk.person("second-admin").gets_form()
        wrong = next(
            f"{n:06d}"
            for n in range(9)
            if f"{n:06d}" not in {code_now(theirs, steps=s) for s in (-1, 0, 1, 2)}
        )
        for _ in range(5):
            said = await talk.slack.submit("second-admin", form.id, {"The six digits it shows now": wrong})
        assert "locked for 15 more minutes" in str(said.ack)
        said = await talk.slack.submit(
            "second-admin", form.id, {"The six digits it shows now": code_now(theirs)}
        )
        assert "locked" in str(said.ack)
        assert state(talk, action) == ("pending", "waiting")


async def test_two_people_at_a_terminal_while_the_chat_is_away(tmp_path: Path) -> None:
    async with two_people(tmp_path, **keyed()) as talk:
        await kill(talk)
        first, second = await enrolled(talk, "U0ADMIN1"), await enrolled(talk, "U0ADMIN2")
        talk.slack.faults.set("api_down")
        await talk.bot.stops()  # nobody serves either

        async def run(*words: str, who: str, code: str) -> tuple[int, str]:
            return await talk.bot.command_line(*words, "--as", who, "--code", code)

        status, printed = await run("override", "feed", "is", "fixed", who="U0NOBODY", code="123456")
        assert (status, "is no admin" in printed) == (1, True), printed
        status, printed = await run("override", "feed", "is", "fixed", who="U0ADMIN1", code="000000")
        assert status == 1
        assert "wrong" in printed
        status, printed = await run("override", "feed", "is", "fixed", who="U0ADMIN1", code=code_now(first))
        assert status == 0, printed
        assert '"action": "override"' in printed
        assert "Slack does not answer" in printed
        ((action,),) = talk.rows("select action_id from approvals")
        status, printed = await run("approve", action, who="U0ADMIN1", code=code_now(first, steps=1))
        assert status == 1
        assert "Nothing was approved" in printed
        assert releases(talk) == []
        status, printed = await run("approve", action, who="U0ADMIN2", code=code_now(second))
        assert status == 0, printed
        assert "Done and read back" in printed
        assert [each["approved_by"] for each in releases(talk)] == ["U0ADMIN2"]
        assert talk.rows("select proof from votes") == [("terminal",)]
        status, printed = await talk.bot.command_line("approvals")
        assert status == 0
        assert action in printed
        # the record tells who sat there, and the cards come when the chat is back
        ((asked,),) = talk.rows("select detail from audit where event = 'override asked'")
        assert json.loads(asked)["actor"] == getpass.getuser()
        assert json.loads(asked)["source"] == "terminal"
        talk.slack.faults.clear()
        await talk.bot.start()
        await card(talk, action, "Done and read back")


async def test_what_was_asked_in_the_chat_can_be_denied_at_a_terminal(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), **keyed()) as talk:
        second = await enrolled(talk, "U0ADMIN2")
        action, _ = await ask(talk, "/start ndax")
        arguments = ("deny", action, "--as", "U0ADMIN2", "--reason", "not now", "--code", code_now(second))
        status, printed = await talk.bot.command_line(*arguments)
        assert status == 0, printed
        await card(talk, action, "Denied", "not now")
        status, printed = await talk.bot.command_line(*arguments)
        assert status == 1
        assert "used already" in printed or "is wrong" in printed  # by now it may be too old as well


async def test_without_a_key_codes_are_refused_in_words(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_POLICY__STEP_UP='["start"]') as talk:
        status, printed = await talk.bot.command_line("totp", "enroll", "U0ADMIN2", "--no-confirm")
        assert status == 2
        assert "chatbot totp key makes" in printed
        action, shown = await ask(talk, "/start ndax")
        await approve(talk, shown)
        form = await talk.person("second-admin").gets_form()
        said = await talk.slack.submit("second-admin", form.id, {"The six digits it shows now": "123456"})
        assert "No authenticator is enrolled" in str(said.ack)
        assert state(talk, action) == ("pending", "waiting")
