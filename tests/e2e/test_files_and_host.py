"""/config, /evidence, /logs and /host through the real process, on a fleet's home that is really there."""

import contextlib
import hashlib
import json
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from commands.configuring.checking import EXPECTED
from tests.conversation import OPS, Conversation
from tests.e2e.alerting import until
from tests.e2e.two_people import APPROVALS, approve, kill, releases, text_of, two_people
from tests.hostile import NASTY

GOOD: dict[str, Any] = {
    "bot-limits.json": {
        "total_max_daily_loss": 400,
        "total_max_exposure": 15000,
        "emergency_stop_loss": 1000,
        "bots": {"ndax": {"max_daily_loss": 200}, "quantum": {"max_daily_loss": 100}},
        "api_token": "s3cr3t-token-of-the-exchange",
    },
    "kill-switch.json": {"enabled": True, "recovery": {"cooldown_period_minutes": 60}},
    "recovery-settings.json": {"auto_recovery": False, "manual_approval_required": True},
    "api-endpoints.json": {"health_check_config": {"timeout_seconds": 5, "failure_threshold": 3}},
    "notification-config.json": {"enabled": True},
}


def home_in(data: Path) -> Path:
    """A fleet's home with sound files."""
    home = data / "fleet"
    for name in ("config", "logs", "backups"):
        (home / name).mkdir(parents=True)
    assert set(GOOD) == set(EXPECTED)
    for name, content in GOOD.items():
        (home / "config" / name).write_text(json.dumps(content, indent=2))
    log = "2026-11-24 00:51:36,248 - BotCoordinator - ERROR - ndax: connection refused, api_key=s3cr3t-in-a-log\n"
    (home / "logs" / "bot-coordinator.log").write_text(log * 3)
    return home


def action(name: str, code: str, **more: object) -> dict[str, object]:
    """A host action that runs these lines of Python."""
    return {"name": name, "argv": [sys.executable, "-c", code], "summary": f"runs {name}", **more}


@asynccontextmanager
async def at_home(
    data: Path, *actions: dict[str, object], **settings: str
) -> AsyncIterator[tuple[Conversation, Path]]:
    home = home_in(data)
    chosen = {
        "CHATBOT_RECOVERY__HOME": str(home),
        "CHATBOT_RECOVERY__HOST_ACTIONS": json.dumps(list(actions)),
        **settings,
    }
    async with two_people(data, **chosen) as talk:
        yield talk, home


async def approved(talk: Conversation, line: str, *words: str) -> str:
    """Ask for something with a card that says these words, have it approved, and wait for its end; its last words."""
    before = talk.rows("select count(*) from approvals")[0][0]
    await talk.admin.types(line)
    await until(talk, lambda: talk.rows("select count(*) from approvals")[0][0] == before + 1)
    (which,) = talk.rows("select action_id from approvals order by asked_at desc limit 1")[0]
    shown = await talk.person("second-admin").sees(which, *words, where=APPROVALS)
    await approve(talk, shown)
    await until(talk, lambda: ended(talk, which) is not None)
    return str(which)


def ended(talk: Conversation, which: str) -> tuple[str, str] | None:
    """(state, what was said) of an action that is over."""
    (state, outcome, at) = talk.rows("select state, outcome, finished_at from actions where id = ?", which)[0]
    return None if at is None else (state, " ".join(json.loads(outcome)["said"]))


def mode_and_hash(file: Path) -> tuple[int, str]:
    """Who may read a file, and what is in it."""
    return file.stat().st_mode & 0o777, hashlib.sha256(file.read_bytes()).hexdigest()


