"""What guided recovery reads when the program starts: runbooks and places, every mistake at once."""

from collections.abc import Iterator
from pathlib import Path

from commands import COMMANDS
from commands.parsing import parse
from commands.probes.files import places
from commands.probes.model import Places
from commands.probes.signs import PROBES, SIGNS
from commands.spec import UserError
from commands.walking import stepping
from config.mistakes import SettingsError
from config.runbooks import Known, Runbook, RunbookError, load
from config.settings import Coordinator, Recovery

BOTS = Coordinator().bots


def load_runbooks(settings: Recovery, bots: tuple[str, ...] = BOTS) -> tuple[Runbook, ...]:
    """Ours and the operator's for a fleet of these bots; SettingsError with every mistake in them."""
    known = Known(signs=SIGNS, probes=PROBES, commands={each.name for each in COMMANDS})
    try:
        found = load(Path(settings.runbooks) if settings.runbooks else None, known)
    except RunbookError as error:
        raise SettingsError(error.mistakes) from error
    mistakes = tuple(_not_understood(found, bots))
    if mistakes:
        raise SettingsError(mistakes)
    return found


def _not_understood(runbooks: tuple[Runbook, ...], bots: tuple[str, ...]) -> Iterator[str]:
    """Commands of steps that nobody could type like that."""
    for runbook in runbooks:
        for step in runbook.steps:
            for command in step.commands:
                typed = stepping.line(command, bot=bots[0], reason="what this recovery is about")
                name, _, rest = typed.removeprefix("/").partition(" ")
                try:
                    parse(name, rest, bots)
                except UserError as error:
                    yield f"The runbook {runbook.id}, step {step.id}: '{command}' cannot be typed like that: {error}"


def places_of(settings: Recovery) -> Places | None:
    """The fleet's directories where its home is on this host; SettingsError when they cannot be."""
    if settings.home is None:
        return None
    try:
        return places(settings.home, logs=settings.logs, config=settings.config, backups=settings.backups)
    except ValueError as error:
        raise SettingsError((f"The setting recovery.home cannot be used: {error}",)) from error
