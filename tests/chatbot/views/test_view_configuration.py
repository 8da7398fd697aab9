"""What /config, /evidence and /host say, word by word: what loosens a limit stands first, in words and in red."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from walk_cards import NOW, markup

from chatbot.views import configuration as view
from commands.configuring.comparing import Change, Kind, changes
from commands.configuring.keeping import Backup, Standing
from commands.configuring.keys import listed
from commands.configuring.strict_json import Fault
from commands.probes.model import Finding, Verdict
from config.settings import HostAction
from storage.evidence import EvidenceRow
from tests.blockkit import violations
from tests.hostile import NASTY

OLD = {"ndax_bot": {"name": "a", "max_daily_loss": 100}, "cooldown_minutes": 30, "api_key": "x"}
NEW = {"ndax_bot": {"name": "b", "max_daily_loss": 500}, "cooldown_minutes": 60, "api_key": "y"}
FOUND = changes(OLD, NEW)
LOOSER = "🔴 *laxer*: ndax_bot.max_daily_loss 100 → 500"
REST = '· ndax_bot.name "a" → "b"\n🟢 tighter: cooldown_minutes 30 → 60\n· api_key changed (secret)'
LEGEND = "🔴 loosens a limit · 🟢 tightens one · nothing was changed"
SMALL = "read 03:12:05 UTC · nothing was changed · no value of a secret is ever shown"
COPY = Backup(
    path=Path("/home/fleet/backups/2026-11-25"),
    at=NOW,
    by="U0ADMIN1",
    standing=Standing.UNALTERED,
    note="",
    files={"bot-limits.json": "ab", "kill-switch.json": "cd"},
)
OLDER = Fault(
    file="bot-limits.json", where="ndax_bot.stop", text="It is above the largest loss.", serious=False
)
BROKEN = Fault(file="kill-switch.json", where="3:14", text="A comma is missing.", serious=True)
DIFFERS = Finding(verdict=Verdict.ILL, text="bot-limits.json is not as in 2026-11-24", source="config")
ROW = EvidenceRow(
    id=4,
    at=NOW,
    by="U0ADMIN1",
    key="k",
    path="/var/lib/chatbot/evidence/4.tar.gz",
    sha256="ab" * 32,
    size=12_345_678,
    members=11,
)
RESTART = HostAction(
    name="restart-coordinator", argv=("/bin/true",), releases=True, summary="Restarts the coordinator."
)
MOVE = HostAction(name="move-logs", argv=("/bin/true",), summary="Moves old logs away", timeout_seconds=600)
DISK = HostAction(name="disk", argv=("/bin/df",), risk="lower", summary="Shows how full the disk is")


def test_a_check_names_each_fault_and_the_serious_ones_first() -> None:
    assert view.checked([OLDER, BROKEN], 5, [DIFFERS], NOW).text == (
        "The fleet's configuration\n"
        "5 files read: *1 serious fault*, 1 other.\n"
        "• *serious*: kill-switch.json, line 3, column 14: A comma is missing.\n"
        "• bot-limits.json, ndax_bot.stop: It is above the largest loss.\n"
        "• bot-limits.json is not as in 2026-11-24 _(config)_\n"
        f"{view.TO_DO}\n"
        f"{SMALL}"
    )


def test_a_check_without_a_fault_says_what_it_does_not_prove() -> None:
    assert view.checked([], 1, [], NOW).text == (
        "The fleet's configuration\n"
        "1 file read: no fault was found. Whether the numbers are right, only a person can say.\n"
        f"{SMALL}"
    )
    assert (
        view.checked([], 0, [], NOW).text == f"The fleet's configuration\n*No file could be read.*\n{SMALL}"
    )


def test_a_file_is_told_key_by_key_and_a_long_one_in_one_message() -> None:
    data = {"ndax_bot": {"max_daily_loss": 500, "api_key": "k3y"}, "list": [1, 2], "total": 1000.5}
    assert view.shown("bot-limits.json", listed(data), "ab" * 32, NOW).text == (
        "bot-limits.json\n"
        "• ndax_bot.max_daily_loss: 500\n"
        "• ndax_bot.api_key: (secret)\n"
        "• list: [1,2]\n"
        "• total: 1000.5\n"
        "read 03:12:05 UTC · SHA-256 abababababab… · values of secrets are masked · a program that runs may still have "
        "what it read when it started"
    )
    assert "It holds nothing." in view.shown("a.json", (), "ab" * 32, NOW).text
    long = view.shown(
        "a.json", listed({f"{n}{text}": text for n in range(400) for text in NASTY}), "ab" * 32, NOW
    )
    assert violations(long.blocks) == []
    assert re.search(r"and [1-9][0-9]+ more", "\n".join(markup(long)))


def test_no_serious_fault_is_behind_those_that_are_not_shown() -> None:
    shown = view.checked([replace(OLDER, text="x" * 300)] * 20 + [BROKEN] * 2, 5, [DIFFERS] * 12, NOW)
    assert violations(shown.blocks) == []
    assert "*2 serious faults*, 20 others." in shown.text
    said = "\n".join(markup(shown))
    assert said.count("*serious*: ") == 2
    assert said.count("xxx…") == 13
    assert "\n• and 7 more\n" in said
    assert said.count("2026-11-24") == 8
    assert "\n• and 4 more\n" in said


def test_a_comparison_says_from_where_to_where_and_what_got_laxer_first() -> None:
    assert view.compared("bot-limits.json", "2026-11-25", FOUND, [COPY]).text == (
        "What differs\n"
        "*bot-limits.json*, from 2026-11-25 to what is there now:\n"
        "🔴 *1 limit got laxer.*\n"
        f"{LOOSER}\n{REST}\n"
        "*Backups*\n"
        "• 2026-11-25: 2026-11-25 03:12:05 UTC by <@U0ADMIN1>, 2 files\n"
        f"{LEGEND}"
    )
    assert view.compared("", "2026-11-25", (), ()).text == (
        f"What differs\n*All files*, from 2026-11-25 to what is there now:\nNothing differs.\n{LEGEND}"
    )


def test_laxer_limits_of_every_file_stand_first_and_those_not_shown_are_told() -> None:
    loose, rest = FOUND[:1], FOUND[1:]
    lines = view.change_lines((*rest, *loose, *rest, *loose))
    assert [each.startswith("🔴 *laxer*: ") for each in lines] == [True, True, *[False] * 6]
    more = Change(where="", kind=Kind.REST, count=40)
    lines = view.change_lines((more, *rest * 3, *loose * 14))
    assert lines[:12] == (LOOSER,) * 12
    assert lines[12:] == ("and 51 more, 2 of them *laxer*",)
    assert view.change_lines((more, *rest))[-1] == "· 40 more"
    assert "🔴 *14 limits got laxer.*" in view.compared("", "latest", loose * 14, ()).text


def test_a_long_change_keeps_what_the_value_is_now() -> None:
    keys = tuple("a_long_name_of_a_key_for_a_place" for _ in range(8))
    [line] = view.change_lines(
        [
            Change(
                where=".".join(keys)[:200],
                kind=Kind.CHANGED,
                before="100",
                after="500",
                keys=("max_loss",),
                old=100,
                new=500,
            )
        ]
    )
    assert line.startswith("🔴 *laxer*: …")
    assert line.endswith(" 100 → 500")


def test_a_backup_that_was_altered_or_is_of_others_says_so() -> None:
    others = replace(COPY, by="", standing=Standing.UNMARKED, files={"bot-limits.json": "ab"})
    text = view.compared("", "x", (), [replace(COPY, standing=Standing.ALTERED), others, *[COPY] * 9]).text
    assert "by <@U0ADMIN1>, 2 files, *altered since*\n" in text
    assert "• 2026-11-25: 2026-11-25 03:12:05 UTC, 1 file, made by others\n" in text
    assert "• and 3 more\n" in text
    assert view.backed_up(COPY).text == "*2 files were copied* to 2026-11-25, each read back by its hash."
    assert view.backed_up(others).text == "*1 file was copied* to 2026-11-25, each read back by its hash."


def test_whoever_agrees_to_a_restore_reads_first_that_limits_get_laxer() -> None:
    effect = (
        "*Effect*: bot-limits.json becomes what 2026-11-25 holds; the file that is there now is kept beside it under "
        "corrupted/."
    )
    assert view.restore_notes("bot-limits.json", "2026-11-25", FOUND, [OLDER]) == (
        "🔴 *1 limit gets laxer by this.*",
        effect,
        "*Mind*: It is above the largest loss.",
        LOOSER,
        *REST.split("\n"),
    )
    notes = view.restore_notes("bot-limits.json", "2026-11-25", FOUND[:1] * 2, ())
    assert notes[0] == "🔴 *2 limits get laxer by this.*"
    assert view.restore_notes("bot-limits.json", "2026-11-25", (), ()) == (
        effect,
        "It holds the same as now.",
    )
    long = [replace(FOUND[0], where="x" * 200)] * 30
    notes = view.restore_notes("x" * 90, "y" * 90, long, [replace(OLDER, text="z" * 300)] * 5)
    assert len("\n".join(notes)) <= 3000  # one section of the card that asks


def test_evidence_is_told_by_its_hash_and_never_by_its_content() -> None:
    assert view.evidence(ROW, ["logs/huge.log: too large"]).text == (
        "📦 Evidence #4\n"
        "<@U0ADMIN1> had evidence taken at 2026-11-25 03:12:05 UTC: 11 files, 12.3 MB.\n"
        f"*SHA-256*: {'ab' * 32}\n"
        "*It lies on this bot's host*, readable by its user alone: /var/lib/chatbot/evidence/4.tar.gz\n"
        "*Left out*\n"
        "• logs/huge.log: too large\n"
        "never uploaded: logs stand in it as they were written and may hold secrets"
    )
    small = view.evidence(replace(ROW, size=12_345, members=1), ["x"] * 11).text
    assert ": 1 file, 12.3 kB.\n" in small
    assert "• x\n• and 3 more\n" in small
    assert "Left out" not in view.evidence(ROW, ()).text
    assert view.evidence_taken(ROW, "C0OPS").text == (
        "Evidence #4 was taken: <#C0OPS> tells where it lies, and its hash abababababab…."
    )


def test_host_actions_say_what_each_takes() -> None:
    assert view.host_actions([RESTART, MOVE, DISK]).text == (
        "*Programs that may be run on the fleet's host*\n"
        "• *restart-coordinator*: Restarts the coordinator (it releases a kill: a second admin, cooldown and breaker "
        "hold it; at most 60 s)\n"
        "• *move-logs*: Moves old logs away (takes a second admin; at most 10 min)\n"
        "• *disk*: Shows how full the disk is (one operator is enough; at most 60 s)\n"
        "/host &lt;name&gt; &lt;reason&gt;"
    )
    assert view.host_actions([]).text == (
        "The configuration names no host actions, so nothing can be run: recovery.host_actions takes each with name, "
        "argv and summary."
    )
    many = view.host_actions([replace_summary(MOVE, "x" * 300)] * 23)
    assert violations(many.blocks) == []
    said = "\n".join(markup(many))
    assert said.count("*move-logs*") == 20
    assert "\n• and 3 more\n" in said


def replace_summary(action: HostAction, summary: str) -> HostAction:
    return action.model_copy(update={"summary": summary})


def test_what_a_program_said_is_one_line_and_no_line_when_it_said_nothing() -> None:
    assert view.ran("disk", "U0ADMIN1", "It ended well after 0.1 s.", "Use%\n/ 91%\n").text == (
        "<@U0ADMIN1> had disk run: It ended well after 0.1 s.\nIt said: Use% / 91%"
    )
    assert "It said" not in view.ran("disk", "U0ADMIN1", "It ended well.", " \n").text
    assert view.answer("Type /host <name> & a reason.").text == "Type /host &lt;name&gt; &amp; a reason."


@pytest.mark.parametrize("text", NASTY)
def test_whatever_is_in_it_slack_takes_it_and_nobody_is_paged(text: str) -> None:
    change = replace(FOUND[0], where=text, before=text, after=text)
    fault = Fault(file=text, where=text, text=text, serious=True)
    copy = replace(COPY, path=Path("/x") / text.replace("/", "").replace("\x00", ""), by=text)
    notes = view.restore_notes(text, text, [change] * 30, [fault] * 9)
    for shown in (
        view.checked([fault] * 30, 9, [replace(DIFFERS, text=text, source=text)] * 30, NOW),
        view.compared(text, text, [change] * 30, [copy] * 30),
        view.backed_up(copy),
        view.evidence(replace(ROW, by=text, path=text), [text] * 30),
        view.evidence_taken(ROW, text),
        view.host_actions([replace_summary(MOVE, text)] * 30),
        view.ran(text, text, text, text),
        view.answer(text.strip() or "x"),
    ):
        assert violations(shown.blocks) == []
        for said in (shown.text, *markup(shown), *notes):
            assert not re.search("[<>]", re.sub(r"<!date\^\d+\^[^|<>]*\|[^|<>]*>|<#C0OPS>", "", said))


def test_what_cannot_be_compared_is_named_beside_what_can() -> None:
    broken = Fault(file="bot-limits.json", where="6:32", text="A comma is missing.", serious=True)
    told = view.compared("", "config-20261124", (), (), [broken]).text
    assert (
        "• *cannot be compared*: *serious*: bot-limits.json, line 6, column 32: A comma is missing." in told
    )
    assert "The others do not differ." in told
    assert "/config restore bot-limits.json from latest asks to put it back." in told
    assert "Nothing differs" not in told
