"""The reports of /diagnose and /logs: compact, trouble first, what is not known said as such."""

from collections.abc import Sequence
from datetime import datetime

from chatbot.views.blocks import Block, Message, context, header, message, section
from chatbot.views.markup import NAME_SHOWN, outside, when
from chatbot.views.walk import PROPOSALS_SHOWN, proposal
from commands.probes.logs import Cluster, Record
from commands.probes.model import Finding, Report, Verdict
from commands.probes.signs import PROBES
from commands.walking.proposing import Proposal

FINDINGS_SHOWN = 6
FINDING_SHOWN = 220
CLUSTERS_SHOWN = 8
RECORDS_SHOWN = 12
LINE_SHOWN = 240

_WORDS = {
    Verdict.ILL: "✖ *trouble*",
    Verdict.UNKNOWN: "? *not known*",
    Verdict.WELL: "✓ well",
    Verdict.NOTED: "· noted",
}


def report(
    reports: Sequence[Report], proposals: Sequence[Proposal], *, bot: str | None, at: datetime
) -> Message:
    """The answer to /diagnose."""
    everything = [each for one in reports for each in one.findings]
    counted = {word: sum(each.verdict is word for each in everything) for word in Verdict}
    return message(
        header(f"Diagnosis of {bot or 'the fleet'}"),
        section(
            f"{counted[Verdict.ILL]} in trouble, {counted[Verdict.UNKNOWN]} not known, {counted[Verdict.WELL]} well. "
            f"Looked at {when(at, day=True)}; nothing was changed."
        ),
        *(section(*proposal(each, first=n == 0)) for n, each in enumerate(proposals[:PROPOSALS_SHOWN])),
        *(_probe(each) for each in reports),
        context(
            f"/recover {bot or 'fleet'} walks through the runbook that fits · "
            + " · ".join(f"{each.probe} {lasting_of(each)}" for each in reports)
        ),
    )


def lasting_of(report: Report) -> str:
    """How long a probe took, in words."""
    return f"{report.took:.1f} s"


def _probe(one: Report) -> Block | None:
    order = {Verdict.ILL: 0, Verdict.UNKNOWN: 1, Verdict.NOTED: 2, Verdict.WELL: 3}
    shown = sorted(one.findings, key=lambda each: order[each.verdict])
    lines = [_finding(each) for each in shown[:FINDINGS_SHOWN]]
    more = len(shown) - FINDINGS_SHOWN
    return section(
        f"*{PROBES.get(one.probe, one.probe).capitalize()}*, at {when(one.at)}",
        *lines,
        f"and {more} more" if more > 0 else "",
    )


def _finding(each: Finding) -> str:
    return (
        f"{_WORDS[each.verdict]}: {outside(each.text, FINDING_SHOWN)} _({outside(each.source, NAME_SHOWN)})_"
    )


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
        f"• {each.count} times, {each.level or 'no level'}: {outside(each.example, LINE_SHOWN)}"
        for each in clusters[:CLUSTERS_SHOWN]
    ]
    newest = [
        f"• {_at(each)}{each.level or 'no level'}: {outside(each.text, LINE_SHOWN)}"
        for each in records[-RECORDS_SHOWN:][::-1]
    ]
    return message(
        header("The fleet's logs"),
        section(f"*{outside(asked, 120)}*: {levels}.", *(outside(each, 200) for each in notes)),
        section("*Most frequent*, similar ones as one", *alike) if alike else None,
        section("*Newest first*", *newest) if newest else None,
        context(f"read {when(at)} · secrets are masked, numbers and names may be cut"),
    )


def _at(each: Record) -> str:
    return f"{each.at:%m-%d %H:%M:%S} " if each.at is not None else ""
