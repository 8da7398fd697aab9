"""What guided recovery reads when the program starts: runbooks and places, every mistake at once."""

from pathlib import Path

from commands import COMMANDS
from commands.probes.files import places
from commands.probes.model import Places
from commands.probes.signs import PROBES, SIGNS
from config.mistakes import SettingsError
from config.runbooks import Known, Runbook, RunbookError, load
from config.settings import Recovery


def load_runbooks(settings: Recovery) -> tuple[Runbook, ...]:
    """Ours and the operator's; SettingsError with every mistake in them."""
    known = Known(signs=SIGNS, probes=PROBES, commands={each.name for each in COMMANDS})
    try:
        return load(Path(settings.runbooks) if settings.runbooks else None, known)
    except RunbookError as error:
        raise SettingsError(error.mistakes) from error


def places_of(settings: Recovery) -> Places | None:
    """The fleet's directories where its home is on this host; SettingsError when they cannot be."""
    if settings.home is None:
        return None
    try:
        return places(settings.home, logs=settings.logs, config=settings.config, backups=settings.backups)
    except ValueError as error:
        raise SettingsError((f"The setting recovery.home cannot be used: {error}",)) from error
