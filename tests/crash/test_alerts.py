"""SIGKILL along the way of an alert: from the door to its card, its calls for people, and its end; each stands once."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS
from tests.crash.moments import locked, until
from tests.crash.scene import Crashing, Scene
from tests.e2e.alerting import ALERTS, HOOKS, LOOKING, NO_MONITOR, ONE_BY_ONE, headline, to_hook
from tests.e2e.test_alert_faults import alert, key_of

pytestmark = pytest.mark.long  # each waits for clocks, leases or processes that die

MOMENTS = 8
SPANS = (0.02, 0.2, 1.5)  # seconds: around the commit, around the first message, around what follows from it
QUICK_CALLS = {
    "CHATBOT_ALERTS__ESCALATE_MINUTES": "[0.03, 0.06]",
    "CHATBOT_ALERTS__ESCALATE_EVERY_MINUTES": "0.05",
}


@asynccontextmanager
async def bot(scene: Scene, **settings: str) -> AsyncIterator[Crashing]:
    """A running bot that is told of alerts at its door; it looks at no monitor unless told to."""
    chosen = {**LOOKING, **ONE_BY_ONE, **HOOKS, **NO_MONITOR, **settings}
    async with scene.opens(**chosen) as crashing:
        yield crashing


async def hook(crashing: Crashing, message: Mapping[str, object]) -> None:
    """Alertmanager posts it, and it is accepted."""
    answer = await to_hook(crashing.talk, "alertmanager", message)
    assert answer.status_code == 202


def shown(crashing: Crashing, words: str, where: str = ALERTS) -> list[Message]:
    """The messages of a channel with these words in their headline, oldest first."""
    return [each for each in crashing.talk.slack.messages(where) if words in headline(each)]


def calls_out(crashing: Crashing) -> list[Message]:
    """The calls for people, oldest first."""
    return [each for each in crashing.talk.slack.messages(ALERTS) if "/call-" in key_of(each)]


async def settled(crashing: Crashing, *channels: str) -> None:
    """Everything owed has arrived, nothing was given up, and nothing stands twice."""
    owed = "select count(*) from outbox where version > sent_version"
    await until(lambda: crashing.talk.rows(owed) == [(0,)], f"an empty outbox; {crashing.remains()}")
    for channel in channels or (ALERTS,):
        everything = [
            each
            for each in crashing.talk.slack.workspace.all_messages
            if each.channel == channel and each.bot
        ]
        keys = [key_of(each) for each in everything]
        assert len(keys) == len(set(keys)), keys
    await crashing.audit_is_sound()


# -- arriving ----------------------------------------------------------------------------------------------------


async def test_killed_before_it_answered_the_sender_posts_it_again(scene: Scene) -> None:
    async with bot(scene) as crashing:
        disk = alert("disk", severity="critical", began=datetime.now(UTC))
        with locked(crashing.database):
            posting = asyncio.create_task(to_hook(crashing.talk, "alertmanager", disk))
            await asyncio.sleep(0.3)  # it has read the message since, and the database cannot take it
            await crashing.dies()
        with pytest.raises(httpx.HTTPError):
            await posting
        await crashing.starts()
        assert crashing.talk.rows("select 1 from alerts") == []
        await hook(crashing, disk)
        await until(lambda: shown(crashing, "disk"), "the card")
        await settled(crashing)
        assert len(shown(crashing, "disk")) == 1


async def test_killed_between_the_answer_and_the_post(scene: Scene) -> None:
    async with bot(scene) as crashing:
        crashing.talk.slack.faults.set("http_500", methods=["chat.postMessage"])
        began = datetime.now(UTC)
        await hook(crashing, alert("disk", severity="critical", began=began))
        await hook(crashing, alert("feed", began=began))
        await crashing.dies()
        assert crashing.talk.slack.messages(ALERTS) == ()
        crashing.talk.slack.faults.clear()
        await crashing.starts()
        for name in ("disk", "feed"):
            await until(lambda name=name: shown(crashing, name), "the card")  # type: ignore[misc]
        await settled(crashing)
        assert len(crashing.talk.slack.messages(ALERTS)) == 2


async def test_killed_while_the_post_hangs(scene: Scene) -> None:
    async with bot(scene) as crashing:
        faults = crashing.talk.slack.faults
        faults.set("hang", methods=["chat.postMessage"], times=1)
        await hook(crashing, alert("disk", began=datetime.now(UTC)))
        await until(lambda: not faults.active("hang"), "the post")
        await crashing.dies()
        assert crashing.talk.slack.messages(ALERTS) == ()
        await crashing.starts()
        async with asyncio.timeout(20):
            await until(lambda: shown(crashing, "disk"), "the card")
        await settled(crashing)
        assert len(shown(crashing, "disk")) == 1


async def test_killed_after_slack_took_the_post_before_anybody_wrote_it_down(scene: Scene) -> None:
    async with bot(scene) as crashing:
        crashing.talk.slack.faults.set("reset_after_accept", methods=["chat.postMessage"], times=1)
        began = datetime.now(UTC)
        await hook(crashing, alert("disk", began=began))
        [before] = await until(lambda: shown(crashing, "disk"), "the card")
        await crashing.dies()
        assert crashing.talk.rows("select ts from outbox where key = 'alert/1/1'") == [(None,)]
        await crashing.starts()
        await hook(crashing, alert("disk", began=began, resolved=True))
        [after] = await until(lambda: shown(crashing, "RESOLVED"), "a card that says so")
        assert after.ts == before.ts
        await settled(crashing)


# -- going on ----------------------------------------------------------------------------------------------------


async def test_killed_while_people_are_called_it_goes_on_where_it_was(scene: Scene) -> None:
    async with bot(scene, **QUICK_CALLS) as crashing:
        await hook(crashing, alert("margin", severity="critical", began=datetime.now(UTC)))
        for wanted in (1, 3):
            await until(lambda wanted=wanted: len(calls_out(crashing)) >= wanted, "calls")  # type: ignore[misc]
            await crashing.dies()
            await crashing.starts()
        await until(lambda: len(calls_out(crashing)) >= 5, "calls after two restarts")
        [card] = shown(crashing, "CRITICAL: margin")
        said = await crashing.talk.admin.clicks("Acknowledge", card)
        assert said.error is None
        await crashing.dies()
        await crashing.starts()
        await until(
            lambda: "owned by <@U0ADMIN1>" in shown(crashing, "CRITICAL: margin")[0].words, "its owner"
        )
        await settled(crashing)
        times = [float(key_of(each).partition("/call-")[2]) for each in calls_out(crashing)]
        assert min(later - one for one, later in itertools.pairwise(times)) > 1.7, times
        still = [each for each in calls_out(crashing) if "NOBODY HAS IT" in headline(each)]
        assert len(still) <= 1, [each.words for each in still]


async def test_killed_after_slack_took_a_call_nobody_is_called_twice_for_it(scene: Scene) -> None:
    async with bot(scene, CHATBOT_ALERTS__ESCALATE_MINUTES="[0.03, 5]") as crashing:
        await hook(crashing, alert("margin", severity="critical", began=datetime.now(UTC)))
        await until(lambda: shown(crashing, "CRITICAL: margin"), "the card")
        crashing.talk.slack.faults.set("reset_after_accept", methods=["chat.postMessage"], times=1)
        await until(lambda: calls_out(crashing), "the call")
        await crashing.dies()
        await crashing.starts()
        await settled(crashing)
        assert len(calls_out(crashing)) == 1
        assert crashing.talk.rows("select calls from alerts") == [(1,)]


# -- ending ------------------------------------------------------------------------------------------------------


async def test_what_ended_while_nobody_ran_turns_green_after_the_restart(scene: Scene) -> None:
    async with scene.opens(**LOOKING, **ONE_BY_ONE) as crashing:
        crashing.talk.fleet.alert("critical", "Slippage above the limit", bot="ndax")
        [before] = await until(lambda: shown(crashing, "CRITICAL: ndax: Slippage"), "the card")
        await crashing.dies()
        assert crashing.talk.fleet.clear_alerts() == 1
        await crashing.starts()
        [after] = await until(lambda: shown(crashing, "RESOLVED"), "a card that says so")
        assert after.ts == before.ts
        await settled(crashing)


@pytest.mark.parametrize("fault", ["hang", "reset_after_accept", "http_500"])
async def test_killed_while_its_end_is_told(scene: Scene, fault: str) -> None:
    async with bot(scene) as crashing:
        faults = crashing.talk.slack.faults
        began = datetime.now(UTC)
        await hook(crashing, alert("disk", began=began))
        [before] = await until(lambda: shown(crashing, "disk"), "the card")
        faults.set(fault, methods=["chat.update", "chat.postMessage"], times=2)
        await hook(crashing, alert("disk", began=began, resolved=True))
        await until(lambda: len([each for each in faults.list() if (each.times or 0) > 1]) == 0, "an attempt")
        await crashing.dies()
        faults.clear()
        await crashing.starts()
        [after] = await until(lambda: shown(crashing, "RESOLVED"), "a card that says so")
        assert after.ts == before.ts
        await until(lambda: crashing.talk.slack.replies(ALERTS, after.ts), "the reply")
        await settled(crashing)
        assert len(crashing.talk.slack.replies(ALERTS, after.ts)) == 1


async def test_killed_while_a_broken_channel_is_found_out(scene: Scene) -> None:
    async with bot(scene) as crashing:
        began = datetime.now(UTC)
        await hook(crashing, alert("disk", began=began))
        await until(lambda: shown(crashing, "disk"), "the card")
        await crashing.talk.slack.change_channel(ALERTS, is_archived=True)
        await hook(crashing, alert("disk", began=began, resolved=True))
        await hook(crashing, alert("feed", began=began))
        await until(
            lambda: crashing.talk.rows("select 1 from marks where name = 'channel/C0ALERTS'"), "the finding"
        )
        await crashing.dies()
        await crashing.starts()
        await until(lambda: shown(crashing, "RESOLVED", OPS), "its end in the ops channel")
        await until(lambda: shown(crashing, "feed", OPS), "the other one as well")
        await settled(crashing, ALERTS, OPS)
        assert len(shown(crashing, "A channel takes no messages", OPS)) == 1


# -- at any moment -----------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
async def test_killed_at_random_moments(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    async with bot(scene) as crashing:
        accepted: dict[str, datetime] = {}
        for number in range(MOMENTS):
            name, began = f"alert-{'abcdefgh'[number]}", datetime.now(UTC)
            message = alert(name, severity=chance.choice(["warning", "critical"]), began=began)
            posting = asyncio.create_task(to_hook(crashing.talk, "alertmanager", message))
            await asyncio.sleep(chance.choice(SPANS) * chance.random())  # the random moment itself
            await crashing.dies()
            done = await asyncio.gather(posting, return_exceptions=True)
            await crashing.starts()
            if not isinstance(done[0], httpx.Response):  # nobody said that it was taken: it is posted again
                await hook(crashing, message)
            accepted[name] = began
            over = chance.choice(sorted(accepted))
            await hook(crashing, alert(over, began=accepted[over], resolved=True))
        for name, began in accepted.items():
            await hook(crashing, alert(name, began=began, resolved=True))
        decided = "select 1 from alerts where source != 'summary' and (firing or due_at is not null)"
        await until(lambda: crashing.talk.rows(decided) == [], f"the end of all of them, seed {seed}")
        await settled(crashing)
        stored = "select kind, count, card from alerts where source != 'summary' order by kind"
        found = crashing.talk.rows(stored)
        assert [(kind, count) for kind, count, _ in found] == [(name, 1) for name in sorted(accepted)], (
            f"seed {seed}"
        )
        told = [kind for kind, _, card in found if card > 0]
        green = sorted(headline(each).rpartition(": ")[2] for each in shown(crashing, "RESOLVED"))
        assert green == told, f"seed {seed}"
