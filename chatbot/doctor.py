"""`chatbot doctor`: looks at everything the bot needs, one after another, and says what to do."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from chatbot.finding import Finding, Level, failed, ok, warning
from chatbot.walking.loading import load_runbooks, places_of
from commands.coordinator.client import Coordinator
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.monitor import Monitor
from config.loading import SettingsError, load, load_for_stopping
from config.settings import Settings
from storage import audit
from storage.database import Database, StorageError
from storage.errors import GONE, UNPREPARED
from storage.journal import Journal

Say = Callable[[str], None]


async def examine(environ: Mapping[str, str], *, say: Say, cwd: Path = Path()) -> int:
    """Check everything, say each finding when it is known; 1 when anything failed, else 0."""
    worst = dict.fromkeys(Level, 0)
    async for finding in _findings(environ, cwd):
        worst[finding.level] += 1
        say(f"{finding.level.value:8} {finding.what}")
    if worst[Level.FAILED]:
        say(
            f"{worst[Level.FAILED]} of the checks failed: the bot cannot be relied on before that is put right."
        )
        return 1
    notes = worst[Level.WARNING]
    say("All that is needed works." + (f" {notes} of the checks left a warning." if notes else ""))
    return 0


async def _findings(environ: Mapping[str, str], cwd: Path) -> AsyncIterator[Finding]:
    for finding in check_settings(environ, cwd):
        yield finding
    try:
        settings, _ = load_for_stopping(environ, cwd=cwd)
    except SettingsError:
        yield failed("Nothing else was checked, because it is not sure which coordinator is meant.")
        return
    for finding in check_second_person(settings):
        yield finding
    for finding in check_alerts(settings):
        yield finding
    for finding in check_recovery(settings):
        yield finding
    for finding in await check_database(settings.database.url):
        yield finding
    yield check_journal(cwd / settings.journal.path)
    for finding in await check_coordinator(settings):
        yield finding
    yield await check_monitor(settings)
    # imported here: the SDK costs 0.3 s, and the checks before need none of it
    from chatbot.doctor_slack import check_slack

    async for finding in check_slack(settings):
        yield finding


def check_settings(environ: Mapping[str, str], cwd: Path) -> list[Finding]:
    """Are the settings whole?"""
    try:
        load(environ, cwd=cwd, to_serve=True)
    except SettingsError as error:
        return [failed(f"Settings: {mistake}") for mistake in error.mistakes]
    return [ok("Settings: whole.")]


def check_second_person(settings: Settings) -> list[Finding]:
    """Can anything be started at all, and does the policy ask for what there is?"""
    policy, admins = settings.policy, len(settings.roles.admins)
    found = []
    if policy.solo and admins > 1:
        told = f"policy.solo is set and there are {admins} admins, so it does nothing; take it out"
        found.append(warning(f"Two people: {told}."))
    if admins == 1 and not policy.solo:
        found.append(warning("Two people: there is one admin, so nothing can be started; name another one."))
    for command, needed in policy.approvers.items():
        if needed > admins - 1:
            told = f"policy.approvers asks for {needed} besides the one who types {command}, and there are {admins - 1}"
            found.append(failed(f"Two people: {told}; lower it or name more admins."))
    if policy.step_up and settings.totp.key is None:
        found.append(
            failed(
                "Two people: policy.step_up asks for codes and CHATBOT_TOTP__KEY is not set; `chatbot totp key`."
            )
        )
    return found or [ok("Two people: the policy can be met.")]


def check_alerts(settings: Settings) -> list[Finding]:
    """Does a critical alert find somebody, and does anybody notice when no alert can come any more?"""
    found = []
    if not any(each.slack for each in settings.contacts):
        told = "no contact has a slack id, so an unowned critical alert calls nobody by name unless /oncall is set"
        found.append(warning(f"Alerts: {told}; add one in contacts."))
    if settings.alerts.ping_url is None:
        told = "nothing outside notices when this bot or its machine is down"
        found.append(warning(f"Alerts: {told}; set CHATBOT_ALERTS__PING_URL."))
    return found or [ok("Alerts: somebody is called, and somebody watches the watcher.")]


def check_recovery(settings: Settings) -> list[Finding]:
    """Are the runbooks whole, and does guided recovery see the fleet's host?"""
    found = []
    try:
        runbooks = load_runbooks(settings.recovery, settings.coordinator.bots)
    except SettingsError as error:
        found += [failed(f"Runbooks: {mistake}") for mistake in error.mistakes]
    else:
        found.append(ok(f"Runbooks: {len(runbooks)} are whole."))
    try:
        places = places_of(settings.recovery)
    except SettingsError as error:
        return [*found, *(failed(f"Recovery: {mistake}") for mistake in error.mistakes)]
    if places is None:
        told = "recovery.home is not set, so no file, host or code of the fleet is looked at"
        return [*found, warning(f"Recovery: {told}; set it where this bot runs on the fleet's host.")]
    lacking = [each for each in (places.home, places.logs, places.config) if not each.is_dir()]
    found += [failed(f"Recovery: {each} is no directory; name the right one.") for each in lacking]
    return found if lacking else [*found, ok("Recovery: the fleet's home is here.")]


