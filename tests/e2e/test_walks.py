"""Guided recovery through the real process: opened, looked at, walked by two people, over restarts and kills."""

from pathlib import Path
from typing import Any

from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation
from tests.e2e.alerting import buttons, card, reply, until
from tests.e2e.two_people import approve, kill, refused, text_of, two_people
from tests.e2e.walking import NOTE, Walking, document, hands_over, opened

CRASH = "/recover ndax crash-loop"


def told(talk: Conversation, walk: Walking) -> str:
    """Everything that was said in the recovery's thread."""
    return "\n".join(each.words for each in talk.slack.replies(walk.shown.channel, walk.shown.ts))


async def test_two_people_walk_a_whole_recovery_and_its_log_is_written_from_it(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, CRASH)
        await walk.assessed()
        assert walk.state("look") == "asserted"
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
        # the start opened a window of half an hour by itself, which is too short after a crash loop
        await until(talk, lambda: "too short for this step, which takes 60 min" in walk.card.words)
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
        [(scenario, cause, taken, people)] = talk.rows(
            "select scenario, root_cause, actions_taken, people from recoveries"
        )
        assert (scenario, cause) == ("crash-loop", NOTE)
        assert f"Recovery #{walk.number}" in taken
        assert "U0ADMIN2" in people
        code, printed = await talk.bot.command_line("audit", "verify")
        assert code == 0, printed

        again = await opened(talk, "/recover ndax")
        await reply(talk, again.shown, "The last recovery logs of ndax", NOTE)


async def test_a_restart_and_a_kill_in_the_middle_are_part_of_it(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, CRASH)
        await walk.assessed()
        await walk.press("/kill")
        await walk.at("evidence")
        await walk.says("Skip", "nothing to keep")
        await walk.says("Done")
        await talk.bot.dies()
        await talk.bot.start()
        assert walk.state("stop") == "verified"
        await walk.past("fix", "verify")
        await walk.agreed("/override")
        await walk.at("start", "ndax")
        await walk.agreed("/start ndax")
        await walk.at("watch", "ndax")
        await talk.bot.dies()
        await talk.bot.start()
        assert walk.state("start", "ndax") == "verified"

        await kill(talk, "it falls again")
        await reply(
            talk,
            walk.shown,
            "The fleet was killed",
            "it falls again",
            "It is part of this recovery",
            "done again",
        )
        # the repair is doubted: what was verified of it is looked at again before the release
        await walk.at("check")
        assert (walk.state("stop"), walk.state("cause")) == ("verified", "asserted")
        assert walk.state("start", "ndax") == "open"
        assert "the fleet was killed (kill-" in walk.card.words
        await reply(talk, walk.shown, "see whether the cause that was named is the right one")
        await walk.past("verify")
        await walk.at("release")
        # what was seen before the kill proves nothing any more
        await walk.agreed("/override")
        await walk.at("start", "ndax")
        assert talk.rows("select count(*) from walks") == [(1,)]


