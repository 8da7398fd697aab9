"""The messages of /config, /evidence and /host; limits that get laxer stand first, in words and in red."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from chatbot.views import walk_words as words
from chatbot.views.blocks import Message, context, header, message, section
from chatbot.views.markup import channel, escape, lasting, outside, person, when
from chatbot.views.walk_card import in_sections
from commands.configuring.comparing import Change, Kind, laxer
from commands.configuring.keeping import Backup, Standing
from commands.configuring.strict_json import Fault
from commands.probes.model import Finding
from config.settings import HostAction
from storage.evidence import EvidenceRow

CHANGES_SHOWN = 12
FAULTS_SHOWN = 15
FINDINGS_SHOWN = 8
BACKUPS_SHOWN = 8
ACTIONS_SHOWN = 20
LEFT_OUT_SHOWN = 8
CHANGE_SHOWN = 140
FAULT_SHOWN = 200
KEYS_SHOWN = 100
TO_DO = (
    "*What to do*: /config diff shows what changed and lists the backups; /config restore, a file and from latest ask "
    "to put it back."
)


def checked(faults: Sequence[Fault], count: int, findings: Sequence[Finding], at: datetime) -> Message:
    """The answer to /config check, serious faults first."""
    shown = sorted(faults, key=lambda each: not each.serious)
    serious = sum(each.serious for each in faults)
    said = (
        f"*{words.counted(serious, 'serious fault')}*, {words.counted(len(faults) - serious, 'other')}."
        if faults
        else "no fault was found. Whether the numbers are right, only a person can say."
    )
    return message(
        header("The fleet's configuration"),
        section(f"{words.counted(count, 'file')} read: {said}" if count else "*No file could be read.*"),
        *in_sections(_lines([_fault(each) for each in shown], FAULTS_SHOWN)),
        *in_sections(_lines([_finding(each) for each in findings], FINDINGS_SHOWN)),
        section(TO_DO) if serious else None,
        context(f"read {when(at)} · nothing was changed · no value of a secret is ever shown"),
    )


def _fault(each: Fault) -> str:
    place = re.fullmatch(r"(\d+):(\d+)", each.where)
    told = f"line {place[1]}, column {place[2]}" if place else outside(each.where, 80)
    where = f", {told}" if told else ""
    word = "*serious*: " if each.serious else ""
    text = outside(each.text, FAULT_SHOWN)
    if each.text.startswith(each.file):  # it says by itself where it is
        return f"• {word}{text}"
    return f"• {word}{outside(each.file, 60)}{where}: {text}"


def _finding(each: Finding) -> str:
    return f"• {words.found(each.text, each.source, FAULT_SHOWN)} _({outside(each.source, 60)})_"


def _lines(lines: Sequence[str], most: int) -> list[str]:
    """At most so many of them, and how many more there are."""
    more = len(lines) - most
    return [*lines[:most], *([f"• and {more} more"] if more > 0 else [])]


def shown(file: str, lines: Sequence[str], digest: str, at: datetime) -> Message:
    """The answer to /config show: every key with its value."""
    return message(
        header(file[:80]),
        *in_sections(_lines([f"• {outside(each, CHANGE_SHOWN)}" for each in lines], KEYS_SHOWN)),
        None if lines else section("It holds nothing."),
        context(
            f"read {when(at)} · SHA-256 {digest[:12]}… · values of secrets are masked · a program that runs may still "
            "have what it read when it started"
        ),
    )


def compared(
    file: str,
    source: str,
    found: Sequence[Change],
    backups: Sequence[Backup],
    broken: Sequence[Fault] = (),
) -> Message:
    """The answer to /config diff, what loosens a limit first."""
    what = f"*{outside(file, 80)}*" if file else "*All files*"
    loose = _loose(found)
    return message(
        header("What differs"),
        section(
            f"{what}, from {outside(source, 80)} to what is there now:",
            f"🔴 *{words.counted(loose, 'limit')} got laxer.*" if loose else "",
        ),
        *in_sections([f"• *cannot be compared*: {_fault(each).removeprefix('• ')}" for each in broken]),
        *in_sections(
            change_lines(found)
            or (("The others do not differ." if not file else "",) if broken else ("Nothing differs.",))
        ),
        section(f"*What to do*: {_restore(file or broken[0].file)} asks to put it back.") if broken else None,
        *in_sections(
            ["*Backups*", *_lines([_backup(each) for each in backups], BACKUPS_SHOWN)] if backups else []
        ),
        context("🔴 loosens a limit · 🟢 tightens one · nothing was changed"),
    )


def _restore(file: str) -> str:
    return f"/config restore {outside(file, 80)} from latest"


def change_lines(found: Sequence[Change]) -> tuple[str, ...]:
    """Each changed key in a line, what loosens a limit first."""
    ordered = sorted(found, key=lambda each: (laxer(each) is not True, each.kind is Kind.REST))
    lines = []
    for each in ordered[:CHANGES_SHOWN]:
        mark = {True: "🔴 *laxer*: ", False: "🟢 tighter: ", None: "· "}[laxer(each)]
        text = each.text  # its end is what the value is now, so a long one loses its beginning
        text = text if len(text) <= CHANGE_SHOWN else f"…{text[1 - CHANGE_SHOWN :]}"
        lines.append(f"{mark}{outside(text, CHANGE_SHOWN)}")
    left = ordered[CHANGES_SHOWN:]
    more, loose = sum(each.count for each in left), _loose(left)
    also = f", {loose} of them *laxer*" if loose else ""
    return (*lines, f"and {more} more{also}") if more > 0 else tuple(lines)


def _loose(found: Sequence[Change]) -> int:
    return sum(laxer(each) is True for each in found)


def restore_notes(
    file: str, source: str, found: Sequence[Change], faults: Sequence[Fault]
) -> tuple[str, ...]:
    """What a restore would change, for the card that asks for it: what loosens a limit stands first."""
    loose = _loose(found)
    get = "limit gets" if loose == 1 else "limits get"
    return (
        *((f"🔴 *{loose} {get} laxer by this.*",) if loose else ()),
        *_effect(file, source, faults),
        *(change_lines(found) or ("It holds the same as now.",)),
    )


def restore_unread(file: str, source: str, lines: Sequence[str], faults: Sequence[Fault]) -> tuple[str, ...]:
    """The same where what is there now cannot be read, so that nobody knows what gets laxer: what it would hold."""
    return (
        "🔴 *What is there now cannot be read*, so whether a limit gets laxer is not known: read what it would hold.",
        *_effect(file, source, faults),
        *_lines([f"· {outside(each, CHANGE_SHOWN)}" for each in lines], CHANGES_SHOWN),
        f"/config show {outside(file, 80)} from {outside(source, 80)} tells all of it.",
    )


def _effect(file: str, source: str, faults: Sequence[Fault]) -> tuple[str, ...]:
    effect = (
        f"*Effect*: {outside(file, 80)} becomes what {outside(source, 80)} holds; the file that is there now is kept "
        "beside it under corrupted/."
    )
    return (
        effect,
        *(f"*Mind*: {outside(each.text, 160)}" for each in faults[:3]),
    )


def _backup(each: Backup) -> str:
    by = f" by {person(each.by)}" if each.by else ""
    word = {
        Standing.UNALTERED: "",
        Standing.ALTERED: ", *altered since*",
        Standing.UNMARKED: ", made by others",
    }
    files = words.counted(len(each.files), "file")
    return f"• {outside(each.name, 80)}: {when(each.at, day=True)}{by}, {files}{word[each.standing]}"


def backed_up(made: Backup, broken: Sequence[Fault] = ()) -> Message:
    """The answer to /config backup; ``broken`` are files that cannot be read, in the copy as well."""
    count = len(made.files)
    were = "file was" if count == 1 else "files were"
    return message(
        section(f"*{count} {were} copied* to {outside(made.name, 80)}, each read back by its hash."),
        *in_sections([f"⚠️ *Copied as it is*: {_fault(each).removeprefix('• ')}" for each in broken]),
    )


def evidence(row: EvidenceRow, left_out: Sequence[str]) -> Message:
    """That evidence was taken, for the ops channel: its hash, never its content."""
    lines = _lines([f"• {outside(each, 200)}" for each in left_out], LEFT_OUT_SHOWN)
    return message(
        header(f"📦 Evidence #{row.id}"),
        section(
            f"{person(row.by)} had evidence taken at {when(row.at, day=True)}: {words.counted(row.members, 'file')}, "
            f"{_size(row.size)}.",
            f"*SHA-256*: {row.sha256}",
            f"*It lies on this bot's host*, readable by its user alone: {outside(row.path, 200)}",
        ),
        *in_sections(["*Left out*", *lines] if lines else []),
        context("never uploaded: logs stand in it as they were written and may hold secrets"),
    )


def evidence_taken(row: EvidenceRow, ops: str) -> Message:
    """The answer to /evidence."""
    return message(
        section(
            f"Evidence #{row.id} was taken: {channel(ops)} tells where it lies, and its hash {row.sha256[:12]}…."
        )
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
        f"• *{outside(each.name, 40)}*: {outside(each.summary, 200).rstrip('.')} ({_risk(each)}; at most "
        f"{lasting_of(each.timeout_seconds)})"
        for each in found
    ]
    return message(
        *in_sections(["*Programs that may be run on the fleet's host*", *_lines(lines, ACTIONS_SHOWN)]),
        context(escape("/host <name> <reason>")),
    )


def _risk(each: HostAction) -> str:
    if each.releases:
        return "it releases a kill: a second admin, cooldown and breaker hold it"
    return "takes a second admin" if each.risk == "raise" else "one operator is enough"


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size / 1000:.1f} kB"


def lasting_of(seconds: float) -> str:
    """Seconds in words."""
    return lasting(timedelta(seconds=seconds))


def ran(name: str, by: str, sentence: str, output: str) -> Message:
    """How a host action of one person went, for the ops channel."""
    said = f"It said: {outside(' '.join(output.split()), 400)}" if output.strip() else ""
    return message(section(f"{person(by)} had {outside(name, 40)} run: {outside(sentence, 300)}", said))


def answer(text: str) -> Message:
    """One sentence of ours, in plain words: no markup is read in it."""
    return message(section(escape(text)))
