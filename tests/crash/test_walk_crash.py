"""SIGKILL along a guided recovery: what was told is kept, no step is settled twice, and the walk goes on."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from chatbot.sandbox.slack.model import Delivery, Message
from tests.conversation import OPS
from tests.crash.moments import locked, until
from tests.crash.scene import Crashing, Scene
from tests.crash.test_approvals import lawless
from tests.e2e.alerting import buttons
from tests.e2e.test_walk_replicas import RECOVER, posted, with_short, written
from tests.e2e.two_people import APPROVALS, QUICK, approve, card, releases, text_of, writes
from tests.e2e.walking import NOTE, Walking, opened

PATIENT = {
    **{key: value for key, value in QUICK.items() if "POLICY" in key},
    "CHATBOT_COORDINATOR__READ_TIMEOUT": "10",  # a hanging call hangs until the bot dies
}
SETTLED = frozenset({"verified", "asserted", "skipped"})
SECOND = "second-admin"

Send = Callable[[], Awaitable[Delivery]]


@dataclass(frozen=True, kw_only=True)
class Act:
    """What a person does on the card: a press, or a press and the form behind it; ``stored`` tells that it stands."""

    label: str
    stored: str
    fields: Mapping[str, str] = field(default_factory=dict)
    who: str = "admin"


CHOOSE = Act(
    label="Choose a runbook",
    fields={"scenario": "short"},
    stored="select 1 from walks where scenario = 'short'",
)
TAKE = Act(label="Take", stored="select 1 from walk_people where person = 'U0ADMIN2'", who=SECOND)
LOOKED = Act(
    label="Done",
    fields={"note": "one fell"},
    stored="select 1 from walk_steps where name = 'look' and state = 'asserted'",
)
STOPPED = Act(
    label="Done",
    fields={"note": "stopped on the host"},
    stored="select 1 from walk_steps where name = 'stop' and state = 'asserted'",
    who=SECOND,
)
SKIP = Act(
    label="Skip",
    fields={"note": "known before"},
    stored="select 1 from walk_steps where name = 'cause' and state = 'skipped'",
)
HAND_OVER = Act(
    label="Hand over", fields={"person": "U0ADMIN2"}, stored="select 1 from walks where lead = 'U0ADMIN2'"
)
ABANDON = Act(
    label="Abandon",
    fields={"note": "nobody is left"},
    stored="select 1 from walks where state = 'abandoned'",
    who=SECOND,
)
ACTS = (CHOOSE, LOOKED, STOPPED, TAKE, SKIP, HAND_OVER, ABANDON)


@asynccontextmanager
async def bot(scene: Scene, **settings: str) -> AsyncIterator[Crashing]:
    """A running bot that knows the short runbook, over a coordinator that holds no rules of its own."""
    async with scene.opens(**{**PATIENT, **with_short(scene.data), **settings}) as crashing:
        lawless(crashing)
        yield crashing


# -- dying -------------------------------------------------------------------------------------------------------


async def ready(walk: Walking, act: Act) -> Send:
    """The act but for its last press, which may be sent again when the bot has died of it."""
    who = walk.talk.person(act.who)
    drawn = "select 1 from outbox where key = 'walk/1' and version = sent_version"
    await until(lambda: walk.talk.rows(drawn), "the card as it is now")
    if not act.fields:
        return lambda: who.clicks(act.label, walk.card)
    await until(lambda: act.label in buttons(walk.card), f"the button {act.label}")
    await walk.press(act.label, act.who)
    form = await who.gets_form()
    return lambda: walk.talk.slack.submit(act.who, form.id, dict(act.fields))


async def sends(crashing: Crashing, send: Send) -> "asyncio.Task[Delivery]":
    """Send it while the database cannot take it, and go on once what came later was answered."""

    async def sending() -> Delivery:
        return await send()

    task = asyncio.create_task(sending())
    await asyncio.sleep(0)
    assert "recover" in text_of(await crashing.talk.person("viewer").types("/recover list")).lower()
    return task


async def dies_before(crashing: Crashing, send: Send) -> None:
    """Kill the bot when it has read this and the database could not take it."""
    with locked(crashing.database):
        task = await sends(crashing, send)
        await crashing.dies()
    task.cancel()
    await crashing.starts()


async def dies_unheard(crashing: Crashing, send: Send, stored: str) -> None:
    """Kill the bot when this is stored and nobody has heard of it."""
    with locked(crashing.database):
        task = await sends(crashing, send)
        crashing.talk.slack.faults.set("half_open")
    await until(lambda: crashing.talk.rows(stored), f"{stored}; {crashing.remains()}")
    await crashing.dies()
    assert not task.done() or task.result().error is not None
    task.cancel()
    await crashing.starts()


async def dies_told(crashing: Crashing, send: Send) -> None:
    """Kill the bot at the moment at which it has said that it is so."""
    said = await send()
    assert said.error is None
    assert said.ack in (None, {}), said.ack
    await crashing.dies()
    await crashing.starts()


# -- the verdict -------------------------------------------------------------------------------------------------


async def sound(crashing: Crashing) -> None:
    """In the end: nothing is owed, each message stands once, each step is settled once, and the audit verifies."""
    talk = crashing.talk
    owed = "select count(*) from outbox where version > sent_version"
    await until(lambda: talk.rows(owed) == [(0,)], f"an empty outbox; {crashing.remains()}")
    keys = posted(talk)
    assert [key for key, many in Counter(keys).items() if many > 1] == []
    walks = [number for (number,) in talk.rows("select id from walks")]
    assert sorted(cards(keys)) == sorted(f"walk/{number}" for number in walks)
    settled: Counter[tuple[int, int]] = Counter()
    replies = Counter(key.split("/")[2].split("-")[0] for key in keys if key.count("/") == 2)
    for event, subject, detail in talk.rows("select event, subject, detail from audit order by seq"):
        word, number = event.rpartition(" ")[2], subject.rpartition(" ")[2]
        if event == f"recovery step {word}" and word in SETTLED:
            settled[int(number), json.loads(detail)["step"]] += 1
            assert settled[int(number), json.loads(detail)["step"]] == 1, (subject, detail)
            replies["step"] -= 1
        if event == "recovery steps undone":
            settled.subtract((int(number), step) for step in json.loads(detail)["steps"])
        if event == "recovery handed over":
            replies["lead"] -= 1
    assert replies["step"] == 0
    assert replies["lead"] == 0
    handed = "select 1 from audit where event = 'recovery handed over'"
    assert len([key for key in keys if "/lead/" in key]) == len(talk.rows(handed))
    stands = talk.rows("select walk_id, number from walk_steps where state != 'open'")
    assert sorted(stands) == sorted((+settled).elements())
    await crashing.audit_is_sound()


def cards(keys: list[str]) -> list[str]:
    """The keys of recoveries' cards."""
    return [key for key in keys if key.startswith("walk/") and key.count("/") == 1]


