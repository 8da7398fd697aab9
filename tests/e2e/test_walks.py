"""Guided recovery through the real process: opened, looked at, walked by two people, over restarts and kills."""

from pathlib import Path

from tests.conversation import OPS, Conversation
from tests.e2e.alerting import buttons, card, now, until
from tests.e2e.two_people import text_of, two_people


async def opened(talk: Conversation, line: str = "/recover ndax crash-loop", who: str = "admin"):
    said = text_of(await talk.person(who).types(line))
    assert "is open in" in said, said
    number = talk.rows("select max(id) from walks")[0][0]
    return await card(talk, f"Recovery #{number}", where=OPS)


async def test_first(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        shown = await opened(talk)
        for _ in range(20):
            import asyncio
            await asyncio.sleep(0.5)
        print(now(talk, shown).words)
        print(buttons(now(talk, shown)))
        print(talk.bot.words()[-3000:])
        print(text_of(await talk.person("admin").types("/diagnose")))
        await asyncio.sleep(6)
        print(talk.slack.ephemerals("admin", OPS)[-1].words)
        assert 0
