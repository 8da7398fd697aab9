"""The reports of /diagnose and /logs, word by word: trouble first, short, and nobody paged by what others wrote."""

import re
from dataclasses import replace

import pytest
from walk_cards import CRASH, GENERAL, LINE, NOW, RAISED, RECORD, markup

from chatbot.views import diagnosis as view
from chatbot.views.markup import in_words
from commands.probes.logs import Cluster
from commands.probes.model import Finding, Report, Verdict
from commands.probes.records import Record as LogRecord
from commands.probes.signs import PROBES
from tests.blockkit import violations
from tests.hostile import NASTY


def finding(verdict: Verdict, text: str, source: str = "GET /status") -> Finding:
    return Finding(verdict=verdict, text=text, source=source)


FLEET = Report(
    probe="fleet",
    at=NOW,
    took=0.1,
    findings=(
        finding(Verdict.WELL, "The coordinator answers"),
        finding(Verdict.ILL, "ndax is in error"),
        finding(Verdict.NOTED, "The kill switch is inactive"),
    ),
)
OURS = Report(
    probe="record",
    at=NOW,
    took=0.0,
    findings=(
        finding(Verdict.NOTED, "Our record holds no kill", RECORD),
        finding(Verdict.NOTED, RAISED, RECORD),
    ),
)
HOST = Report(
    probe="host",
    at=NOW,
    took=14.8,
    findings=(
        finding(Verdict.UNKNOWN, "The disk could not be looked at", "host"),
        finding(Verdict.ILL, "Memory is short", "host"),
    ),
)
ALL = (FLEET, OURS, HOST)


def test_trouble_stands_first_then_what_is_not_known_then_what_to_do() -> None:
    assert view.report(ALL, (CRASH, LINE), bot="ndax", at=NOW).text == (
        "Diagnosis of ndax\n"
        "2 in trouble, 1 not known, 1 well. Looked at 2026-11-25 03:12:05 UTC; nothing was changed.\n"
        "✖ *In trouble*\n"
        "• ndax is in error _(GET /status)_\n"
        "• Memory is short _(host)_\n"
        "? *Not known*, so it may be well or not\n"
        "• The disk could not be looked at _(host)_\n"
        "*Proposed*: A bot crashes again and again (8 points)\n"
        "• ndax fell 4 times within an hour _(what was seen)_. A bot that falls soon after each start has a cause that "
        "one more start does not mend.\n"
        "• 3 tracebacks, the last a KeyError _(logs/ndax.log)_. A traceback is written where a program met something "
        "it was not made for.\n"
        "• 1 symptom could not be looked for\n"
        "*Also fits*: Connections fail (4 points)\n"
        "• errors of ndax speak of a time-out _(GET /status)_. The bots themselves tell of time-outs and refused "
        "connections.\n"
        "*The coordinator's word on the fleet*, at 03:12:05 UTC\n"
        "• The kill switch is inactive\n"
        "✓ well: The coordinator answers\n"
        "*This bot's own record*, at 03:12:05 UTC\n"
        "• Our record holds no kill\n"
        "• What raised risk in the last day (UTC), by person: <@U0ADMIN1>: start ndax at 11-25 01:04\n"
        "/recover ndax walks through the runbook that fits · host took 14.8 s"
    )


def test_a_fleet_in_which_all_is_well_is_told_in_a_few_lines() -> None:
    well = Report(probe="fleet", at=NOW, took=0.1, findings=FLEET.findings[:1])
    assert view.report((well,), (GENERAL,), bot=None, at=NOW).text == (
        "Diagnosis of the fleet\n"
        "0 in trouble, 0 not known, 1 well. Looked at 2026-11-25 03:12:05 UTC; nothing was changed.\n"
        "*Proposed*: General recovery process, since nothing that was seen speaks for another runbook. 3 symptoms "
        "could not be looked for, so another may fit all the same.\n"
        "*The coordinator's word on the fleet*, at 03:12:05 UTC\n"
        "✓ well: The coordinator answers\n"
        "/recover fleet walks through the runbook that fits"
    )


def test_probes_that_could_not_look_are_never_told_as_well() -> None:
    blind = [
        Report(
            probe=name,
            at=NOW,
            took=0.1,
            findings=(finding(Verdict.UNKNOWN, f"{name} does not answer", name),),
        )
        for name in PROBES
    ]
    text = view.report(blind, (GENERAL,), bot=None, at=NOW).text
    assert "0 in trouble, 9 not known, 0 well." in text
    assert "? *Not known*, so it may be well or not\n• fleet does not answer _(fleet)_\n" in text
    assert "• history does not answer _(history)_\n• logs does not answer _(logs)_\n" in text
    assert (
        "• and 4 more, in short: network does not answer; config does not answer; host does not answer; "
        "git does not answer\n" in text
    )
    assert "✓" not in text


def seen(count: int, length: int) -> list[Report]:
    """What every probe saw: so many findings of each kind, of this length."""
    return [
        Report(
            probe=name,
            at=NOW,
            took=0.1,
            findings=tuple(
                finding(verdict, f"{verdict} {number} of {name} {'x' * length}"[:length], name)
                for number in range(count)
                for verdict in Verdict
            ),
        )
        for name in PROBES
    ]


def test_the_text_says_all_that_the_blocks_say() -> None:
    shown = view.report(seen(1, 70), (CRASH,), bot=None, at=NOW)
    said = in_words("\n".join(markup(shown)))
    assert shown.text == f"Diagnosis of the fleet\n{said}"
    assert len(shown.text) < 4000