def stored(crashing: Crashing, act: Act) -> bool:
    """True when the act stands in the record."""
    return bool(crashing.talk.rows(act.stored))


# -- opening -----------------------------------------------------------------------------------------------------


async def test_killed_when_it_is_open_and_its_card_is_not_posted_yet(scene: Scene) -> None:
    async with bot(scene) as crashing:
        admin, slack = crashing.talk.admin, crashing.talk.slack
        slack.faults.set("http_500", methods=["chat.postMessage"])
        await dies_unheard(
            crashing, lambda: admin.types(RECOVER, trigger_id="7.7.same"), "select 1 from walks"
        )
        assert slack.messages(OPS) == ()
        slack.faults.clear()
        await dies_posting(crashing, "reset_after_accept")
        assert "open already" in text_of(await admin.types(RECOVER, trigger_id="7.7.same"))
        assert "under way" in text_of(await crashing.talk.person("operator").types("/recover ndax"))
        shown = await until(lambda: slack.messages(OPS), "the card")
        walk = Walking(talk=crashing.talk, shown=shown[0], number=1)
        await (await ready(walk, TAKE))()
        assert stored(crashing, TAKE)
        await sound(crashing)
        assert len(written(crashing.talk, "recovery opened")) == 1


async def dies_posting(crashing: Crashing, fault: str) -> None:
    """Kill the bot while it posts the card, which Slack may have taken or not."""
    faults = crashing.talk.slack.faults
    faults.set(fault, methods=["chat.postMessage"], times=1)
    await until(lambda: not faults.active(fault), "the post")
    await crashing.dies()
    assert crashing.talk.rows("select ts from outbox where key = 'walk/1'") == [(None,)]
    await crashing.starts()


