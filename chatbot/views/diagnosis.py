"""The reports of /diagnose and /logs: compact, trouble first, what is not known said as such."""

from collections.abc import Sequence
from datetime import UTC, datetime

from chatbot.views import walk_words as words
from chatbot.views.blocks import Block, Message, context, header, message, section
from chatbot.views.markup import NAME_SHOWN, outside, when
from chatbot.views.walk_card import PROPOSALS_SHOWN, in_sections, proposal
from commands.probes.logs import Cluster
from commands.probes.model import Finding, Report, Verdict
from commands.probes.records import Record
from commands.probes.signs import PROBES
from commands.walking.proposing import Proposal

TROUBLE_SHOWN = 8
UNKNOWN_SHOWN = 5
NOTED_SHOWN = 2
FINDING_SHOWN = 160
IN_SHORT = 70
"""Characters of each finding that is not told at length."""

REST_SHOWN = 12
NOTED_IN_SHORT = 4

REASONS_SHOWN = 2
SLOW = 5.0
"""Seconds from which it is told that a probe took long."""

CLUSTERS_SHOWN = 8
RECORDS_SHOWN = 12
LINE_SHOWN = 160


def report(
    reports: Sequence[Report], proposals: Sequence[Proposal], *, bot: str | None, at: datetime
) -> Message:
    """The answer to /diagnose: what is in trouble, what is not known, which runbook fits, and the rest by probe."""
    everything = [each for one in reports for each in one.findings]
    of = {word: [each for each in everything if each.verdict is word] for word in Verdict}
    slow = [f"{each.probe} took {lasting_of(each)}" for each in reports if each.took >= SLOW]
    return message(
        header(f"Diagnosis of {bot or 'the fleet'}"),
        section(
            f"{len(of[Verdict.ILL])} in trouble, {len(of[Verdict.UNKNOWN])} not known, {len(of[Verdict.WELL])} well. "
            f"Looked at {when(at, day=True)}; nothing was changed."
        ),
        *_listed("✖ *In trouble*", of[Verdict.ILL], TROUBLE_SHOWN),
        *_listed("? *Not known*, so it may be well or not", of[Verdict.UNKNOWN], UNKNOWN_SHOWN),
        *(
            section(*proposal(each, first=n == 0, reasons=REASONS_SHOWN))
            for n, each in enumerate(proposals[:PROPOSALS_SHOWN])
        ),
        *(_probe(each) for each in reports),
        context(
            " · ".join(
                [f"/recover {outside(bot or 'fleet', NAME_SHOWN)} walks through the runbook that fits", *slow]
            )
        ),
    )


def lasting_of(report: Report) -> str:
    """How long a probe took, in words."""
    return f"{report.took:.1f} s"


def _listed(head: str, found: Sequence[Finding], most: int) -> tuple[Block | None, ...]:
    if not found:
        return ()
    told: dict[str, list[str]] = {}  # what several of them saw is said once
    for each in found:
        told.setdefault(each.text, []).append(each.source)
    lines = [f"• {_finding(text, sources)}" for text, sources in told.items()]
    return in_sections([head, *lines[:most], *_rest(list(told)[most:], REST_SHOWN)])


def _probe(one: Report) -> Block | None:
    """What else a probe saw, in short; nothing when it saw only what stands above."""
    noted = [each for each in one.findings if each.verdict is Verdict.NOTED]
    well = "; ".join(each.text.rstrip(".") for each in one.findings if each.verdict is Verdict.WELL)
    if not noted and not well:
        return None
    name = PROBES.get(one.probe, one.probe)
    return section(
        f"*{name[:1].upper()}{name[1:]}*, at {when(one.at)}",
        *(f"• {words.found(each.text, each.source, FINDING_SHOWN)}" for each in noted[:NOTED_SHOWN]),
        *_rest([each.text for each in noted[NOTED_SHOWN:]], NOTED_IN_SHORT),
        f"✓ well: {outside(well, FINDING_SHOWN)}" if well else "",
    )


def _rest(texts: Sequence[str], most: int) -> tuple[str, ...]:
    """What is not told at length: how many, and as many of them in short as there is room for."""
    if not texts:
        return ()
    short = [outside(each, IN_SHORT) for each in texts[:most]]
    end = "; ..." if len(texts) > most else ""
    return (f"• and {len(texts)} more, in short: {'; '.join(short)}{end}",)


def _finding(text: str, sources: Sequence[str]) -> str:
    seen = ", ".join(dict.fromkeys(outside(each, NAME_SHOWN) for each in sources))
    return f"{words.found(text, sources[0], FINDING_SHOWN)} _({seen})_"


def logs(
    *,
    counted: dict[str, int],
    clusters: Sequence[Cluster],
    records: Sequence[Record],
    asked: str,
    notes: Sequence[str],
    at: datetime,
) -> Message:
    """The answer to /logs: how many of which level, the most frequent, the newest."""
    levels = ", ".join(f"{count} {level}" for level, count in counted.items()) or "no record"
    alike = [
        f"• {words.counted(each.count, 'time')}, {each.level or 'no level'}: {outside(each.example, LINE_SHOWN)}"
        for each in clusters[:CLUSTERS_SHOWN]
    ]
    newest = [
        f"• {_at(each)}{each.level or 'no level'}: {outside(each.text, LINE_SHOWN)}"
        for each in records[-RECORDS_SHOWN:][::-1]
    ]
    return message(
        header("The fleet's logs"),
        *in_sections([f"*{outside(asked, 120)}*: {levels}.", *(f"⚠️ {outside(each, 200)}" for each in notes)]),
        *in_sections(["*Most frequent*, similar ones as one", *alike] if alike else []),
        *in_sections(["*Newest first*", *newest] if newest else []),
        context(f"read {when(at)} · times in the lines are UTC · secrets are masked, long lines are cut"),
    )


def _at(each: Record) -> str:
    return f"{each.at.astimezone(UTC):%m-%d %H:%M:%S} " if each.at is not None else ""
