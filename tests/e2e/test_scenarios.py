"""All seven scenarios of the handbook, suffered for real, recognised, and walked to their end over a restart."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatbot.sandbox.fleet import make_home
from tests.conversation import Conversation, conversation
from tests.e2e.alerting import buttons, until
from tests.e2e.two_people import APPROVALS, OBEDIENT, QUICK, approve, kill
from tests.e2e.walking import NOTE, Walking, document, opened

pytestmark = pytest.mark.long  # each walks some fifteen steps and restarts the bot

RESTORE = "/config restore bot-limits.json from latest"
CLEAR = "/host clear-breaker"
OTHERS = {"Choose another", "Choose a runbook"}
RESTART = "/host restart-coordinator"


@dataclass(frozen=True, kw_only=True)
class Story:
    """One scenario: what goes wrong, and what mends it."""

    fault: str
    options: Mapping[str, object] = field(default_factory=dict)
    bot: str = "ndax"
    killed_before: bool = False  # a kill stands, and a release of it did not take effect
    commands: Mapping[str, str] = field(default_factory=dict)  # step -> the button that mends
    mended_at: str = ""  # the step at which a person takes the cause away
    asserted: frozenset[str] = frozenset()  # what no probe can see in this sandbox


STORIES: Mapping[str, Story] = {
    "crash-loop": Story(fault="crash_loop", options={"bot": "ndax", "seconds": 1.5}, mended_at="code"),
    "api-connection": Story(fault="exchange_down", mended_at="line"),
    "configuration": Story(fault="config_broken", commands={"restore": RESTORE}),
    "kill-switch": Story(
        fault="release_refused", killed_before=True, commands={"breaker": CLEAR, "restart": RESTART}
    ),
    "data-loss": Story(
        fault="position_mismatch",
        options={"bot": "ndax"},
        mended_at="reconcile",
        # the files of positions are nobody else's to look at; a stopped bot goes on telling its last errors
        asserted=frozenset({"restore", "check"}),
    ),
    "security-breach": Story(fault="intruder", options={"bot": "ndax"}, mended_at="rebuild"),
    "resources": Story(fault="exhaustion", mended_at="room"),
}


async def suffers(talk: Conversation, story: Story) -> None:
    """Let it go wrong, until it can be seen."""
    if story.killed_before:
        await kill(talk, "the feed was stale")
    talk.fleet.faults.set(story.fault, **story.options)
    if story.fault == "crash_loop":
        falls = "select count(*) from sightings where bot = 'ndax' and status = 'error'"
        await until(talk, lambda: talk.rows(falls)[0][0] >= 3)
    if story.killed_before:
        before = talk.rows("select count(*) from approvals")[0][0]
        await talk.admin.types("/override the feed is back")
        await until(talk, lambda: talk.rows("select count(*) from approvals")[0][0] > before)
        (which,) = talk.rows("select action_id from approvals order by asked_at desc limit 1")[0]
        await approve(talk, await talk.person("second-admin").sees(which, where=APPROVALS))
        over = "select count(*) from actions where id = ? and finished_at is not null"
        await until(talk, lambda: talk.rows(over, which) == [(1,)])


async def proposed(talk: Conversation, walk: Walking) -> list[str]:
    """The scenarios that were proposed, the likeliest first."""
    query = "select proposed from walks where id = ?"
    found = await until(talk, lambda: json.loads(talk.rows(query, walk.number)[0][0]))
    return [each["scenario"] for each in found]


async def walked(walk: Walking, story: Story) -> None:
    """Do what the step that is next asks for."""
    talk, here = walk.talk, walk.current
    assert here is not None
    shown = f"(step {here[0]} of {len(walk.steps)})"
    await until(talk, lambda: walk.current != here or shown in walk.card.words)
    if walk.current != here:
        return  # it verified itself
    if here[1] == story.mended_at:
        talk.fleet.faults.clear(story.fault)
    if here[1] in story.commands:
        await walk.agreed(story.commands[here[1]])
        await until(talk, lambda: talk.rows("select count(*) from actions where state = 'running'") == [(0,)])
    await done(walk, story, *here[1:3])
    await until(talk, lambda: walk.current != here)


async def done(walk: Walking, story: Story, name: str, bot: str | None) -> None:
    """What a person does at this step."""
    killed = walk.talk.rows("select count(*) from latches where released_at is null") == [(1,)]
    pressed = {"stop": "" if killed else "/kill", "lockdown": "/lockdown on", "evidence": "/evidence"}
    agreed = {"release": "/override" if killed else "", "start": f"/start {bot}"}
    looked_at = {"restore", "check"} - story.asserted
    expects = "select expects from walk_steps where walk_id = ? and name = ?"
    by_itself = walk.talk.rows(expects, walk.number, name)[0] != ("{}",)
    if name in pressed:
        if pressed[name]:
            await walk.press(pressed[name])
    elif name in agreed:
        if agreed[name]:
            await walk.agreed(agreed[name])
    elif name == "unlock":
        await unlocked(walk)
    elif name == "watch":
        await walk.window_ends_well()
    elif name == "log":
        await document(walk)
    elif name in looked_at:
        await walk.press("Check")
    elif name not in {"look", "still-stopped", "wait"} or not by_itself:
        await walk.says("Skip" if "Skip" in buttons(walk.card) else "Done")


async def unlocked(walk: Walking) -> None:
    """End the lockdown, which takes two others."""
    await walk.agreed("/lockdown off")
    (which,) = walk.talk.rows("select action_id from approvals order by asked_at desc limit 1")[0]
    shown = await walk.talk.person("third-admin").sees(which, "1 of 2", where=APPROVALS)
    await approve(walk.talk, shown, who="third-admin")


@pytest.mark.parametrize("scenario", STORIES)
async def test_a_scenario_is_recognised_and_walked_to_its_end_over_a_restart(
    tmp_path: Path, scenario: str
) -> None:
    story = STORIES[scenario]
    async with AsyncExitStack() as stack:
        home = make_home(tmp_path / "fleet")
        talk = await stack.enter_async_context(
            conversation(tmp_path, fleet={"policy": OBEDIENT, "home": home}, **QUICK)
        )
        await suffers(talk, story)
        walk = await opened(talk, f"/recover {story.bot}")
        assert (await proposed(talk, walk))[0] == scenario
        assert (await proposed(talk, walk))[1:] == [], walk.card.words
        label = next(each for each in await until(talk, lambda: choices(walk)))
        await walk.press(label)
        await until(talk, lambda: walk.current)
        restarted = False
        while walk.current is not None:
            await walked(walk, story)
            if walk.current is not None and walk.current[3] == "verify" and not restarted:
                await talk.bot.dies()
                await talk.bot.start()
                restarted = True
        assert restarted
        await until(talk, lambda: "(done)" in walk.card.words)
        states = {each[1]: each[4] for each in walk.steps}
        checked = "asserted" if "check" in story.asserted else "verified"
        assert (states["stop"], states["check"]) == ("verified", checked), states
        assert (states["release"], states["start"], states["watch"]) == (
            "verified",
            "verified",
            "verified",
        ), states
        [(kept, cause)] = talk.rows("select scenario, root_cause from recoveries")
        assert (kept, cause) == (scenario, NOTE)
        if scenario == "security-breach":
            taken, isolated = (
                next(n for n, each in enumerate(walk.steps) if each[1] == name)
                for name in ("evidence", "isolate")
            )
            assert taken < isolated
        assert "Traceback" not in talk.bot.words()


def choices(walk: Walking) -> list[str]:
    """The buttons of what is proposed."""
    return [each for each in buttons(walk.card) if each.startswith("Choose ") and each not in OTHERS]