@pytest.mark.long
@pytest.mark.parametrize("fault", ["reset_after_accept", "hang"])
async def test_killed_while_its_card_is_posted(scene: Scene, fault: str) -> None:
    async with bot(scene) as crashing:
        talk, slack = crashing.talk, crashing.talk.slack
        slack.faults.set("http_500", methods=["chat.postMessage"])
        assert "is open in" in text_of(await talk.admin.types(RECOVER))
        slack.faults.clear()
        await dies_posting(crashing, fault)
        shown = await until(lambda: slack.messages(OPS), "the card")
        await Walking(talk=talk, shown=shown[0], number=1).says("Done")
        await sound(crashing)


@pytest.mark.long
async def test_killed_between_the_agreement_to_a_third_one_and_its_opening(scene: Scene) -> None:
    async with bot(scene) as crashing:
        talk = crashing.talk
        for number in (1, 2):
            await talk.admin.types(RECOVER)
            await talk.admin.types(f"/recover abandon {number} tried enough")
        await talk.admin.types("/recover ndax again the memory was doubled last night")
        ((action,),) = talk.rows("select action_id from approvals")
        shown = await card(talk, action, "Approve?")
        talk.fleet.faults.set("slow", paths=["/status"], seconds=0.4)
        click = asyncio.create_task(talk.person(SECOND).clicks("Approve", shown))
        agreed = "select 1 from approvals where state = 'approved'"
        await until(lambda: talk.rows(agreed), "the agreement")
        await crashing.dies()
        click.cancel()
        talk.fleet.faults.clear()
        await crashing.starts()
        await card(talk, action, "Recovery #3 is open")
        assert talk.rows("select id from walks where action_id = ?", action) == [(3,)]
        assert talk.rows("select count(*) from walks") == [(3,)]
        await sound(crashing)
        assert len([m for m in talk.slack.messages(APPROVALS) if action in m.words]) == 1


# -- acts of people ----------------------------------------------------------------------------------------------


async def test_killed_after_each_act_was_acknowledged_it_stands(scene: Scene) -> None:
    async with bot(scene) as crashing:
        walk = await opened(crashing.talk, "/recover ndax")
        for act in (CHOOSE, LOOKED, TAKE, HAND_OVER, ABANDON):
            await dies_told(crashing, await ready(walk, act))
            assert stored(crashing, act), act
        await until(lambda: "(abandoned)" in walk.card.words, "the end on the card")
        assert [each[1] for each in walk.steps if each[4] != "open"] == ["look"]
        assert buttons(walk.card) == []
        await sound(crashing)


@pytest.mark.long
async def test_killed_before_the_opening_or_an_act_is_stored_it_can_be_sent_again(scene: Scene) -> None:
    async with bot(scene) as crashing:
        await dies_before(crashing, lambda: crashing.talk.admin.types("/recover ndax"))
        assert crashing.talk.rows("select count(*) from walks") == [(0,)]
        assert crashing.talk.slack.messages(OPS) == ()
        walk = await opened(crashing.talk, "/recover ndax")
        for act in ACTS:
            send = await ready(walk, act)
            await dies_before(crashing, send)
            assert not stored(crashing, act), act
            said = await send()
            assert (said.error, said.ack or None) == (None, None)
            assert stored(crashing, act), act
        await sound(crashing)


@pytest.mark.long
async def test_killed_after_each_act_was_stored_before_anybody_heard_it_is_not_done_twice(
    scene: Scene,
) -> None:
    async with bot(scene) as crashing:
        talk = crashing.talk
        walk = await opened(talk, "/recover ndax")
        for act in ACTS:
            send = await ready(walk, act)
            await dies_unheard(crashing, send, act.stored)
            said = await send()  # by somebody who saw that Slack had no answer
            assert said.error is None, act
            if act in (LOOKED, STOPPED, SKIP, ABANDON):
                assert "nothing was changed" in str(said.ack).lower(), act
            for form in talk.slack.modals(act.who):
                await talk.slack.close_view(act.who, form.id)
            assert stored(crashing, act), act
        assert len(written(talk, "recovery handed over")) == 1
        assert len(written(talk, "recovery abandoned")) == 1
        await sound(crashing)


# -- looking -----------------------------------------------------------------------------------------------------


