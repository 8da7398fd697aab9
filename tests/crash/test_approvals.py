"""SIGKILL at each step of an approval's way: what was approved is done once or, in sight of all, not at all."""

import asyncio
import contextlib
import re
import signal
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from chatbot.sandbox.slack.model import Message
from tests.crash.moments import PATIENCE, locked, until
from tests.crash.scene import Crashing, Scene
from tests.e2e.two_people import APPROVALS, QUICK, card, kill, releases, state, text_of, writes

RULES = {key: value for key, value in QUICK.items() if "POLICY" in key}
PATIENT = {**RULES, "CHATBOT_COORDINATOR__READ_TIMEOUT": "10"}  # a hanging call hangs until the bot dies
SECOND = "second-admin"
_ID = re.compile(r"\b[a-z-]+-[0-9A-Z]{8}\b")


def lawless(crashing: Crashing) -> None:
    """Let the coordinator hold no rules of its own, as those in the field."""
    switch = crashing.talk.fleet.engine.kill_switch
    switch.cooldown, switch.breaker_kills = timedelta(0), 1_000_000


async def asked(crashing: Crashing, line: str) -> tuple[str, Message]:
    """Ask for something: its id and its card."""
    found = _ID.search(text_of(await crashing.talk.admin.types(line)))
    assert found is not None
    return found[0], await card(crashing.talk, found[0], "Approve?")


async def to_release(crashing: Crashing) -> tuple[str, Message]:
    """A killed fleet, and a request to release it."""
    lawless(crashing)
    await kill(crashing.talk)
    return await asked(crashing, "/override it is fixed")


def approving(crashing: Crashing, shown: Message) -> "asyncio.Task[Any]":
    """Press Approve and go on at once."""
    return asyncio.create_task(crashing.talk.person(SECOND).clicks("Approve", shown))


async def in_state(crashing: Crashing, action: str, *wanted: str) -> None:
    """Wait until the action is in one of these states."""
    await until(lambda: state(crashing.talk, action)[1] in wanted, f"{action} {wanted}; {crashing.remains()}")


async def sound(crashing: Crashing, action: str, *words: str) -> None:
    """In the end: one card that says so, no open end, an audit that verifies, a latch that fits the fleet."""
    shown = await card(crashing.talk, action, *words)
    copies = [m for m in crashing.talk.slack.messages(APPROVALS) if action in m.words]
    assert len(copies) == 1
    assert "Approve\n" not in shown.words
    held = crashing.talk.rows("select count(*) from latches where released_at is null")[0][0]
    assert bool(held) == crashing.talk.fleet.engine.kill_switch_active
    assert crashing.talk.rows("select count(*) from votes where action_id = ?", action)[0][0] <= 1
    await crashing.audit_is_sound()


