"""Every command as data, in one table: adding one is adding a file, a test and a line here."""

from commands import (
    alerts,
    approvals,
    config,
    contacts,
    diagnose,
    evidence,
    force_override,
    help,  # noqa: A004 - a module is named for its command
    host,
    kill,
    lockdown,
    logs,
    monitor,
    oncall,
    override,
    pause,
    recover,
    recoveries,
    resume,
    silence,
    silences,
    start,
    start_sequential,
    status,
    stop,
    who,
    windows,
)
from commands.spec import Command
from commands.words import bare, clean

COMMANDS: tuple[Command, ...] = (
    kill.COMMAND,
    stop.COMMAND,
    pause.COMMAND,
    status.COMMAND,
    alerts.COMMAND,
    silence.COMMAND,
    silences.COMMAND,
    oncall.COMMAND,
    monitor.COMMAND,
    windows.COMMAND,
    diagnose.COMMAND,
    logs.COMMAND,
    recover.COMMAND,
    config.COMMAND,
    evidence.COMMAND,
    host.COMMAND,
    recoveries.COMMAND,
    override.COMMAND,
    force_override.COMMAND,
    start.COMMAND,
    start_sequential.COMMAND,
    resume.COMMAND,
    lockdown.COMMAND,
    approvals.COMMAND,
    who.COMMAND,
    contacts.COMMAND,
    help.COMMAND,
)
"""In the order in which /help lists them."""


def find(name: str) -> Command | None:
    """The command of that name however it was typed ("/KILL", "kill!", "&lt;kill&gt;"), ``None`` when there is none."""
    wanted = {bare(name), bare(clean(name))}
    return next((command for command in COMMANDS if command.name in wanted), None)