@pytest.mark.long
async def test_killed_while_it_looks_at_everything_it_looks_again(scene: Scene) -> None:
    async with bot(scene) as crashing:
        talk, faults = crashing.talk, crashing.talk.fleet.faults
        faults.set("hang", server="monitor")
        before = questions(crashing)
        walk = await opened(talk, "/recover ndax")
        await until(lambda: questions(crashing) > before, "a question to the monitor")
        await crashing.dies()
        assert talk.rows("select looked_at from walks") == [(None,)]
        faults.clear()
        await crashing.starts()
        await until(lambda: "Proposed" in walk.card.words, "what a look proposes")
        await (await ready(walk, replace(CHOOSE, label="Choose another")))()
        await walk.at("look")
        await sound(crashing)
        assert len(written(talk, "recovery looked")) == 1


async def test_killed_while_a_step_is_looked_at_it_is_verified_by_the_next_look_alone(scene: Scene) -> None:
    async with bot(scene) as crashing:
        talk, faults = crashing.talk, crashing.talk.fleet.faults
        walk = await opened(talk, RECOVER)
        faults.set("hang", server="monitor")
        before = questions(crashing)
        await walk.press("Check")
        await talk.admin.reads("Looking: the card tells")
        await until(lambda: questions(crashing) > before, "a question to the monitor")
        await crashing.dies()
        faults.clear()
        await crashing.starts()
        assert walk.state("look") == "open"
        await walk.press("Check")
        await until(lambda: walk.state("look") == "verified", "a verified step")
        await crashing.dies()
        await crashing.starts()
        await walk.at("stop")
        verified = "select actor from audit where event = 'recovery step verified'"
        assert talk.rows(verified) == [("U0ADMIN1",)]
        await sound(crashing)


def questions(crashing: Crashing) -> int:
    """How often the monitor was asked for its alerts."""
    return len(crashing.talk.fleet.calls_to("/alerts", server="monitor"))


# -- stopping ----------------------------------------------------------------------------------------------------


async def test_killed_around_a_kill_of_its_own_and_one_that_arrives_during_it(scene: Scene) -> None:
    async with bot(scene) as crashing:
        talk, faults = crashing.talk, crashing.talk.fleet.faults
        walk = await opened(talk, RECOVER)
        await walk.says("Done")
        await walk.at("stop")
        faults.set("hang", paths=["/kill-switch"])
        await walk.press("/kill")
        await crashing.called("/kill-switch")
        await crashing.dies()
        assert talk.fleet.engine.trading
        faults.clear()
        await crashing.starts()
        await until(lambda: walk.state("stop") == "verified", f"the stop; {crashing.remains()}")
        sent = len(talk.posts())
        assert kills(crashing) == 1

        await crashing.dies()
        code, printed = await talk.bot.command_line("kill", "it moves elsewhere")
        assert code == 0, printed
        assert len(talk.posts()) > sent
        await crashing.starts()
        undone = "select 1 from audit where event = 'recovery steps undone' and detail like '%[2]%'"
        await until(lambda: talk.rows(undone), "what it undoes")
        await crashing.dies()
        sent = len(talk.posts())
        await crashing.starts()
        await until(lambda: walk.state("stop") == "verified", "the stop once more")
        await walk.at("cause")
        await sound(crashing)
        assert kills(crashing) == 2
        assert len(talk.posts()) == sent
        assert [each["steps"] for each in written(talk, "recovery steps undone")] == [[], [2]]
        told = [key.partition("/kill-")[2] for key in posted(talk) if key.startswith("walk/1/kill-")]
        assert sorted(told) == sorted(each for (each,) in talk.rows("select id from actions"))


def kills(crashing: Crashing) -> int:
    """How many kills were accepted, each of which holds the one latch."""
    assert crashing.talk.rows("select count(*) from latches where released_at is null") == [(1,)]
    return int(crashing.talk.rows("select count(*) from actions where command = 'kill'")[0][0])


@pytest.mark.long
async def test_two_kills_while_nobody_ran_are_both_told(scene: Scene) -> None:
    async with bot(scene) as crashing:
        talk = crashing.talk
        walk = await opened(talk, RECOVER)
        await crashing.dies()
        for reason in ("the feed is stale", "once more"):
            code, printed = await talk.bot.command_line("kill", reason)
            assert code == 0, printed
        await crashing.starts()
        killed = "select 1 from audit where event = 'recovery steps undone'"
        await until(lambda: talk.rows(killed), "the kills")
        await sound(crashing)
        told = "\n".join(each.words for each in talk.slack.replies(OPS, walk.shown.ts))
        assert "once more" in told
        assert "the feed is stale" in told