async def test_a_file_is_checked_backed_up_compared_and_put_back_by_two(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (talk, home):
        file = home / "config" / "bot-limits.json"
        assert "5 files read: no fault" in text_of(await talk.admin.types("/config check"))
        assert "There is no unaltered backup" in text_of(await talk.admin.types("/config diff"))
        assert "5 files were copied" in text_of(await talk.person("operator").types("/config backup"))
        good = file.read_bytes()

        loose = {**GOOD["bot-limits.json"], "total_max_daily_loss": 4000, "api_token": "another-s3cr3t-token"}
        file.write_text(json.dumps(loose))
        told = text_of(await talk.admin.types("/config diff bot-limits.json"))
        assert "laxer" in told
        assert "total_max_daily_loss" in told
        assert "s3cr3t" not in told
        told = text_of(await talk.admin.types("/config show bot-limits.json"))
        assert "total_max_daily_loss: 4000" in told
        assert "api_token: (secret)" in told
        assert "s3cr3t" not in told
        file.write_bytes(good[:57])
        whole = text_of(await talk.admin.types("/config show bot-limits.json from latest"))
        assert "bot-limits.json in config-" in whole
        assert "total_max_daily_loss" in whole
        assert "so it is not shown" in text_of(await talk.admin.types("/config show bot-limits.json"))
        assert "can be read, so nothing is shown" in text_of(await talk.admin.types("/config show none.json"))
        broken = text_of(await talk.admin.types("/config check"))
        assert "bot-limits.json" in broken
        assert "*1 serious fault*" in broken

        which = await approved(talk, "/config restore bot-limits.json from latest it was cut off", "SHA-256")
        state, said = ended(talk, which) or ("", "")
        assert state == "verified", said
        assert file.read_bytes() == good
        assert hashlib.sha256(good).hexdigest()[:12] in said
        [aside] = (home / "config" / "corrupted").iterdir()
        assert aside.read_bytes() == good[:57]

        told = text_of(await talk.admin.types("/config restore kill-switch.json"))
        assert "holds exactly what" in told
        assert "nothing was asked" in told

        # what was shown is what is written, or nothing: the backup is altered after it was asked for
        altered = json.dumps({**GOOD["kill-switch.json"], "altered": True})
        (home / "config" / "kill-switch.json").write_text(altered)
        await talk.admin.types("/config restore kill-switch.json")
        await until(talk, lambda: talk.rows("select count(*) from approvals") == [(2,)])
        (which,) = talk.rows("select action_id from approvals order by asked_at desc limit 1")[0]
        [backup] = (home / "backups").iterdir()
        (backup / "kill-switch.json").write_text("{}")
        shown = await talk.person("second-admin").sees(which, where=APPROVALS)
        await approve(talk, shown)
        await until(talk, lambda: ended(talk, which) is not None)
        state, said = ended(talk, which) or ("", "")
        assert state == "void", said
        assert "nothing" in said
        assert (home / "config" / "kill-switch.json").read_text() == altered

        for text in NASTY:
            assert (await talk.admin.types(f"/config restore {text}")).error is None
            assert (await talk.admin.types(f"/config diff {text}")).error is None
        for line in ("../../etc/passwd.json", "bot-limits.json from ../../x", "bot-limits.json from git:-x"):
            await talk.admin.types(f"/config restore {line}")
        assert talk.rows("select count(*) from approvals") == [(2,)]
        assert "needs the role operator" in text_of(await talk.person("viewer").types("/config check"))
        assert "Traceback" not in talk.bot.words()


async def test_evidence_is_taken_once_kept_whole_on_the_host_and_its_hash_is_told(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (talk, _):
        await kill(talk, "suspicious orders")
        await talk.person("operator").types("/evidence")
        shown = await talk.person("operator").sees("Evidence #1", "SHA-256")
        [(path, digest, by)] = talk.rows("select path, sha256, by from evidence")
        archive = Path(path)
        assert archive.parent == tmp_path / "evidence"
        assert mode_and_hash(archive) == (0o600, digest)
        assert digest in shown.words
        assert by == "U0OPER01"
        with tarfile.open(archive) as packed:
            names = packed.getnames()
            manifest = json.loads(packed.extractfile("manifest.json").read())  # type: ignore[union-attr]
            status = packed.extractfile("status.json")
            assert status is not None
            assert b"kill_switch_active" in status.read()
        assert {"audit.jsonl", "alerts.json", "configuration.json", "raised.json"} <= set(names)
        assert any(name.endswith("bot-coordinator.log") for name in names)
        assert str(manifest).count("sha256") > 5
        assert ("U0OPER01", "evidence taken", "evidence 1") in talk.events()
        assert [f for each in talk.slack.messages(OPS) for f in each.files] == []


async def test_logs_are_counted_clustered_and_masked(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (talk, _):
        told = text_of(await talk.person("operator").types("/logs ndax error refused"))
        assert "3 ERROR" in told
        assert "3 times" in told
        assert "s3cr3t" not in told
        assert "no record" in text_of(await talk.person("operator").types("/logs critical"))
        for text in NASTY:
            assert (await talk.person("operator").types(f"/logs {text}")).error is None


async def test_a_host_action_runs_its_own_words_once_and_a_restart_counts_as_a_release(
    tmp_path: Path,
) -> None:
    marker = tmp_path / "ran"
    count = f"import os; open({str(marker)!r}, 'a').write('x'); print('token=s3cr3t', sorted(os.environ))"
    actions = (
        action("count", count),
        action("look", "print('all well')", risk="lower"),
        action("fails", "import sys; print('disk gone'); sys.exit(3)"),
        action("hangs", "import time; time.sleep(60)", timeout_seconds=1),
        action("restart-coordinator", "print('restarted')", releases=True),
    )
    async with at_home(tmp_path, *actions) as (talk, _):
        listed = text_of(await talk.person("operator").types("/host"))
        assert all(str(each["name"]) in listed for each in actions)
        assert "Did you mean count?" in text_of(await talk.admin.types("/host cuont"))
        assert "all well" in text_of(await talk.person("operator").types("/host look")) or await talk.person(
            "operator"
        ).reads("all well")
        which = await approved(talk, "/host count because", "print", "runs count")
        state, said = ended(talk, which) or ("", "")
        assert state == "verified", said
        assert "s3cr3t" not in said
        assert "SLACK_" not in said
        assert "CHATBOT_" not in said
        assert marker.read_text() == "x"
        failed = ended(talk, await approved(talk, "/host fails because")) or ("", "")
        assert failed[0] == "failed"
        assert "disk gone" in failed[1]
        hung = ended(talk, await approved(talk, "/host hangs because")) or ("", "")
        assert hung[0] == "failed"

        # killed: a restart of the coordinator is held by the rules of a release, and lets go of our record's kill
        await kill(talk, "the switch is stuck")
        which = await approved(talk, "/host restart-coordinator it hangs", "counts as its release")
        stuck = ended(talk, which) or ("", "")
        assert stuck[0] == "not_verified"  # the program did nothing: the switch is still active
        assert talk.rows("select count(*) from latches where released_at is null") == [(1,)]
        assert releases(talk) == []


async def test_a_program_that_ran_when_the_bot_died_is_not_run_again(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    slow = action("slow", f"import time; open({str(marker)!r}, 'a').write('x'); time.sleep(2)")
    async with at_home(tmp_path, slow) as (talk, _):
        await talk.admin.types("/host slow because")
        await until(talk, lambda: talk.rows("select count(*) from approvals") == [(1,)])
        (which,) = talk.rows("select action_id from approvals")[0]
        await approve(talk, await talk.person("second-admin").sees(which, where=APPROVALS))
        await until(talk, marker.exists)
        await talk.bot.dies()
        await talk.bot.start()
        await until(talk, lambda: ended(talk, which) is not None)
        state, said = ended(talk, which) or ("", "")
        assert state == "abandoned"
        assert "may have been run before this bot was restarted" in said
        assert marker.read_text() == "x"


async def test_a_program_that_changed_since_it_was_asked_for_is_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'a').write('x')"
    async with at_home(tmp_path, action("count", code)) as (talk, _):
        await talk.admin.types("/host count because")
        await until(talk, lambda: talk.rows("select count(*) from approvals") == [(1,)])
        (which,) = talk.rows("select action_id from approvals")[0]
        shown = await talk.person("second-admin").sees(which, where=APPROVALS)
        await talk.bot.dies()
        other = json.dumps([action("count", code.replace("'x'", "'y'"))])
        await talk.bot.start(CHATBOT_RECOVERY__HOST_ACTIONS=other)
        with contextlib.suppress(LookupError):  # it may be void already, and without its buttons
            await talk.person("second-admin").clicks("Approve", shown)
        await until(talk, lambda: ended(talk, which) is not None)
        state, _ = ended(talk, which) or ("", "")
        assert state == "void"
        assert not marker.exists()
