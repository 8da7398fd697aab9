"""SIGKILL at each step of a kill's way, in the order in which the steps are taken."""

import asyncio
import signal

from tests.crash.moments import locked, undecided, until
from tests.crash.scene import Scene

PATIENT_STORAGE = {"CHATBOT_KILL__STORAGE_TIMEOUT_MS": "2000"}  # 1.4 s for the database before the journal
PATIENT_CLIENT = {"CHATBOT_COORDINATOR__READ_TIMEOUT": "10"}  # a hanging call hangs until the bot dies


async def test_1_killed_before_it_read_the_request(scene: Scene) -> None:
    async with scene.opens() as crashing:
        process = crashing.talk.bot.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)  # the request waits in the socket of a bot that cannot read it
        request = crashing.types("/kill never read")
        await asyncio.sleep(0)
        await crashing.dies()
        await crashing.starts()
        await crashing.nothing_happened(request)
        assert crashing.talk.fleet.engine.trading
        again = crashing.types("/kill typed again")
        await crashing.acknowledged(again)
        await crashing.shown_once(await crashing.carried_out(again))


async def test_3_killed_while_it_waits_for_the_commit(scene: Scene) -> None:
    async with scene.opens(**PATIENT_STORAGE) as crashing:
        with undecided(crashing.database, crashing.journal):
            request = crashing.types("/kill not committed")
            await asyncio.sleep(0.2)  # it has read the request since, and the database cannot answer
            await crashing.dies()
        await crashing.starts()
        await crashing.nothing_happened(request)
        assert crashing.talk.fleet.engine.trading


async def test_3_to_4_killed_after_the_commit_before_the_acknowledgement_was_seen(scene: Scene) -> None:
    async with scene.opens(**PATIENT_STORAGE) as crashing:
        with locked(crashing.database):
            request = crashing.types("/kill committed unseen")
            await asyncio.sleep(0.2)
            crashing.talk.slack.faults.set(
                "half_open"
            )  # from here on Slack reads nothing of what the bot says
        await until(lambda: crashing.committed(request), "the row")
        await crashing.dies()
        assert not request.acked
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_4_killed_at_the_moment_of_the_acknowledgement(scene: Scene) -> None:
    async with scene.opens() as crashing:
        request = crashing.types("/kill acknowledged")
        await crashing.acknowledged(request)
        await crashing.dies()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_5_killed_while_the_coordinator_hangs_before_it_obeys(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        request = crashing.types("/kill not obeyed yet")
        await crashing.called("/kill-switch")
        await crashing.acknowledged(request)
        dead = crashing.talk.rows("select claimed_by from actions")
        await crashing.dies()
        assert crashing.talk.fleet.engine.trading
        await crashing.starts(CHATBOT_COORDINATOR__READ_TIMEOUT="1")
        # taken over by the time it is ready, not when the dead one's lease has run out
        assert crashing.talk.rows("select claimed_by from actions") != dead
        crashing.talk.fleet.faults.clear()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_5_killed_after_the_coordinator_obeyed_before_it_had_answered(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("slow_body", paths=["/kill-switch"], seconds=5.0)
        request = crashing.types("/kill obeyed unheard")
        await until(lambda: not crashing.talk.fleet.engine.trading, "a stopped fleet")
        await crashing.dies()
        assert not any(event == "sent" for _, event, _ in crashing.talk.events())
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_5_to_6_killed_between_the_answer_and_the_read(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/status"])
        request = crashing.types("/kill answered unread")
        await crashing.event("sent")
        await crashing.dies()
        assert not any(event == "verified" for _, event, _ in crashing.talk.events())
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_6_killed_while_it_re_reads_a_verified_stop(scene: Scene) -> None:
    async with scene.opens(watch="60") as crashing:
        request = crashing.types("/kill watched")
        await crashing.event("verified")
        await crashing.dies()
        assert crashing.talk.rows("select state from actions") == [("running",)]
        crashing.talk.fleet.restart(start_bots=True)  # while nobody looks, the coordinator forgets the kill
        await crashing.starts(CHATBOT_KILL__WATCH_SECONDS="0")
        await crashing.shown_once(await crashing.carried_out(request))
        assert len(crashing.stops("/kill")) >= 2


async def test_7_killed_while_not_confirmed(scene: Scene) -> None:
    async with scene.opens(CHATBOT_KILL__WARN_SECONDS="[0.3, 0.6, 0.9]") as crashing:
        crashing.talk.fleet.faults.set("ignores_stop", bot="quantum")
        request = crashing.types("/kill runaway")
        card = await crashing.talk.admin.sees("NOT CONFIRMED", "quantum")
        await crashing.event("not confirmed after 0.9 s")
        await crashing.dies()
        await crashing.starts()
        crashing.talk.fleet.faults.clear()
        action = await crashing.carried_out(request)
        shown = await crashing.shown_once(action)
        assert shown.ts == card.ts
        replies = crashing.replies(shown)
        assert f"{action}/alarm-0-0.9" in replies


async def test_killed_twice_in_a_row_while_it_recovers(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        request = crashing.types("/kill again and again")
        await crashing.called("/kill-switch")
        await crashing.acknowledged(request)
        await crashing.dies()
        for _ in range(2):
            sent = len(crashing.stops("/kill"))
            await crashing.talk.bot.start(ready=False)
            await crashing.called("/kill-switch", more_than=sent)
            await crashing.dies()
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_the_same_request_before_and_after_a_crash_is_one_kill(scene: Scene) -> None:
    async with scene.opens() as crashing:
        first = crashing.types("/kill once", trigger="7.7.same")
        await crashing.acknowledged(first)
        await crashing.dies()
        await crashing.starts()
        second = crashing.types("/kill once", trigger="7.7.same")
        await crashing.acknowledged(second)
        await crashing.shown_once(await crashing.carried_out(first))
        assert crashing.talk.rows("select count(*) from actions") == [(1,)]


async def test_a_request_that_died_unread_and_comes_again_is_one_kill(scene: Scene) -> None:
    async with scene.opens(**PATIENT_STORAGE) as crashing:
        with undecided(crashing.database, crashing.journal):
            first = crashing.types("/kill once", trigger="7.7.same")
            await asyncio.sleep(0.2)
            await crashing.dies()
        await crashing.starts()
        await crashing.nothing_happened(first)
        second = crashing.types("/kill once", trigger="7.7.same")
        await crashing.acknowledged(second)
        await crashing.shown_once(await crashing.carried_out(second))
        assert crashing.talk.rows("select count(*) from latches") == [(1,)]


async def test_told_to_stop_in_the_middle_it_hands_the_kill_over(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        request = crashing.types("/kill handed over")
        await crashing.called("/kill-switch")
        await crashing.acknowledged(request)
        assert await crashing.talk.bot.stops() == 0
        assert crashing.talk.rows("select state from actions") == [("running",)]
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))
        assert "Traceback" not in crashing.talk.bot.words()


async def test_killed_while_it_stops_in_order(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        request = crashing.types("/kill cut short")
        await crashing.called("/kill-switch")
        await crashing.acknowledged(request)
        process = crashing.talk.bot.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        await until(lambda: '"stopping"' in crashing.talk.bot.words(), "the word that it stops")
        await crashing.dies()
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))
