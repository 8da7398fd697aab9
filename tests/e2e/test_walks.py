"""Guided recovery through the real process: opened, looked at, walked by two people, over restarts and kills."""

from pathlib import Path

from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation
from tests.e2e.alerting import buttons, card, now, reply, until
from tests.e2e.two_people import approve, kill, text_of, two_people
from tests.e2e.walking import NOTE, Walking, document, opened

CRASH = "/recover ndax crash-loop"


def told(talk: Conversation, walk: Walking) -> str:
    """Everything that was said in the recovery's thread."""
    return "\n".join(each.words for each in talk.slack.replies(walk.shown.channel, walk.shown.ts))


async def test_two_people_walk_a_whole_recovery_and_its_log_is_written_from_it(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, CRASH)
        await walk.at("stop")  # the first step verified itself: the coordinator answers
        assert walk.state("look") == "verified"
        await walk.press("/kill")
        await walk.at("evidence")
        assert walk.state("stop") == "verified"
        await reply(talk, walk.shown, "yes: every bot that matters is seen stopped (GET /status")
        await walk.press("/evidence", "second-admin")
        await walk.at("cause")
        await walk.press("Take", "second-admin")
        await until(talk, lambda: "<@U0ADMIN2> is on step" in str(walk.card.blocks))
        await walk.says("Done", NOTE, "second-admin")
        await walk.past("fix", "verify")
        assert "_asserted by_ <@U0ADMIN2>" in str(walk.card.blocks)

        release = walk.current
        assert release is not None
        action = await walk.agreed("/override")
        await walk.at("start", "ndax")
        assert walk.state(release[1]) == "verified"
        [(reason,)] = talk.rows("select reason from actions where id = ?", action)
        assert reason == f"{NOTE} (recovery #{walk.number})"
        await walk.agreed("/start ndax")
        await walk.at("watch", "ndax")
        assert walk.state("start", "ndax") == "verified"
        await walk.window_ends_well()
        await until(talk, lambda: walk.state("watch", "ndax") == "verified")
        while not any(each.startswith("/recoveries") for each in buttons(walk.card)):
            await walk.says("Skip", "watched by hand")
            assert walk.current is not None
            await walk.at(*walk.current[1:3])
        await document(walk)
        await until(talk, lambda: "(done)" in walk.card.words)
        assert buttons(walk.card) == []
        await reply(talk, walk.shown, f"Recovery #{walk.number} is done")
        [(scenario, cause, taken, people)] = talk.rows("select scenario, root_cause, actions_taken, people from recoveries")
        assert (scenario, cause) == ("crash-loop", NOTE)
        assert f"Recovery #{walk.number}" in taken
        assert "U0ADMIN2" in people
        code, printed = await talk.bot.command_line("audit", "verify")
        assert code == 0, printed
