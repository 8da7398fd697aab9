"""The messages of /config, /evidence and /host; limits that get laxer stand first, in words and in red."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chatbot.views.blocks import Message, context, header, message, section
from chatbot.views.markup import channel, lasting, outside, person, when
from commands.configuring.checking import Fault
from commands.configuring.comparing import Change, laxer
from commands.configuring.keeping import Backup, Standing
from commands.probes.model import Finding
from config.settings import HostAction
from storage.evidence import EvidenceRow

CHANGES_SHOWN = 12
FAULTS_SHOWN = 15
BACKUPS_SHOWN = 8
CHANGE_SHOWN = 160


def checked(faults: Sequence[Fault], count: int, findings: Sequence[Finding], at: datetime) -> Message:
    """The answer to /config check."""
    lines = [
        f"• {'*serious*: ' if each.serious else ''}{outside(each.file, 60)}"
        f"{', ' + outside(each.where, 80) if each.where else ''}: {outside(each.text, 240)}"
        for each in faults[:FAULTS_SHOWN]
    ]
    more = len(faults) - FAULTS_SHOWN
    serious = sum(each.serious for each in faults)
    return message(
        header("The fleet's configuration"),
        section(f"{count} files read: {serious} serious faults, {len(faults) - serious} others."),
        section(*lines, f"and {more} more" if more > 0 else "") if lines else None,
        section(*(f"• {outside(each.text, 300)} _({outside(each.source, 60)})_" for each in findings[:10]))
        if findings
        else None,
        context(f"read {when(at)} · nothing was changed · no value of a secret is ever shown"),
    )


def compared(file: str, source: str, found: Sequence[Change], backups: Sequence[Backup]) -> Message:
    """The answer to /config diff."""
    what = (
        f"{outside(file, 80)} against {outside(source, 80)}"
        if file
        else f"All files against {outside(source, 80)}"
    )
    return message(
        header("What differs"),
        section(f"{what}: from there to what is there now.", *(change_lines(found) or ("Nothing differs.",))),
        section("*Backups*", *(_backup(each) for each in backups[:BACKUPS_SHOWN])) if backups else None,
        context("🔴 loosens a limit · 🟢 tightens one · nothing was changed"),
    )


def change_lines(found: Sequence[Change]) -> tuple[str, ...]:
    """Each changed key in a line, what loosens a limit first."""
    lines = []
    for each in found[:CHANGES_SHOWN]:
        mark = {True: "🔴 *laxer*: ", False: "🟢 tighter: ", None: "· "}[laxer(each)]
        lines.append(f"{mark}{outside(each.text, CHANGE_SHOWN)}")
    more = len(found) - CHANGES_SHOWN
    return (*lines, f"and {more} more") if more > 0 else tuple(lines)


def restore_notes(
    file: str, source: str, found: Sequence[Change], faults: Sequence[Fault]
) -> tuple[str, ...]:
    """What a restore would change, for the card that asks for it."""
    loose = sum(laxer(each) is True for each in found)
    effect = (
        f"*Effect*: {outside(file, 80)} becomes what {outside(source, 80)} holds; the file that is there now is kept "
        "beside it under corrupted/."
    )
    lines = [
        effect,
        *(change_lines(found) or ("It holds the same as now.",)),
    ]
    if loose:
        lines.insert(1, f"🔴 *{loose} limits get laxer by this.*")
    lines += [f"*Mind*: {outside(each.text, 200)}" for each in faults[:3]]
    return tuple(lines)


def _backup(each: Backup) -> str:
    by = f" by {person(each.by)}" if each.by else ""
    word = {
        Standing.UNALTERED: "",
        Standing.ALTERED: ", *altered since*",
        Standing.UNMARKED: ", made by others",
    }
    return f"• {outside(each.name, 80)}: {when(each.at, day=True)}{by}, {len(each.files)} files{word[each.standing]}"


def backed_up(made: Backup) -> Message:
    """The answer to /config backup."""
    return message(
        section(
            f"*{len(made.files)} files were copied* to {outside(made.name, 80)}, each read back by its hash."
        )
    )


def evidence(row: EvidenceRow, left_out: Sequence[str]) -> Message:
    """That evidence was taken, for the ops channel: its hash, never its content."""
    lines = [f"• {outside(each, 200)}" for each in left_out[:8]]
    return message(
        header(f"📦 Evidence #{row.id}"),
        section(
            f"{person(row.by)} had evidence taken at {when(row.at, day=True)}: {row.members} files, "
            f"{row.size / 1_000_000:.1f} MB.",
            f"*SHA-256*: {row.sha256}",
            f"*It lies on this bot's host*, readable by its user alone: {outside(row.path, 200)}",
        ),
        section("*Left out*", *lines) if lines else None,
        context("never uploaded: logs stand in it as they were written and may hold secrets"),
    )


def evidence_taken(row: EvidenceRow, ops: str) -> Message:
    """The answer to /evidence."""
    return message(
        section(f"Evidence #{row.id} was taken: {channel(ops)} tells where it lies, and its hash {row.sha256[:12]}….")
    )


def host_actions(found: Sequence[HostAction]) -> Message:
    """The answer to /host."""
    if not found:
        return message(
            section(
                "The configuration names no host actions, so nothing can be run: recovery.host_actions takes each with "
                "name, argv and summary."
            )
        )
    lines = [
        f"• *{each.name}*: {outside(each.summary, 200)} ({_risk(each)}, at most {lasting_of(each.timeout_seconds)})"
        for each in found[:20]
    ]
    return message(
        section("*Programs that may be run on the fleet's host*", *lines), context("/host <name> <reason>")
    )


def _risk(each: HostAction) -> str:
    if each.releases:
        return "releases a kill, so a second admin, cooldown and breaker hold it"
    return "a second admin" if each.risk == "raise" else "one operator"


def lasting_of(seconds: float) -> str:
    """Seconds in words."""
    return lasting(timedelta(seconds=seconds))


def ran(name: str, by: str, sentence: str, output: str) -> Message:
    """How a host action of one person went, for the ops channel."""
    said = f"It said: {outside(' '.join(output.split()), 400)}" if output.strip() else ""
    return message(section(f"{person(by)} had {outside(name, 40)} run: {outside(sentence, 300)}", said))


def answer(text: str) -> Message:
    """One sentence of ours."""
    return message(section(text))