async def test_killed_before_the_request_is_stored(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        lawless(crashing)
        await kill(crashing.talk)
        with locked(crashing.database):
            typing = asyncio.create_task(crashing.talk.admin.types("/override never stored"))
            await asyncio.sleep(0.3)
            await crashing.dies()
        typing.cancel()
        await crashing.starts()
        assert crashing.talk.rows("select count(*) from approvals") == [(0,)]
        assert releases(crashing.talk) == []


async def test_killed_after_the_request_is_stored_before_it_is_acknowledged(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        lawless(crashing)
        await kill(crashing.talk)
        with locked(crashing.database):
            typing = asyncio.create_task(crashing.talk.admin.types("/override stored unseen"))
            await asyncio.sleep(0.3)
            crashing.talk.slack.faults.set("half_open")
        await until(lambda: crashing.talk.rows("select 1 from approvals"), "the request")
        await crashing.dies()
        typing.cancel()
        await crashing.starts()
        ((action,),) = crashing.talk.rows("select action_id from approvals")
        shown = await card(crashing.talk, action, "Approve?")
        await approving(crashing, shown)
        await sound(crashing, action, "Done and read back")
        assert len(releases(crashing.talk)) == 1


async def test_killed_while_it_waits_and_approved_afterwards(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        action, shown = await to_release(crashing)
        await crashing.dies()
        await crashing.starts()
        await approving(crashing, shown)
        await sound(crashing, action, "Done and read back")
        assert len(releases(crashing.talk)) == 1


async def test_killed_before_the_vote_is_stored(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        action, shown = await to_release(crashing)
        with locked(crashing.database):
            click = approving(crashing, shown)
            await asyncio.sleep(0.4)
            await crashing.dies()
        click.cancel()
        await crashing.starts()
        assert state(crashing.talk, action) == ("pending", "waiting")
        assert releases(crashing.talk) == []
        await approving(crashing, shown)
        await sound(crashing, action, "Done and read back")
        assert len(releases(crashing.talk)) == 1


async def test_killed_after_the_last_vote_before_anything_is_sent(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        action, shown = await to_release(crashing)
        crashing.talk.fleet.faults.set("slow", paths=["/status"], seconds=0.4)
        click = approving(crashing, shown)
        await until(lambda: state(crashing.talk, action)[0] == "approved", "the approval")
        await crashing.dies()  # while it reads the fleet before it sends
        click.cancel()
        assert releases(crashing.talk) == []
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await sound(crashing, action, "Done and read back")
        assert len(releases(crashing.talk)) == 1


async def test_killed_while_the_coordinator_hangs_before_it_obeys(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        action, shown = await to_release(crashing)
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        click = approving(crashing, shown)
        await until(lambda: releases(crashing.talk), "the release on its way")
        await crashing.dies()
        click.cancel()
        assert crashing.talk.fleet.engine.kill_switch_active
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await sound(crashing, action, "Done and read back")
        assert len(releases(crashing.talk)) == 2  # the first never took effect


async def test_killed_after_it_was_obeyed_before_the_answer(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        action, shown = await to_release(crashing)
        crashing.talk.fleet.faults.set("slow_body", paths=["/kill-switch"], seconds=5.0)
        click = approving(crashing, shown)
        await until(lambda: not crashing.talk.fleet.engine.kill_switch_active, "the release")
        await crashing.dies()
        click.cancel()
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await sound(crashing, action, "Done and read back")
        assert len(releases(crashing.talk)) == 1


async def test_killed_between_the_answer_and_the_record(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        action, shown = await to_release(crashing)
        crashing.talk.fleet.faults.set("slow", paths=["/kill-switch"], seconds=0.4)
        click = approving(crashing, shown)
        await until(lambda: any(event == "sending" for _, event, _ in crashing.talk.events()), "the sending")
        with locked(crashing.database):
            await until(lambda: not crashing.talk.fleet.engine.kill_switch_active, "the release")
            await asyncio.sleep(0.3)  # it has read that back since, and cannot write it down
            await crashing.dies()
        click.cancel()
        crashing.talk.fleet.faults.clear()
        assert state(crashing.talk, action) == ("approved", "running")
        await crashing.starts()
        await sound(crashing, action, "Done and read back")
        assert len(releases(crashing.talk)) == 1


async def test_after_a_crash_what_has_grown_old_expires_in_sight_of_all(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        action, shown = await to_release(crashing)
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        click = approving(crashing, shown)
        await until(lambda: releases(crashing.talk), "the release on its way")
        await crashing.dies()
        click.cancel()
        past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="microseconds")
        with (
            contextlib.closing(sqlite3.connect(crashing.database, timeout=PATIENCE)) as connection,
            connection,
        ):
            connection.execute("update approvals set good_until = ?", (past,))
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await sound(crashing, action, "Abandoned", "its time was over")
        assert len(releases(crashing.talk)) == 1
        assert crashing.talk.fleet.engine.kill_switch_active


async def test_a_kill_while_it_was_dead_is_newer_than_the_approval(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        action, shown = await to_release(crashing)
        crashing.talk.fleet.faults.set("slow", paths=["/status"], seconds=0.4)
        click = approving(crashing, shown)
        await until(lambda: state(crashing.talk, action)[0] == "approved", "the approval")
        await crashing.dies()
        click.cancel()
        crashing.talk.fleet.faults.clear()
        code, printed = await crashing.talk.bot.command_line("kill", "newer")
        assert code == 0, printed
        await crashing.starts()
        await sound(crashing, action, "Approved, but not sent", "the fleet was killed again")
        assert releases(crashing.talk) == []


async def test_killed_in_the_middle_of_a_sequence(scene: Scene) -> None:
    async with scene.opens(**PATIENT) as crashing:
        await to_stopped(crashing)
        crashing.talk.fleet.engine.floor.policy = slow_starts(crashing)
        action, shown = await asked(crashing, "/start-sequential")
        click = approving(crashing, shown)
        await until(lambda: crashing.talk.fleet.engine.status("quantum") == "starting", "quantum starting")
        await crashing.dies()
        click.cancel()
        await crashing.starts()
        done = await card(crashing.talk, action, "Done and read back")
        assert "shadowforge is running" in done.words
        assert [each["bot"] for each in writes(crashing.talk, "/start")] == ["ndax", "quantum", "shadowforge"]
        assert len(crashing.talk.fleet.engine.trading) == 3


async def test_told_to_stop_in_the_middle_it_hands_a_sequence_over(scene: Scene) -> None:
    patient = {**PATIENT, "CHATBOT_POLICY__START_TIMEOUT_SECONDS": "60"}
    async with scene.opens(**patient) as crashing:
        await to_stopped(crashing)
        crashing.talk.fleet.engine.floor.policy = slow_starts(crashing, seconds=60.0)
        action, shown = await asked(crashing, "/start-sequential")
        click = approving(crashing, shown)
        await until(lambda: crashing.talk.fleet.engine.status("ndax") == "starting", "ndax starting")
        process = crashing.talk.bot.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        await process.wait()
        click.cancel()
        assert state(crashing.talk, action) == ("approved", "running")
        crashing.talk.fleet.engine.floor.run(crashing.talk.fleet.engine.bot("ndax"), datetime.now(UTC))
        crashing.talk.fleet.engine.floor.policy = slow_starts(crashing)
        await crashing.starts()
        await card(crashing.talk, action, "Done and read back")
        assert [each["bot"] for each in writes(crashing.talk, "/start")] == ["ndax", "quantum", "shadowforge"]


async def to_stopped(crashing: Crashing) -> None:
    """A fleet that is released and in which nothing runs."""
    action, shown = await to_release(crashing)
    await approving(crashing, shown)
    await card(crashing.talk, action, "Done and read back")


def slow_starts(crashing: Crashing, seconds: float = 0.5) -> Any:
    """The fleet's numbers with starts that take so long."""
    from dataclasses import replace

    policy = replace(crashing.talk.fleet.engine.policy, start_delay=timedelta(seconds=seconds))
    crashing.talk.fleet.engine.policy = policy
    return policy
