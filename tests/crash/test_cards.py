"""SIGKILL while the card is on its way to Slack: in the end it stands once, and says how it ended."""

import asyncio

from tests.conversation import OPS
from tests.crash.moments import until
from tests.crash.scene import Scene


async def test_killed_while_the_first_post_hangs(scene: Scene) -> None:
    async with scene.opens() as crashing:
        faults = crashing.talk.slack.faults
        faults.set("hang", methods=("chat.postMessage",), times=1)
        request = crashing.types("/kill posting")
        await until(lambda: not faults.active("hang"), "the post")
        await crashing.dies()
        assert crashing.talk.slack.messages(OPS) == ()
        await crashing.starts()
        async with asyncio.timeout(20):  # the dead one's lease on the card runs for 30 s: nobody waits for it
            card = await crashing.shown_once(await crashing.carried_out(request))
        assert "verified" in card.words.lower()


async def test_killed_after_the_post_was_accepted_before_anybody_wrote_it_down(scene: Scene) -> None:
    async with scene.opens() as crashing:
        crashing.talk.slack.faults.set("reset_after_accept", methods=("chat.postMessage",), times=1)
        request = crashing.types("/kill posted unknown")
        before = await until(lambda: crashing.talk.slack.messages(OPS), "the card")
        await crashing.dies()
        assert crashing.talk.rows("select ts from outbox where key like '%/card'") == [(None,)]
        await crashing.starts()
        card = await crashing.shown_once(await crashing.carried_out(request))
        assert card.ts == before[0].ts
        assert "verified" in card.words.lower()


async def test_killed_while_the_card_is_updated(scene: Scene) -> None:
    async with scene.opens() as crashing:
        faults = crashing.talk.slack.faults
        faults.set("hang", methods=("chat.update",), times=1)
        # so that the card stands before there is news for it
        crashing.talk.fleet.faults.set("slow", seconds=0.5, paths=("/kill-switch",))
        request = crashing.types("/kill updating")
        await until(lambda: not faults.active("hang"), "the update")
        await crashing.dies()
        await crashing.starts()
        card = await crashing.shown_once(await crashing.carried_out(request))
        assert "verified" in card.words.lower()


async def test_killed_after_an_update_was_accepted(scene: Scene) -> None:
    async with scene.opens() as crashing:
        faults = crashing.talk.slack.faults
        faults.set("reset_after_accept", methods=("chat.update",), times=1)
        # so that the card stands before there is news for it
        crashing.talk.fleet.faults.set("slow", seconds=0.5, paths=("/kill-switch",))
        request = crashing.types("/kill updated unknown")
        await until(lambda: not faults.active("reset_after_accept"), "the update")
        await crashing.dies()
        await crashing.starts()
        card = await crashing.shown_once(await crashing.carried_out(request))
        assert "verified" in card.words.lower()


async def test_killed_after_an_alarm_was_accepted_it_is_not_said_twice(scene: Scene) -> None:
    async with scene.opens(CHATBOT_KILL__WARN_SECONDS="[1, 20, 30]") as crashing:
        crashing.talk.fleet.faults.set("ignores_stop", bot="quantum")
        request = crashing.types("/kill alarming")
        card = (await until(lambda: crashing.talk.slack.messages(OPS), "the card"))[0]
        crashing.talk.slack.faults.set("reset_after_accept", methods=("chat.postMessage",), times=1)
        await until(lambda: crashing.talk.slack.replies(OPS, card.ts), "the alarm")
        await crashing.dies()
        await crashing.starts()
        crashing.talk.fleet.faults.clear()
        action = await crashing.carried_out(request)
        shown = await crashing.shown_once(action)
        assert crashing.replies(shown).count(f"{action}/alarm-0-1") == 1


async def test_killed_while_slack_is_away_the_card_comes_later(scene: Scene) -> None:
    async with scene.opens() as crashing:
        crashing.talk.slack.faults.set("http_500", methods=("chat.postMessage",))
        request = crashing.types("/kill unseen")
        await crashing.event("verified")
        await crashing.dies()
        assert crashing.talk.slack.messages(OPS) == ()
        crashing.talk.slack.faults.clear()
        await crashing.starts()
        card = await crashing.shown_once(await crashing.carried_out(request))
        assert "verified" in card.words.lower()