# -- releasing, starting, ending ---------------------------------------------------------------------------------


@pytest.mark.long
async def test_killed_along_release_start_and_log_each_is_done_once(scene: Scene) -> None:
    async with bot(scene) as crashing:
        talk, faults = crashing.talk, crashing.talk.fleet.faults
        walk = await opened(talk, RECOVER)
        await walk.says("Done")
        await walk.press("/kill")
        await walk.at("cause")
        await walk.says("Done", NOTE)
        await walk.past("fix", "verify")

        await walk.at("release")
        shown = await asked(crashing, walk, "/override")
        await crashing.dies()
        await crashing.starts()
        await walk.press("/override")  # by somebody who does not know that it is asked already
        faults.set("slow_body", paths=["/kill-switch"], seconds=5.0)
        click = asyncio.create_task(approve(talk, shown))
        await until(lambda: not talk.fleet.engine.kill_switch_active, "the release")
        await crashing.dies()
        click.cancel()
        faults.clear()
        await crashing.starts()
        await walk.at("start", "ndax")
        assert walk.state("release") == "verified"
        assert len(releases(talk)) == 1

        shown = await asked(crashing, walk, "/start ndax")
        faults.set("slow_body", paths=["/start"], seconds=5.0)
        click = asyncio.create_task(approve(talk, shown))
        await until(lambda: talk.fleet.engine.status("ndax") == "running", "a bot that runs")
        await crashing.dies()
        click.cancel()
        faults.clear()
        await crashing.starts()
        await walk.at("log")
        assert walk.state("start", "ndax") == "verified"
        assert [each["bot"] for each in writes(talk, "/start")] == ["ndax"]

        await walk.press("/recoveries new ndax")
        form = await talk.admin.gets_form()
        assert NOTE in str(form.body)

        def send() -> Awaitable[Delivery]:
            return talk.slack.submit("admin", form.id, {"cause": NOTE, "outcome": "success"})

        await dies_before(crashing, send)
        assert talk.rows("select count(*) from recoveries") == [(0,)]
        assert walk.state("log") == "open"
        await dies_unheard(crashing, send, "select 1 from recoveries")
        assert (await send()).error is None
        await until(lambda: "(done)" in walk.card.words, "the end on the card")
        await crashing.dies()
        await crashing.starts()
        await sound(crashing)
        assert talk.rows("select count(*) from recoveries") == [(1,)]
        assert talk.rows("select state, ended_by from walks") == [("done", "chatbot")]
        assert posted(talk).count("walk/1/ended") == 1
        assert (len(releases(talk)), len(writes(talk, "/start"))) == (1, 1)
        ended = "select a.command, a.state from actions a join approvals p on p.action_id = a.id order by 1"
        assert talk.rows(ended) == [("override", "verified"), ("start", "verified")]


async def asked(crashing: Crashing, walk: Walking, label: str) -> Message:
    """Press a command that takes two: the card of the request."""
    before = crashing.talk.rows("select count(*) from approvals")[0][0]
    await walk.press(label)
    query = "select action_id from approvals order by asked_at desc"
    found = await until(lambda: crashing.talk.rows(query)[: -before or None], "the request")
    return await card(crashing.talk, found[0][0], "Approve?")


# -- at any moment -----------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_killed_at_random_moments_of_every_act(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    async with bot(scene) as crashing:
        talk = crashing.talk
        walk = await opened(talk, "/recover ndax")
        for act in ACTS:
            send = await ready(walk, act)
            task = asyncio.ensure_future(send())
            await asyncio.sleep(
                chance.choice((0.01, 0.05, 1.0)) * chance.random()
            )  # the random moment itself
            await crashing.dies()
            told = task.done() and task.result().error is None
            task.cancel()
            assert stored(crashing, act) or not told, (seed, act)
            await crashing.starts()
            if not stored(crashing, act):
                assert (await send()).error is None, (seed, act)
            for form in talk.slack.modals(act.who):
                await talk.slack.close_view(act.who, form.id)
            assert stored(crashing, act), (seed, act)
        await sound(crashing)
