"""SIGKILL while the database does not answer: what stands in the journal is carried out, once."""

import shutil

from tests.conversation import OPS
from tests.crash.moments import locked, until
from tests.crash.scene import Scene


async def test_killed_as_soon_as_the_journal_holds_it(scene: Scene) -> None:
    async with scene.opens() as crashing:
        with locked(crashing.database):
            request = crashing.types("/kill journaled")
            await until(lambda: request.trigger in crashing.journaled(), "the journal line")
            await crashing.dies()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_killed_after_the_journaled_stop_was_seen_done(scene: Scene) -> None:
    async with scene.opens() as crashing:
        with locked(crashing.database):
            request = crashing.types("/kill journaled and done")
            await crashing.acknowledged(request)
            await until(lambda: not crashing.talk.fleet.engine.trading, "a stopped fleet")
            await crashing.talk.admin.sees("verified", "not yet in the audit")
            await crashing.dies()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_a_journaled_kill_does_not_wait_for_the_database_after_a_crash_either(scene: Scene) -> None:
    async with scene.opens(CHATBOT_COORDINATOR__READ_TIMEOUT="10") as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        with locked(crashing.database):
            request = crashing.types("/kill still locked")
            await crashing.acknowledged(request)
            card = (await until(lambda: crashing.talk.slack.messages(OPS), "the card"))[0]
            await crashing.dies()
            assert crashing.talk.fleet.engine.trading
            crashing.talk.fleet.faults.clear()
            await crashing.talk.bot.start(ready=False)
            await until(lambda: not crashing.talk.fleet.engine.trading, "a stopped fleet")
            shown = await crashing.talk.admin.sees("verified", "still locked", "not yet in the audit")
            assert shown.ts == card.ts  # the card of the dead one, found and edited
            await until(lambda: crashing.talk.slack.socket_count == 2, "the sockets")
            again = crashing.types(request.line, trigger=request.trigger)
            await crashing.acknowledged(again)
        await crashing.talk.bot.until("/readyz")
        await crashing.shown_once(await crashing.carried_out(request))
        assert crashing.talk.rows("select count(*) from actions") == [(1,)]


async def test_a_journaled_kill_that_had_ended_is_not_sent_again(scene: Scene) -> None:
    async with scene.opens() as crashing:
        with locked(crashing.database):
            request = crashing.types("/kill over")
            await until(lambda: '"step":"finished"' in crashing.journaled(), "the end in the journal")
            await until(lambda: crashing.talk.slack.messages(OPS), "the card")
            await crashing.dies()
            sent = len(crashing.stops("/kill"))
            await crashing.talk.bot.start(ready=False)
            await until(lambda: crashing.talk.slack.socket_count == 2, "the sockets")
            assert len(crashing.stops("/kill")) == sent
        await crashing.talk.bot.until("/readyz")
        await crashing.shown_once(await crashing.carried_out(request))
        assert len(crashing.stops("/kill")) == sent


async def test_killed_between_the_import_and_the_end_of_the_journal(scene: Scene) -> None:
    async with scene.opens() as crashing:
        with locked(crashing.database):
            request = crashing.types("/kill imported twice")
            await crashing.acknowledged(request)
            await crashing.dies()
            shutil.copy(crashing.journal, crashing.talk.data / "kept")
        await crashing.starts()
        action = await crashing.carried_out(request)
        await crashing.dies()
        # as if it had died after the last row was committed and before the file was put aside
        shutil.copy(crashing.talk.data / "kept", crashing.journal)
        await crashing.starts()
        await until(lambda: not crashing.journal.exists(), "an imported journal")
        assert await crashing.carried_out(request) == action
        await crashing.shown_once(action)


async def test_killed_at_the_first_imported_row(scene: Scene) -> None:
    async with scene.opens() as crashing:
        with locked(crashing.database):
            request = crashing.types("/kill half imported")
            await crashing.acknowledged(request)
            await until(lambda: not crashing.talk.fleet.engine.trading, "a stopped fleet")
            await until(lambda: crashing.talk.slack.messages(OPS), "the card")
            await crashing.dies()
        await crashing.talk.bot.start(ready=False)
        await until(lambda: crashing.committed(request), "the row")
        await crashing.dies()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))


async def test_the_same_request_in_the_journal_and_after_a_crash_is_one_kill(scene: Scene) -> None:
    async with scene.opens() as crashing:
        with locked(crashing.database):
            first = crashing.types("/kill once", trigger="7.7.same")
            await crashing.acknowledged(first)
            await crashing.dies()
        await crashing.starts()
        second = crashing.types("/kill once", trigger="7.7.same")
        await crashing.acknowledged(second)
        await crashing.shown_once(await crashing.carried_out(first))
        assert crashing.talk.rows("select count(*) from actions") == [(1,)]
        assert crashing.talk.rows("select count(*) from latches") == [(1,)]


async def test_a_torn_last_line_was_never_acknowledged_and_harms_nothing(scene: Scene) -> None:
    async with scene.opens() as crashing:
        with locked(crashing.database):
            request = crashing.types("/kill before the torn line")
            await crashing.acknowledged(request)
            await crashing.dies()
        with crashing.journal.open("ab") as journal:
            journal.write(b'{"step":"accept","once":null,"argum')
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))
        assert crashing.talk.rows("select count(*) from actions") == [(1,)]


async def test_a_kill_after_the_crash_joins_the_one_in_the_journal(scene: Scene) -> None:
    async with scene.opens(CHATBOT_COORDINATOR__READ_TIMEOUT="10") as crashing:
        crashing.talk.fleet.faults.set("ignores_stop", bot="quantum")
        with locked(crashing.database):
            first = crashing.types("/kill first reason")
            await crashing.acknowledged(first)
            await crashing.dies()
        await crashing.starts()
        second = crashing.types("/kill second reason", who="second-admin")
        await crashing.acknowledged(second)
        crashing.talk.fleet.faults.clear()
        action = await crashing.carried_out(first)
        await crashing.shown_once(action)
        assert crashing.talk.rows("select action_id, reason from latches") == [(action, "first reason")]
        assert crashing.talk.rows("select joined_to from actions where key = ?", second.trigger) == [
            (action,)
        ]


async def test_a_journal_that_cannot_be_read_after_a_crash_keeps_nobody_from_stopping(scene: Scene) -> None:
    async with scene.opens() as crashing:
        slack = crashing.talk.slack
        slack.faults.set("hang", methods=("chat.postMessage",), times=1)
        first = crashing.types("/kill first")
        await crashing.acknowledged(first)
        await until(lambda: not slack.faults.active("hang"), "the post that hangs")
        await crashing.dies()
        crashing.journal.mkdir()  # what a damaged disk answers: it is there, and every read fails
        slack.faults.set("slow", methods=("chat.postMessage",), seconds=2.0)  # both ways want to post by then
        await crashing.starts()
        action = await crashing.carried_out(first)
        await until(lambda: crashing.cards(action), "the card")
        slack.faults.clear()
        crashing.begins_anew()
        second = crashing.types("/kill second")
        await crashing.acknowledged(second)
        assert await crashing.carried_out(second) != action
        await crashing.shown_once(action)
