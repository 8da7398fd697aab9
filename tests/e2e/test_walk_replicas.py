"""A guided recovery walked through two replicas over one PostgreSQL: who is second is told, nothing is done twice."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import make_url

from chatbot.sandbox.run import SIGNING_SECRET
from chatbot.sandbox.slack.model import Delivery, View
from tests.conversation import Bot, Conversation, conversation, free_port
from tests.e2e.alerting import now, reply, until
from tests.e2e.test_replicas import intact, rows
from tests.e2e.two_people import OBEDIENT, QUICK, text_of
from tests.e2e.walking import NOTE, Walking, opened
from tests.postgres import postgres_copy, postgres_server, postgres_template

__all__ = ["postgres_copy", "postgres_server", "postgres_template"]

T = TypeVar("T")

SHORT = """
id = "short"
number = 90
title = "A short runbook"
summary = "One step or two in each phase."

[[steps]]
id = "look"
phase = "assess"
title = "See what there is"
text = "Look at the monitor."
expects = { "monitor.reachable" = true }

[[steps]]
id = "stop"
phase = "stop"
title = "Stop it"
text = "Stop the bot."
commands = ["/kill {reason}", "/stop {bot}"]
expects = { "fleet.stopped" = true }

[[steps]]
id = "cause"
phase = "investigate"
title = "Name the cause"
text = "Say what it was."
skippable = true

[[steps]]
id = "mend"
phase = "fix"
title = "Mend it"
text = "Mend one thing."
skippable = true

[[steps]]
id = "check"
phase = "verify"
title = "See that it is mended"
text = "Look once more."
skippable = true

[[steps]]
id = "release"
phase = "recover"
title = "Release the kill"
text = "Ask for it."
commands = ["/override {reason}"]
expects = { "switch.active" = false, "kill.stands" = false }
skippable = true

[[steps]]
id = "start"
phase = "recover"
title = "Start it"
text = "Ask for it."
each_bot = true
commands = ["/start {bot} {reason}"]
expects = { "bot.running" = true }
skippable = true

