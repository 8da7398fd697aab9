"""/config: check, compare and back up the fleet's configuration, and ask to put a file back."""

import re

from commands.policy import ROLE_FOR
from commands.spec import Command, Raising, Request, Risk, UserError
from commands.standing import Standing
from commands.words import WORD_LIMIT, bare, clean, cut

CHECK, SHOW, DIFF, BACKUP, RESTORE = "check", "show", "diff", "backup", "restore"
LATEST = "latest"
NOTHING = "Nothing was changed."

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.json")
_SOURCE = re.compile(r"git:[A-Za-z0-9][A-Za-z0-9._/-]{0,99}|[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    words = clean(text).split()
    verb = bare(words[0]) if words else CHECK
    if verb not in {CHECK, SHOW, DIFF, BACKUP, RESTORE}:
        raise UserError(
            f"'{cut(words[0], WORD_LIMIT)}' is nothing I can do with the configuration: write check, show, diff, "
            f"backup or restore. {NOTHING}"
        )
    rest = words[1:]
    if verb == BACKUP:
        return Request(command="config", option=BACKUP)
    file = ""
    if rest:
        if not _FILE.fullmatch(rest[0]):
            raise UserError(
                f"'{cut(rest[0], WORD_LIMIT)}' is no file of the configuration: write its name, such as "
                f"bot-limits.json. {NOTHING}"
            )
        file, rest = rest[0], rest[1:]
    if verb == SHOW and not file:
        raise UserError(f"Say which file, as in /config show bot-limits.json. {NOTHING}")
    if (verb == CHECK or (verb == SHOW and not rest)) and len(rest) == 0:
        return Request(command="config", option=verb, target=file)
    if verb == CHECK:
        raise UserError(f"check takes one file and nothing behind it, as in /config check {file}. {NOTHING}")
    rest = rest[1:] if rest and bare(rest[0]) == "from" else rest
    source, reason = (rest[0], " ".join(rest[1:])) if rest else (LATEST, "")
    if not _SOURCE.fullmatch(source):
        raise UserError(
            f"'{cut(source, WORD_LIMIT)}' is no backup: write latest, the name of a backup, or git:REVISION. {NOTHING}"
        )
    if verb == RESTORE and not file:
        raise UserError(
            f"Say which file, as in /config restore bot-limits.json from latest; /config diff shows what would change. "
            f"{NOTHING}"
        )
    return Request(command="config", option=verb, target=f"{file} {source}".strip(), reason=reason)


def _objection(request: Request, standing: Standing) -> str | None:
    return None


def _concerns(request: Request, standing: Standing) -> None:
    return None


COMMAND = Command(
    name="config",
    usage="check [file]|show <file> [from backup]|diff [file] [backup]|backup|restore <file> [from backup] [reason]",
    summary="Check, show, compare and back up the configuration, or put a file back",
    help=(
        "check reads every file: errors with line and column, contradictions, what differs from the last good backup. "
        "show tells every key of a file, or of a backup of it, secrets masked. diff shows the changed keys and marks "
        "limits that get laxer. backup copies all files. restore asks another admin to put one file back from a backup "
        "(latest unless named) or from git:REVISION; the present file is kept aside."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.LOWER],  # limits and addresses: not for everybody who may look
    parse=_parse,
    raising=Raising(
        options=frozenset({RESTORE}), objection=_objection, concerns=_concerns, reads_fleet=lambda _: False
    ),
)