def test_many_findings_stay_short_and_those_not_shown_are_counted() -> None:
    shown = view.report(seen(20, 300), (CRASH, LINE, LINE, GENERAL), bot=None, at=NOW)
    said = "\n".join(markup(shown))
    assert violations(shown.blocks) == []
    assert said.count("\n") < 75
    assert "180 in trouble, 180 not known, 180 well." in said
    assert "• ill 7 of fleet xxx" in said
    assert "• and 172 more, in short: ill 8 of fleet xxx" in said
    assert "…; ...\n? *Not known*" in said
    assert "• and 175 more, in short: unknown 5 of fleet xxx" in said
    assert "…; ...\n*Proposed*" in said
    assert "• noted 1 of logs xxx" in said
    assert said.count("• and 18 more, in short: noted 2 of ") == len(PROBES)
    assert said.count("…; ...\n✓ well: well 0 of ") == len(PROBES)
    assert said.count("*Also fits*") == 2
    assert "General" not in said


def test_what_several_probes_saw_is_said_once_with_all_its_sources() -> None:
    twice = [
        Report(
            probe=name, at=NOW, took=0.1, findings=(finding(Verdict.ILL, "ndax: the feed is stale", name),)
        )
        for name in ("fleet", "monitor")
    ]
    text = view.report(twice, (GENERAL,), bot=None, at=NOW).text
    assert "• ndax: the feed is stale _(fleet, monitor)_\n" in text
    assert text.count("the feed is stale") == 1


def test_a_person_is_a_mention_only_where_our_own_record_names_one() -> None:
    foreign = Report(
        probe="logs",
        at=NOW,
        took=0.1,
        findings=(
            finding(Verdict.ILL, "U0ADMIN1 (our own record)", "logs/ndax.log"),
            finding(Verdict.NOTED, RAISED, "logs/our own record"),
        ),
    )
    assert "<@" not in view.report((foreign,), (), bot=None, at=NOW).text
    assert "<@U0ADMIN1>: start ndax" in view.report((OURS,), (), bot=None, at=NOW).text


# -- logs

FAILED = Cluster(
    level="ERROR", count=12, first="", last="", example="ValueError: bad price", sources=("logs/ndax.log",)
)
LINE_17 = LogRecord(
    source="logs/ndax.log",
    file="logs/ndax.log",
    level="ERROR",
    when="03:12:05",
    at=NOW,
    raw="ValueError: bad price 17, token=abc",
    trace=None,
)
UNDATED = replace(LINE_17, at=None, level="", raw="shutting down")


def test_logs_are_counted_the_most_frequent_first_and_the_newest_first() -> None:
    assert view.logs(
        counted={"ERROR": 12, "without level": 1},
        clusters=[FAILED, replace(FAILED, level="", count=1, example="shutting down")],
        records=[UNDATED, LINE_17],
        asked="ndax, ERROR or worse",
        notes=["logs/x.log is no text, so it was not read"],
        at=NOW,
    ).text == (
        "The fleet's logs\n"
        "*ndax, ERROR or worse*: 12 ERROR, 1 without level.\n"
        "⚠️ logs/x.log is no text, so it was not read\n"
        "*Most frequent*, similar ones as one\n"
        "• 12 times, ERROR: ValueError: bad price\n"
        "• 1 time, no level: shutting down\n"
        "*Newest first*\n"
        "• 11-25 03:12:05 ERROR: ValueError: bad price 17, token=∗∗∗\n"
        "• no level: shutting down\n"
        "read 03:12:05 UTC · times in the lines are UTC · secrets are masked, long lines are cut"
    )


def test_logs_without_a_record_say_so() -> None:
    assert view.logs(
        counted={}, clusters=[], records=[], asked="all bots, all levels", notes=["no log was found"], at=NOW
    ).text == (
        "The fleet's logs\n"
        "*all bots, all levels*: no record.\n"
        "⚠️ no log was found\n"
        "read 03:12:05 UTC · times in the lines are UTC · secrets are masked, long lines are cut"
    )


def test_long_logs_are_cut_to_what_the_text_can_say_too() -> None:
    records = [replace(LINE_17, raw=f"line {number} {'x' * 500}") for number in range(400)]
    shown = view.logs(
        counted={"ERROR": 400},
        clusters=[replace(FAILED, example="y" * 500)] * 30,
        records=records,
        asked="all bots",
        notes=[],
        at=NOW,
    )
    assert violations(shown.blocks) == []
    assert "line 399" in shown.text
    assert "line 388" in shown.text
    assert "line 387" not in shown.text
    assert shown.text.count("yyy…") == 8
    assert shown.text.endswith("long lines are cut")


# -- texts of others


@pytest.mark.parametrize("text", NASTY)
def test_whatever_is_in_it_slack_takes_it_and_nobody_is_paged(text: str) -> None:
    findings = tuple(
        finding(verdict, text, source) for verdict in Verdict for source in (text, RECORD) for _ in range(8)
    )
    reports = [Report(probe=name, at=NOW, took=9.0, findings=findings) for name in PROBES]
    reasons = tuple(replace(each, why=text, seen=text, source=text) for each in CRASH.reasons * 4)
    proposals = [replace(each, title=text, reasons=reasons) for each in (CRASH, LINE, GENERAL)]
    for shown in (
        view.report(reports, proposals, bot=text, at=NOW),
        view.logs(
            counted={"ERROR": 1},
            clusters=[replace(FAILED, example=text)] * 20,
            records=[replace(LINE_17, raw=text)] * 30,
            asked=text,
            notes=[text] * 30,
            at=NOW,
        ),
    ):
        assert violations(shown.blocks) == []
        for said in (shown.text, *markup(shown)):
            assert not re.search("[<>]", re.sub(r"<!date\^\d+\^[^|<>]*\|[^|<>]*>|<@U0ADMIN1>", "", said))