[[steps]]
id = "log"
phase = "document"
title = "Write it down"
text = "Write the log."
commands = ["/recoveries new {bot}"]
expects = { "log.written" = true }
"""
"""A runbook with every kind of step and no watch of an hour."""

RECOVER = "/recover ndax short"


def with_short(data: Path) -> dict[str, str]:
    """The setting by which a bot knows the short runbook."""
    books = data / "runbooks"
    books.mkdir(exist_ok=True)
    (books / "short.toml").write_text(SHORT)
    return {"CHATBOT_RECOVERY__RUNBOOKS": str(books)}


class Shared(Conversation):
    """A conversation whose record stands in PostgreSQL."""

    def rows(self, query: str, *parameters: object) -> list[Any]:
        """Rows of the shared database, by the query of a database file."""
        with psycopg.connect(_plain(self.bot.env["CHATBOT_DATABASE__URL"])) as connection:
            return connection.execute(query.replace("?", "%s").encode(), parameters or None).fetchall()


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two replicas, and a Slack whose every payload goes to the one that is named."""

    talk: Shared
    other: Bot
    url: str

    @property
    def both(self) -> tuple[Bot, Bot]:
        return self.talk.bot, self.other

    def to(self, bot: Bot) -> None:
        """From now on Slack delivers to this one."""
        self.talk.slack.deliver_over_http(f"http://127.0.0.1:{bot.port}/slack/events", SIGNING_SECRET)

    async def through(self, bot: Bot, act: Coroutine[Any, Any, T]) -> T:
        """What the act returns, whose payload is delivered to this one."""
        self.to(bot)
        return await act

    async def at_once(self, *acts: Coroutine[Any, Any, T]) -> list[T]:
        """Both acts, one through each, whose transactions meet at the door of the record."""
        with self.held():
            begun = []
            for bot, act in zip(self.both, acts, strict=True):
                begun.append(asyncio.create_task(self.through(bot, act)))
                count = len(begun)
                await until(self.talk, lambda: self.waiting() >= count)  # noqa: B023 - it is awaited at once
        return list(await asyncio.gather(*begun))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody can write to the audit, and whoever wants to waits in line."""
        with psycopg.connect(_plain(self.url)) as connection:
            connection.execute("select 1 from audit_head for update")
            yield

    def waiting(self) -> int:
        """How many transactions wait for a lock."""
        query = "select count(*) from pg_stat_activity where datname = current_database()"
        return int(rows(self.url, f"{query} and wait_event_type = 'Lock'")[0][0])

    async def leader(self) -> tuple[Bot, Bot]:
        """The one that polls and looks after recoveries, and the other one."""
        async with asyncio.timeout(30):
            while True:
                polls = [(await bot.get("/healthz")).json()["polls_here"] for bot in self.both]
                if sum(polls) == 1:
                    return self.both if polls[0] else (self.other, self.talk.bot)
                await asyncio.sleep(0.05)

    async def nothing_owed(self) -> None:
        """Wait until everything owed stands in Slack, each once; nothing was given up."""
        owed = "select count(*) from outbox where version > sent_version and state != 'failed'"
        await until(self.talk, lambda: rows(self.url, owed) == [(0,)])
        assert rows(self.url, "select key, last_error from outbox where state = 'failed'") == []
        said = posted(self.talk)
        assert len(said) == len(set(said)), said


@asynccontextmanager
async def pair(data: Path, url: str, **settings: str) -> AsyncIterator[Pair]:
    """Two replicas that look at the fleet every second, started together."""
    watched = {
        "CHATBOT_KILL__WATCH_SECONDS": "2"
    }  # longer than a look that the other one began before a kill
    chosen = {**QUICK, **watched, **with_short(data), "CHATBOT_DATABASE__URL": url, **settings}
    async with conversation(data, http_mode=True, start=False, fleet={"policy": OBEDIENT}, **chosen) as one:
        talk = Shared(slack=one.slack, fleet=one.fleet, bot=one.bot, data=data)
        port = free_port()
        env = {
            **one.bot.env,
            "CHATBOT_HTTP__PORT": str(port),
            "CHATBOT_JOURNAL__PATH": str(data / "other.jsonl"),
        }
        other = replace(one.bot, port=port, env=env, log=data / "other.log", process=None)
        try:
            await asyncio.gather(talk.bot.start(), other.start())
            yield Pair(talk=talk, other=other, url=url)
        finally:
            if other.process is not None and other.process.returncode is None:
                await other.dies()


def posted(talk: Conversation) -> list[str]:
    """The keys of everything that the bot posted and that carries one."""
    payloads = [
        (each.metadata or {}).get("event_payload") or {} for each in talk.slack.workspace.all_messages
    ]
    return [each["key"] for each in payloads if "key" in each]


def written(talk: Conversation, event: str) -> list[dict[str, Any]]:
    """What the audit tells of these events, oldest first."""
    query = "select detail from audit where event = ? order by seq"
    return [json.loads(detail) for (detail,) in talk.rows(query, event)]


def kills_over(talk: Conversation) -> bool:
    """True when no kill is watched any more."""
    return talk.rows("select 1 from actions where command = 'kill' and finished_at is null") == []


async def form_of(walk: Walking, label: str, who: str) -> View:
    """Press a button of the card and get its form."""
    await walk.press(label, who)
    return await walk.talk.person(who).gets_form()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


# -- at the same moment ------------------------------------------------------------------------------------------


async def test_two_people_press_done_on_one_step_through_both_and_the_second_is_told(
    tmp_path: Path, postgres_copy: str
) -> None:
    async with pair(tmp_path, postgres_copy) as two:
        talk = two.talk
        two.to(talk.bot)
        walk = await opened(talk, RECOVER)
        first = await form_of(walk, "Done", "admin")
        two.to(two.other)
        second = await form_of(walk, "Done", "second-admin")

        said = await two.at_once(
            talk.slack.submit("admin", first.id, {"note": "seen by one"}),
            talk.slack.submit("second-admin", second.id, {"note": "seen by the other"}),
        )
        assert [each.error for each in said] == [None, None]
        assert [bool(each.ack) for each in said] == [False, True]
        assert "nothing was changed" in str(said[1].ack).lower()
        assert written(talk, "recovery step asserted") == [
            {"step": 1, "name": "look", "bot": None, "note": "seen by one", "seen": []}
        ]
        await two.nothing_owed()
        assert len([key for key in posted(talk) if key.startswith("walk/1/step-")]) == 1
        assert walk.state("look") == "asserted"
        assert await intact(postgres_copy)


async def test_two_people_open_a_recovery_of_one_bot_through_both_and_one_is_opened(
    tmp_path: Path, postgres_copy: str
) -> None:
    async with pair(tmp_path, postgres_copy) as two:
        talk = two.talk
        said = await two.at_once(
            talk.person("admin").types(RECOVER), talk.person("operator").types("/recover ndax")
        )
        assert "Recovery #1 of ndax is open in" in text_of(said[0])
        assert "Recovery #1 of ndax is under way, so none was opened" in text_of(said[1])
        # Slack may deliver one request twice, and each to another replica
        said = await two.at_once(
            *(talk.person("admin").types("/recover abandon 1 once more", trigger_id="7.7.same") for _ in "ab")
        )
        assert sorted("is abandoned" in text_of(each) for each in said) == [False, True]
        said = await two.at_once(*(talk.person("admin").types(RECOVER, trigger_id="8.8.same") for _ in "ab"))
        assert "Recovery #2 of ndax is open in" in text_of(said[0])
        assert "open already" in text_of(said[1])
        assert rows(postgres_copy, "select id, state from walks order by id") == [
            (1, "abandoned"),
            (2, "open"),
        ]
        await two.nothing_owed()
        assert [key for key in posted(talk) if key.count("/") == 1 and key.startswith("walk/")] == [
            "walk/1",
            "walk/2",
        ]
        assert await intact(postgres_copy)


async def chosen_at_once(two: Pair) -> tuple[Walking, list[Delivery]]:
    """A recovery without a runbook, for which two people choose different ones through both replicas."""
    talk = two.talk
    two.to(talk.bot)
    walk = await opened(talk, "/recover ndax")
    first = await form_of(walk, "Choose a runbook", "admin")
    two.to(two.other)
    second = await form_of(walk, "Choose a runbook", "second-admin")
    said = await two.at_once(
        talk.slack.submit("admin", first.id, {"scenario": "short"}),
        talk.slack.submit("second-admin", second.id, {"scenario": "crash-loop"}),
    )
    assert [each.error for each in said] == [None, None]
    return walk, said


async def test_two_people_choose_a_runbook_through_both_and_the_steps_are_those_of_one(
    tmp_path: Path, postgres_copy: str
) -> None:
    async with pair(tmp_path, postgres_copy) as two:
        walk, _ = await chosen_at_once(two)
        [(scenario,)] = two.talk.rows("select scenario from walks")
        names = [each[1] for each in walk.steps]
        assert len(names) == len({(each[1], each[2]) for each in walk.steps})
        assert [each[0] for each in walk.steps] == list(range(1, len(names) + 1))
        assert ("evidence" in names) == (scenario == "crash-loop")
        told = written(two.talk, "recovery runbook chosen")
        assert told[-1]["scenario"] == scenario
        assert [each["before"] for each in told] == ["", *(each["scenario"] for each in told[:-1])]
        await two.nothing_owed()
        assert len([key for key in posted(two.talk) if key.startswith("walk/1/chose-")]) == len(told)
        await walk.says("Done")
        assert walk.state("look") == "asserted"
        assert await intact(postgres_copy)


async def test_whoever_chooses_second_at_the_same_moment_is_told(tmp_path: Path, postgres_copy: str) -> None:
    async with pair(tmp_path, postgres_copy) as two:
        _, said = await chosen_at_once(two)
        assert [bool(each.ack) for each in said] == [False, True]
        assert two.talk.rows("select scenario from walks") == [("short",)]


# -- one of them, and the other ----------------------------------------------------------------------------------


async def test_a_kill_reopens_the_stop_once_whichever_replica_hears_of_it(
    tmp_path: Path, postgres_copy: str
) -> None:
    async with pair(tmp_path, postgres_copy) as two:
        talk = two.talk
        leader, left = await two.leader()
        two.to(left)
        walk = await opened(talk, RECOVER)
        await walk.says("Done")
        await walk.press("/stop ndax", "second-admin")
        for bot in ("quantum", "shadowforge"):
            await two.through(leader, talk.admin.types(f"/stop {bot}"))
        await walk.at("cause")
        assert walk.state("stop") == "verified"

        two.to(left)
        await talk.person("operator").types("/kill it moves elsewhere")
        told = await reply(talk, walk.shown, "The fleet was killed", "it moves elsewhere")
        await until(talk, lambda: walk.state("stop") == "verified")  # by looks that are newer than the kill
        two.to(leader)
        await walk.says("Skip")
        await walk.at("mend")
        await two.nothing_owed()
        assert len([key for key in posted(talk) if key.startswith("walk/1/kill-")]) == 1
        assert "To be done again: 2." in now(talk, told).words
        assert [each["steps"] for each in written(talk, "recovery steps undone")] == [[2]]
        assert len(written(talk, "recovery step verified")) == 2
        assert await intact(postgres_copy)


async def test_a_look_that_is_older_than_a_kill_elsewhere_does_not_make_it_one_that_failed(
    tmp_path: Path, postgres_copy: str
) -> None:
    async with pair(tmp_path, postgres_copy, CHATBOT_KILL__WATCH_SECONDS="0") as two:
        talk, faults = two.talk, two.talk.fleet.faults
        _, left = await two.leader()
        two.to(left)
        walk = await opened(talk, RECOVER)
        faults.set("slow_body", paths=["/status"], times=1, seconds=0.004)
        await until(talk, lambda: not [each for each in faults if each.name == "slow_body"])
        await talk.person("operator").types("/kill while the other one reads")
        await until(talk, lambda: kills_over(talk))
        told = await reply(talk, walk.shown, "The fleet was killed")
        await two.nothing_owed()
        assert "while the other one reads" in told.words
        assert written(talk, "no longer held") == []


async def test_a_kill_undoes_also_while_nobody_looks_after_the_recovery(
    tmp_path: Path, postgres_copy: str
) -> None:
    async with pair(tmp_path, postgres_copy) as two:
        talk = two.talk
        leader, left = await two.leader()
        two.to(left)
        walk = await opened(talk, RECOVER)
        while walk.current is not None and walk.current[1] != "log":
            await walk.says("Skip" if walk.current[0] > 2 else "Done")
        form = await form_of(walk, "Done", "admin")
        await leader.dies()
        await talk.person("operator").types("/kill it moves again")
        said = await talk.slack.submit("admin", form.id, {"note": "written elsewhere"})
        assert talk.rows("select state from walks") == [("open",)]
        assert "nothing was changed" in str(said.ack).lower()
        await reply(talk, walk.shown, "The fleet was killed", "it moves again", "To be done again")


@pytest.mark.long  # a lease has to run out
async def test_the_one_that_looks_after_it_is_killed_and_the_other_goes_on(
    tmp_path: Path, postgres_copy: str
) -> None:
    async with pair(tmp_path, postgres_copy) as two:
        talk = two.talk
        leader, left = await two.leader()
        two.to(leader)
        walk = await opened(talk, RECOVER)
        await walk.says("Done")
        await walk.at("stop")
        stands = walk.card.ts

        await leader.dies()
        two.to(left)
        await walk.press("/kill", "second-admin")
        await walk.at("cause")  # seen by the other, and drawn on the card that stands
        assert walk.state("stop") == "verified"
        assert walk.card.ts == stands
        await until(talk, lambda: kills_over(talk))
        await walk.says("Done", NOTE, "second-admin")
        await walk.says("Skip")
        await walk.says("Skip")
        await walk.agreed("/override")
        await walk.at("start", "ndax")
        assert walk.state("release") == "verified"
        assert len([each for each in talk.posts() if each["action"] != "activate"]) == 1

        await leader.start()
        two.to(leader)
        await walk.agreed("/start ndax")
        await walk.at("log")
        assert len(talk.fleet.calls_to("/start")) == 1
        assert len(written(talk, "recovery steps undone")) == 1  # by the kill, which undid nothing
        await two.nothing_owed()
        assert [key for key in posted(talk) if key == "walk/1"] == ["walk/1"]
        assert await intact(postgres_copy)