class _UndoneError(Exception):
    """Ends a trial write, so that nothing of it stays."""


def _trial(conn: Connection) -> None:
    audit.append(conn, at=datetime.now(UTC), actor="doctor", event="doctor.trial", subject="database")
    raise _UndoneError


async def check_database(url: str) -> list[Finding]:
    """Is the database there, at this version, writable, and its audit whole? Leaves nothing behind."""
    found = []
    try:
        database = Database(url)
    except StorageError as error:
        return [failed(f"Database: {error}")]
    try:
        report = await database.read(audit.verify)
        try:
            await database.write(_trial)
        except _UndoneError:
            found.append(ok(f"Database: at this version and writable ({database.dialect})."))
        if report.faults:
            found += [failed(f"Audit: {fault.sentence}") for fault in report.faults]
            found.append(failed("Audit: it was tampered with; keep a copy of the database as it is now."))
        else:
            found.append(ok(f"Audit: whole, {report.count} rows."))
    except StorageError as error:
        if str(error) in (GONE, UNPREPARED):
            found.append(
                warning(
                    "Database: new or of another version; `chatbot serve` prepares it, or `chatbot migrate` now."
                )
            )
        else:
            found.append(failed(f"Database: {error}"))
    finally:
        await database.close()
    return found


def check_journal(path: Path) -> Finding:
    """Is the journal empty, and can it be written?"""
    try:
        pending = Journal(path).pending
    except OSError as error:
        return failed(f"Journal: {path} cannot be looked at ({error.strerror}); check its owner and mode.")
    place = path if path.exists() else next(each for each in path.absolute().parents if each.exists())
    if not (place == path or place.is_dir()) or not os.access(place, os.W_OK):
        return failed(f"Journal: {place} cannot be written; stops need it when the database is away.")
    if pending:
        return warning(f"Journal: stops wait in {path}; a serving bot imports them once its database works.")
    return ok("Journal: empty and writable.")


async def check_coordinator(settings: Settings) -> list[Finding]:
    """Is it a coordinator that answers, and are its bots ours?"""
    group = settings.coordinator
    coordinator = Coordinator(
        url=group.url,
        token=group.token.get_secret_value() if group.token else None,
        connect_timeout=group.connect_timeout,
        read_timeout=group.read_timeout,
    )
    try:
        status = await coordinator.status()
    except CoordinatorError as error:
        return [failed(f"Coordinator: {error}")]
    finally:
        await coordinator.close()
    switch = {True: "active", False: "not active", None: "unknown"}[status.kill_switch_active]
    found = [ok(f"Coordinator: answers at {group.url}; the kill switch is {switch}.")]
    absent = [bot for bot in group.bots if bot not in status.bots]
    unknown = [bot for bot in status.bots if bot not in group.bots]
    if absent:
        found.append(
            failed(
                f"Coordinator: knows no bot {', '.join(absent)}; correct CHATBOT_COORDINATOR__BOTS or start it."
            )
        )
    if unknown:
        found.append(
            warning(
                f"Coordinator: has more bots ({', '.join(unknown)}); add them to CHATBOT_COORDINATOR__BOTS."
            )
        )
    return found


async def check_monitor(settings: Settings) -> Finding:
    """Does the health monitor answer? A stop does not need it."""
    group = settings.monitor
    if group.url is None:
        return ok("Monitor: none is set.")
    monitor = Monitor(url=group.url, token=group.token.get_secret_value() if group.token else None)
    try:
        await monitor.health()
    except CoordinatorError as error:
        return warning(f"Monitor: {error}")
    finally:
        await monitor.close()
    return ok(f"Monitor: answers at {group.url}.")