async def test_the_card_of_a_kill_opens_a_recovery_of_the_fleet(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        await talk.admin.types("/kill fills at bad prices")
        killed = await talk.admin.sees("KILL verified")
        await talk.admin.clicks("Recover", killed)
        walk = Walking(talk=talk, shown=await card(talk, "Recovery #1: the fleet", where=OPS), number=1)
        await talk.admin.clicks("Recover", killed)
        await talk.admin.reads("Recovery #1 of the fleet is under way")
        assert await until(talk, lambda: [each for each in buttons(walk.card) if each.startswith("Choose ")])
        assert talk.rows("select count(*) from walks") == [(1,)]


async def test_one_at_a_time_and_the_third_within_a_day_takes_two_and_an_answer(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        for _ in range(2):
            walk = await opened(talk, CRASH)
            other = text_of(await talk.person("operator").types("/recover ndax"))
            assert f"Recovery #{walk.number} of ndax is under way" in other
            assert "so none was opened" in text_of(await talk.admin.types("/recover fleet"))
            await talk.admin.types(f"/recover abandon {walk.number} tried enough")
            await until(talk, lambda: "(abandoned)" in walk.card.words)  # noqa: B023 - it is read at once
            assert buttons(walk.card) == []
        said = text_of(await talk.admin.types(CRASH))
        assert "takes a second admin" in said
        assert "/recover ndax again" in said
        assert "at least 15 characters" in text_of(await talk.admin.types("/recover ndax again no"))
        operator = text_of(await talk.person("operator").types("/recover ndax again the memory was doubled"))
        assert "admin" in operator
        assert talk.rows("select count(*) from walks") == [(2,)]

        asked = text_of(await talk.admin.types("/recover ndax again the memory was doubled last night"))
        assert "recover ndax once more" in asked.lower()
        action = talk.rows("select action_id from approvals")[0][0]
        shown = await talk.person("second-admin").sees(action, "the memory was doubled", where="C0APPROVE")
        await approve(talk, shown)
        third = await card(talk, "Recovery #3:", "Different this time", "the memory was doubled", where=OPS)
        assert f"agreed to as {action}" in third.words
        await talk.person("second-admin").sees(action, "Recovery #3 is open", where="C0APPROVE")
        assert talk.rows("select state, lead, action_id from walks where id = 3") == [
            ("open", "U0ADMIN1", action)
        ]


async def test_it_is_handed_over_listed_shown_and_belongs_to_those_who_may(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        assert "by operators and admins" in text_of(await talk.person("viewer").types("/recover ndax"))
        walk = await opened(talk, CRASH, who="operator")
        await walk.at("look")
        await walk.press("Done", "admin")
        late = await talk.admin.gets_form()
        await walk.assessed("operator")
        refused = await talk.slack.submit("admin", late.id, {"note": "seen as well"})
        assert "Step 1 was asserted at" in str(refused.ack)
        await walk.press("Choose another", "operator")
        form = await talk.person("operator").gets_form()
        same = await talk.slack.submit("operator", form.id, {"scenario": "crash-loop"})
        assert "is the runbook of this recovery already" in str(same.ack)
        assert walk.steps[0][4] == "asserted"  # what was done stays done
        await talk.admin.types("/recover ndax again the memory was doubled last night")
        await talk.admin.reads("Recovery #1 of ndax is under way")
        assert talk.rows("select count(*) from approvals") == [(0,)]
        assert walk.steps[0][4] == "asserted"
        await reply(talk, walk.shown, "No recovery log of ndax")
        listed = text_of(await talk.person("viewer").types("/recover"))
        assert "#1 ndax" in listed
        assert "step 2" in listed
        assert "Recovery #1 of ndax" in text_of(await talk.person("viewer").types("/recover show"))

        await walk.press("Hand over", "operator")
        form = await talk.person("operator").gets_form()
        refused = await talk.slack.submit("operator", form.id, {"person": "U0VIEW01"})
        assert "Only an operator or admin" in str(refused.ack)
        sent = await talk.slack.submit("operator", form.id, {"person": "U0ADMIN2"})
        assert sent.ack in (None, {}), sent.ack
        await reply(talk, walk.shown, "<@U0ADMIN2>, <@U0OPER01> hands this recovery over")
        await until(talk, lambda: "*Lead*: <@U0ADMIN2>" in str(walk.card.blocks))
        # the home tabs of those whom it concerns say so, too
        on_tab = "*Recovery #1* of ndax, A bot crashes again and again: led by <@U0ADMIN2>"
        for role in ("operator", "second-admin"):
            await until(talk, lambda: on_tab in str(talk.slack.home(role)))  # noqa: B023 - waited for at once
        # whoever no longer leads it cannot give it on, an admin can
        assert "handed over by whoever leads" in await hands_over(talk, 1, "U0ADMIN1", who="operator")
        assert "is handed over" in await hands_over(talk, 1, "U0ADMIN1", who="admin")

        viewer = await talk.person("viewer").clicks("Check", walk.card)
        assert viewer.error is None
        await talk.person("viewer").reads("role")
        assert talk.rows("select count(*) from actions") == [(0,)]


async def test_a_forged_value_or_a_button_on_another_message_does_nothing(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        first = await opened(talk, CRASH)
        await first.assessed()
        second = await opened(talk, "/recover quantum crash-loop")
        await second.assessed()
        step = talk.rows("select id from walk_steps where walk_id = 1 and name = 'stop'")[0][0]
        copied = talk.slack.say("admin", OPS, "a copy of the card")
        tries: tuple[tuple[str, Any, Message], ...] = (
            ("walk.run.0", f"1:{step}", second.card),  # another recovery's card
            ("walk.run.0", f"1:{step}", copied),
            ("walk.run.0", "99:1", first.card),
            ("walk.run.0", "", first.card),
            ("walk.run.0", None, first.card),
            ("walk.run.0", {"walk": 1}, first.card),
            ("walk.run.0", "١:1", first.card),
            ("walk.run.0", "-1:1", first.card),
            ("walk.done", f"1:{step}", second.card),
            ("walk.check", "1" * 2_000, first.card),
            ("walk.choose.0", "1:configuration", second.card),
            ("walk.abandon", "2", first.card),
            ("walk.hand", "2", first.card),
        )
        for name, value, where in tries:
            forged = [{"action_id": name, "value": value, "type": "button", "block_id": "b"}]
            said = (
                await talk.admin.clicks("Check", first.card, actions=forged)
                if where is first.card
                else (
                    await talk.slack.click("admin", where.channel, where.ts, "Check", actions=forged)
                    if where is not copied
                    else await talk.admin.clicks(
                        "Check", first.card, actions=forged, container=container(copied)
                    )
                )
            )
            assert said.error is None
        await until(talk, lambda: len(refused(talk)) == len(tries))
        assert {why for _, why in refused(talk)} == {"forged button"}
        # the right card and a step that is not next, or a command that is not there
        for name, value in (
            ("walk.run.0", f"1:{step + 999}"),
            ("walk.run.7", f"1:{step}"),
            ("walk.done", "1:0"),
        ):
            forged = [{"action_id": name, "value": value, "type": "button", "block_id": "b"}]
            assert (await talk.admin.clicks("Check", first.card, actions=forged)).error is None
        await talk.admin.reads("not the one that is next")
        await talk.admin.reads("no such command")
        assert talk.rows("select count(*) from actions") == [(0,)]
        assert "Traceback" not in talk.bot.words()


def container(message: Message) -> dict[str, Any]:
    """Where a press claims to come from."""
    return {"type": "message", "message_ts": message.ts, "channel_id": message.channel}


async def test_without_a_scenario_it_looks_at_everything_proposes_and_a_person_chooses(
    tmp_path: Path,
) -> None:
    async with two_people(tmp_path) as talk:
        assert "There is no scenario 'nonsense'" in text_of(await talk.admin.types("/recover fleet nonsense"))
        walk = await opened(talk, "/recover fleet")
        await until(talk, lambda: "Proposed" in walk.card.words)
        assert "General recovery" in walk.card.words
        assert talk.rows("select count(*) from walk_steps") == [(0,)]
        await walk.press("Choose another", "second-admin")
        form = await talk.person("second-admin").gets_form()
        sent = await talk.slack.submit("second-admin", form.id, {"scenario": "configuration"})
        assert sent.ack in (None, {}), sent.ack
        await reply(talk, walk.shown, "<@U0ADMIN2> chose")
        starts = [each[2] for each in walk.steps if each[1] == "start"]
        assert starts == ["ndax", "quantum", "shadowforge"]
        # the fleet is killed from the card, with one press and no question
        await walk.past("assess")
        await walk.press("/kill")
        await until(talk, lambda: talk.rows("select count(*) from actions where command = 'kill'") == [(1,)])
        await until(talk, lambda: walk.state("stop") == "verified")
        await until(talk, lambda: "*verified* just now" in str(walk.card.blocks))


async def test_what_was_stopped_and_moves_again_is_said_and_reopened_before_the_release(
    tmp_path: Path,
) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, CRASH)
        await walk.assessed()
        await walk.press("Done")
        form = await talk.person("admin").gets_form()
        assert "ndax running" in str(form.body)  # what the fleet does stands above what is about to be said
        for bot in ("ndax", "quantum", "shadowforge"):
            await talk.admin.types(f"/stop {bot}")
        await walk.at("evidence")
        stop = "select seen_at, settled_at from walk_steps where name = 'stop'"
        [(seen, settled)] = talk.rows(stop)
        assert seen < settled  # as old as the look, not as the judging
        await until(talk, lambda: "ndax stopped" in walk.card.words)

        talk.fleet.faults.set("behind_back", bot="ndax", seen=True)
        await reply(
            talk, walk.shown, "<@U0ADMIN1>: *Step 2 is no longer so*", "ndax running", "To be done again: 2."
        )
        await walk.at("stop")
        await until(talk, lambda: "ndax running" in walk.card.words)
        talk.fleet.faults.clear()
        await walk.press("/kill")
        await walk.at("evidence")


async def test_a_kill_settles_the_stop_while_its_own_reads_are_the_only_ones(tmp_path: Path) -> None:
    async with two_people(tmp_path, CHATBOT_KILL__WATCH_SECONDS="60") as talk:
        walk = await opened(talk, CRASH)
        await walk.assessed()
        await walk.press("/kill")
        await walk.at("evidence")
        assert talk.rows("select state from actions where command = 'kill'") == [
            ("running",)
        ]  # still watched
        assert walk.state("stop") == "verified"


async def started(talk: Conversation) -> tuple[Walking, str]:
    """A recovery whose bot was started again and is to be watched, and the id of its start."""
    walk = await opened(talk, CRASH)
    await walk.assessed()
    await walk.press("/kill")
    await walk.at("evidence")
    await walk.says("Skip", "nothing to keep")
    await walk.says("Done")
    await walk.past("fix", "verify")
    await walk.agreed("/override")
    await walk.at("start", "ndax")
    action = await walk.agreed("/start ndax")
    await walk.at("watch", "ndax")
    return walk, action


async def test_a_window_that_ends_unstable_undoes_the_start_and_is_told(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk, action = await started(talk)
        [(reason,)] = talk.rows("select reason from actions where id = ?", action)
        assert NOTE in reason
        talk.fleet.crash("ndax")
        await reply(
            talk,
            walk.shown,
            "Window #1 over ndax ended unstable",
            "see whether the cause",
            "To be done again",
        )
        await walk.at("stop")  # in error it may be started again by whatever watches over it
        assert "window #1 ended unstable" in walk.card.words
        assert (walk.state("start", "ndax"), walk.state("release")) == ("open", "verified")
        await walk.press("/stop ndax")
        await walk.at("check")
        await walk.past("verify")
        await walk.at("start", "ndax")
        await walk.agreed("/start ndax")
        await walk.at("watch", "ndax")
        replies = talk.slack.replies(walk.shown.channel, walk.shown.ts)
        assert len([each for each in replies if "ended unstable" in each.words]) == 1
        await walk.window_ends_well()
        await until(talk, lambda: walk.state("watch", "ndax") == "verified")


async def test_the_cause_is_that_of_a_kill_without_a_reason_and_no_secret_in_it_goes_on(
    tmp_path: Path,
) -> None:
    async with two_people(tmp_path) as talk:
        await talk.admin.types("/kill")
        await talk.admin.sees("KILL verified")
        walk = await opened(talk, CRASH)
        await walk.past("assess")
        await walk.at("evidence")
        await walk.says("Skip", "nothing to keep")
        await walk.says("Done", "the key sk-live-abcdef1234567890 ran out, password=hunter2hunter2")
        reason = "select reason from latches"
        await until(talk, lambda: talk.rows(reason) != [("",)])
        assert "ran out" in talk.rows(reason)[0][0]
        said = f"{talk.rows(reason)} {told(talk, walk)} {walk.card.words}"
        assert "abcdef1234567890" not in said
        assert "hunter2" not in said
        await walk.past("fix", "verify")
        await walk.agreed("/override")
        await walk.at("start", "ndax")


async def test_a_bot_that_falls_after_its_stable_hour_is_started_and_watched_anew(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk, _ = await started(talk)
        await walk.window_ends_well()
        await until(talk, lambda: walk.state("watch", "ndax") == "verified")
        talk.fleet.crash("ndax")
        await reply(
            talk, walk.shown, "<@U0ADMIN1>: *Step", "no longer so", "Stop what fell", "To be done again"
        )
        await walk.at("stop")
        # whatever watches over it starts it again, and nobody agreed to it
        talk.fleet.faults.set("behind_back", bot="ndax", seen=True)
        await until(talk, lambda: "⚠️ *ndax may trade*" in walk.card.words)
        talk.fleet.faults.clear()
        await walk.press("/stop ndax")
        await walk.at("check")
        await walk.past("verify")
        await walk.at("start", "ndax")
        await walk.agreed("/start ndax")
        await walk.at("watch", "ndax")
        await until(talk, lambda: "too short for this step" in walk.card.words)
        assert walk.state("watch", "ndax") == "open"  # the hour of before the fall counts no more
        await walk.window_ends_well()
        await until(talk, lambda: walk.state("watch", "ndax") == "verified")


async def test_a_release_that_is_skipped_lets_nothing_trade_and_whoever_leads_is_called(
    tmp_path: Path,
) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, CRASH)
        await walk.assessed()
        for bot in ("ndax", "quantum", "shadowforge"):
            await talk.admin.types(f"/stop {bot}")
        await walk.at("evidence")
        await walk.past("investigate", "fix", "verify")
        await until(talk, lambda: walk.state("release") == "verified" or "Skip" in buttons(walk.card))
        await walk.until_settled("release")
        await walk.at("start", "ndax")
        talk.fleet.faults.set("behind_back", bot="ndax", seen=True)
        await reply(talk, walk.shown, "<@U0ADMIN1>: *Step 2 is no longer so*", "ndax", "To be done again: 2")
        await walk.at("stop")
        await until(talk, lambda: "⚠️ *ndax may trade*" in walk.card.words)


async def test_a_viewer_may_press_on_the_card_what_a_viewer_may_type(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, CRASH)
        await walk.at("look")
        await walk.press("/status", "viewer")
        await talk.person("viewer").reads("Kill switch")
        await walk.press("Done", "viewer")
        await talk.person("viewer").reads("needs the role operator")
        await walk.assessed()
        await walk.press("/kill", "viewer")
        await until(talk, lambda: len(refused(talk)) == 2)
        assert talk.rows("select count(*) from actions") == [(0,)]
