"""Guided recovery under attack: looks that began too early, restarts at the worst moment, changed settings."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.conversation import Conversation, free_port
from tests.e2e.alerting import button, change, until
from tests.e2e.test_files_and_host import action, approved, at_home, ended
from tests.e2e.two_people import APPROVALS, approve, kill, stopped, text_of, two_people
from tests.e2e.walking import Walking, opened

STEP = """
[[steps]]
id = "{id}"
phase = "{phase}"
title = "Step {id}"
text = "Do it."
{more}
"""
PHASES = ("assess", "stop", "investigate", "fix", "verify", "recover", "document")
FAILING = 'probes = ["network"]\nexpects = { "network.failing" = true }'
STOPPED = 'expects = { "fleet.stopped" = true }'


def runbook_in(directory: Path, **more: str) -> str:
    """A directory with one runbook of one step a phase, and more in some."""
    steps = [STEP.format(id=f"{each}-it", phase=each, more=more.get(each, "")) for each in PHASES]
    directory.mkdir()
    head = 'id = "attacked"\nnumber = 90\ntitle = "Attacked"\nsummary = "For a test."\n'
    (directory / "attacked.toml").write_text(head + "".join(steps))
    return str(directory)


class Dripping:
    """A web server that begins an answer and goes on with it, a header at a time, until it is told to hang up."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hang_up = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def running(cls, port: int) -> AsyncIterator["Dripping"]:
        found = cls()
        server = await asyncio.start_server(found._serve, "127.0.0.1", port)
        async with server:
            yield found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self.asked.set()
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while not self.hang_up.is_set():
                writer.write(b"X-Drip: 1\r\n")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.hang_up.wait(), 0.2)
        writer.close()


@asynccontextmanager
async def dripping_walk(data: Path, **more: str) -> AsyncIterator[tuple[Conversation, Walking, Dripping]]:
    """A recovery whose steps look at an address that answers when the test wants it to."""
    port = free_port()
    settings: dict[str, Any] = {
        "CHATBOT_RECOVERY__RUNBOOKS": runbook_in(data / "runbooks", **more),
        "CHATBOT_RECOVERY__ENDPOINTS": json.dumps([{"name": "exchange", "url": f"http://127.0.0.1:{port}/"}]),
    }
    async with Dripping.running(port) as server, two_people(data, **settings) as talk:
        walk = await opened(talk, "/recover ndax attacked")
        server.hang_up.set()  # the first look at everything
        await until(talk, lambda: talk.rows("select 1 from walks where looked_at is not null"))
        server.hang_up.clear()
        server.asked.clear()
        yield talk, walk, server


async def test_a_look_that_began_before_somebody_settled_the_step_verifies_not_the_next(
    tmp_path: Path,
) -> None:
    async with dripping_walk(tmp_path, fix=FAILING, verify=FAILING) as (talk, walk, server):
        await walk.past("assess", "stop", "investigate")
        await walk.press("Check")
        await server.asked.wait()
        await walk.says("Done", "put another cable in")
        server.hang_up.set()
        await until(talk, lambda: "does not count" in walk.card.words)
        assert walk.state("fix-it") == "asserted"
        assert walk.state("verify-it") == "open"
        await walk.press("Check")
        await until(talk, lambda: walk.state("verify-it") == "verified")


async def test_a_look_that_began_before_a_kill_verifies_nothing_behind_it(tmp_path: Path) -> None:
    async with dripping_walk(tmp_path, stop=FAILING, recover=FAILING) as (talk, walk, server):
        await walk.past("assess", "stop", "investigate", "fix", "verify")
        assert walk.current is not None
        assert walk.current[1] == "recover-it"
        await walk.press("Check")
        await server.asked.wait()
        await kill(talk, "it falls again")
        await walk.at("stop-it")
        server.hang_up.set()
        await until(talk, lambda: "does not count" in walk.card.words)
        assert walk.state("stop-it") == "open"
        assert walk.state("recover-it") == "open"


async def test_a_step_does_not_verify_itself_by_what_was_read_before_it_began(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "CHATBOT_RECOVERY__RUNBOOKS": runbook_in(tmp_path / "runbooks", verify=STOPPED),
        "CHATBOT_COORDINATOR__POLL_SECONDS": "8",
    }
    async with two_people(tmp_path, fleet=stopped(), **settings) as talk:
        walk = await opened(talk, "/recover ndax attacked")
        await walk.past("assess", "stop", "investigate")
        reads = len(_status_reads(talk))
        await until(talk, lambda: len(_status_reads(talk)) > reads)
        async with httpx.AsyncClient(trust_env=False) as behind:  # somebody restarts it behind our back
            url = talk.bot.env["CHATBOT_COORDINATOR__URL"]
            assert (await behind.post(f"{url}/start", json={"bot": "ndax"})).status_code == 200
        await walk.past("fix")
        reads = len(_status_reads(talk))
        await until(talk, lambda: len(_status_reads(talk)) > reads)
        assert walk.state("verify-it") == "open"


async def test_a_restore_is_not_done_again_over_what_somebody_wrote_since(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (talk, home):
        file = home / "config" / "bot-limits.json"
        await talk.admin.types("/config backup")
        good = file.read_bytes()
        file.write_text("{")
        which = await approved(talk, "/config restore bot-limits.json from latest it is broken")
        assert file.read_bytes() == good
        # the bot died behind the write and before its end was written down; meanwhile somebody tightened a limit
        await talk.bot.dies()
        change(
            talk,
            "update actions set state = 'running', finished_at = null, lease_until = accepted_at where id = ?",
            which,
        )
        file.write_bytes(good.replace(b"400", b"100"))
        await talk.bot.start()
        await until(talk, lambda: ended(talk, which) is not None)
        assert b"100" in file.read_bytes()
        assert (ended(talk, which) or ("",))[0] == "abandoned"


async def test_a_program_that_counts_as_a_release_by_now_is_not_run_as_any_other(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'a').write('x')"
    async with at_home(tmp_path, action("count", code)) as (talk, _):
        await talk.admin.types("/host count because")
        await until(talk, lambda: talk.rows("select count(*) from approvals") == [(1,)])
        (which,) = talk.rows("select action_id from approvals")[0]
        shown = await talk.person("second-admin").sees(which, where=APPROVALS)
        await talk.bot.dies()
        await talk.bot.start(
            CHATBOT_RECOVERY__HOST_ACTIONS=json.dumps([action("count", code, releases=True)])
        )
        await approve(talk, shown)
        await until(talk, lambda: ended(talk, which) is not None)
        assert (ended(talk, which) or ("",))[0] == "void"
        assert not marker.exists()


async def test_a_kill_while_a_program_runs_that_then_fails_is_sent_again(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"import sys, time; open({str(marker)!r}, 'a').write('x'); time.sleep(3); sys.exit(3)"
    async with at_home(tmp_path, action("slow", code)) as (talk, _):
        await talk.admin.types("/host slow because")
        await until(talk, lambda: talk.rows("select count(*) from approvals") == [(1,)])
        (which,) = talk.rows("select action_id from approvals")[0]
        await approve(talk, await talk.person("second-admin").sees(which, where=APPROVALS))
        await until(talk, marker.exists)
        await kill(talk, "it moves")
        posts = len(talk.posts())
        await until(talk, lambda: ended(talk, which) is not None)
        state, said = ended(talk, which) or ("", "")
        assert state == "abandoned", said
        assert "ended with 3" in said
        assert "sent again" in said
        assert len(talk.posts()) > posts


async def test_the_note_of_one_makes_no_drill_and_no_force_of_what_another_presses(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "CHATBOT_RECOVERY__RUNBOOKS": runbook_in(
            tmp_path / "runbooks", verify='commands = ["/kill {reason}"]'
        )
    }
    async with two_people(tmp_path, **settings) as talk:
        walk = await opened(talk, "/recover ndax attacked")
        await walk.past("assess", "stop")
        await walk.says("Done", "drill: only a test", "operator")
        await walk.past("fix")
        await walk.press("/kill")
        await until(talk, talk.posts)
        assert talk.rows("select reason from actions where command = 'kill'") == [
            (f"cause: drill: only a test (recovery #{walk.number})",)
        ]


def _status_reads(talk: Conversation) -> list[object]:
    return [each for each in talk.fleet.calls if each.path == "/status"]


async def test_a_stop_of_the_card_goes_while_the_database_does_not_answer(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, "/recover ndax crash-loop")
        await walk.assessed()
        change(talk, "alter table outbox rename to gone")
        await talk.admin.clicks("/kill", walk.card)
        await talk.slack.wait_for(talk.posts, 5)


async def test_a_stop_goes_also_from_a_card_that_is_no_longer_so(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, "/recover ndax crash-loop")
        await walk.assessed()
        old = button(walk.card, "/kill")
        await walk.says("Done", "stopped by hand")
        await walk.at("evidence")
        await talk.admin.clicks("Check", walk.card, actions=[old])
        await talk.slack.wait_for(talk.posts, 5)


async def test_what_a_forged_stop_runs_is_a_stop(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        walk = await opened(talk, "/recover ndax crash-loop")
        await walk.assessed()
        old = button(walk.card, "/kill")
        for value in (
            "1:1:/override now",
            "1:1:/start ndax full",
            f"{old['value']}/../x",
            "1:1:/killx",
            "::/kill",
        ):
            await talk.person("viewer").clicks("Check", walk.card, actions=[{**old, "value": value}])
        assert talk.posts() == []
        for value in ("1:1:/override now", "1:1:/start ndax full", "1:1:/killx"):
            await talk.admin.clicks("Check", walk.card, actions=[{**old, "value": value}])
        assert talk.rows("select count(*) from actions") == [(0,)]


async def test_a_restore_replaces_the_very_file_that_was_compared(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (talk, home):
        file = home / "config" / "bot-limits.json"
        await talk.admin.types("/config backup")
        same = await talk.admin.types("/config restore bot-limits.json")
        assert "holds exactly what" in text_of(same)
        file.write_bytes(file.read_bytes().replace(b"15000", b"14000"))
        await talk.admin.types("/config restore bot-limits.json")
        await until(talk, lambda: talk.rows("select count(*) from approvals") == [(1,)])
        (which,) = talk.rows("select action_id from approvals")[0]
        shown = await talk.person("second-admin").sees(which, "14000", where=APPROVALS)
        file.write_bytes(file.read_bytes().replace(b"400", b"100"))  # somebody tightens a limit meanwhile
        await approve(talk, shown)
        await until(talk, lambda: ended(talk, which) is not None)
        assert (ended(talk, which) or ("",))[0] == "void"
        assert b"400" not in file.read_bytes()
