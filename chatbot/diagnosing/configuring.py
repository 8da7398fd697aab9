"""Answers /config, and settles what a restore would put where before it is asked for."""

from dataclasses import replace

from chatbot.views import configuration as view
from chatbot.views.blocks import Message
from chatbot.walking.desk import WalkDesk
from commands import config as command
from commands.apart import apart
from commands.configuring import keeping, sources
from commands.configuring.checking import EXPECTED, checked
from commands.configuring.comparing import Change, changes
from commands.configuring.keys import listed
from commands.configuring.strict_json import Fault, Parsed, parsed
from commands.probes import config as probe
from commands.probes import files
from commands.probes.model import Places
from commands.spec import Request, UserError
from storage import audit

NO_HOME = (
    "The fleet's home is not on this host by the configuration (recovery.home), so its files cannot be looked at. "
    "Nothing was changed."
)


class Configuring:
    """Works with the fleet's configuration files."""

    def __init__(self, *, desk: WalkDesk) -> None:
        self._desk = desk

    async def answer(self, request: Request, *, by: str) -> Message:
        """The answer to all but restore; UserError says what was not done."""
        places = self._places()
        match request.option:
            case command.CHECK:
                return await self._check(places, request.target)
            case command.SHOW:
                return await self._show(places, request.target)
            case command.DIFF:
                return await self._diff(places, request.target)
            case _:
                return await self._back_up(places, by)

    async def settled(self, request: Request) -> tuple[Request, tuple[str, ...]]:
        """A restore with the very bytes that it means, and what it would change, for the card that asks."""
        places = self._places()
        file, source = _split(request.target)
        source = await sources.settled(places, source)
        raw = await sources.content(places, file, source)
        after = parsed(file, raw)
        if after.fault is not None:
            raise UserError(
                f"{file} in {source} cannot be read itself ({after.fault.text.rstrip('.')}), so nothing was "
                "asked: take another backup."
            )
        there = await sources.present(places, file)
        if there == keeping.digest(raw):
            raise UserError(
                f"{file} holds exactly what {source} holds, so nothing was asked: there is nothing to put back."
            )
        before = await apart(_present, places, file)
        faults = checked({file: after})
        target = f"{file} {source} {keeping.digest(raw)} {there}"
        if before is None or before.fault is not None:
            told = view.restore_unread(file, source, listed(after.data), faults)
        else:
            told = view.restore_notes(file, source, changes(before.data, after.data), faults)
        return replace(request, target=target), told

    async def _check(self, places: Places, file: str) -> Message:
        at = self._desk.desk.now()
        names = (file,) if file else await apart(_names, places)
        read = await apart(lambda: {name: _present(places, name) for name in names})
        known = {name: each for name, each in read.items() if each is not None}
        if file and not known:
            raise UserError(f"There is no file {file} that can be read, so nothing was checked.")
        faults = [each.fault for each in known.values() if each.fault is not None]
        sound = {name: each for name, each in known.items() if each.fault is None}
        findings = () if file else await apart(probe.look, places)
        told = [each for each in findings if "config.changed" in each.signs or "files.missing" in each.signs]
        return view.checked((*faults, *checked(sound)), len(known), told, at)

    async def _show(self, places: Places, target: str) -> Message:
        file, _, source = target.partition(" ")
        raw: bytes | None
        if source:
            source = await sources.settled(places, source)
            raw = await sources.content(places, file, source)
        else:
            raw = await apart(_bytes, places, file)
        if raw is None:
            raise UserError(
                f"There is no file {file} that can be read, so nothing is shown: /config check lists them."
            )
        found = await apart(parsed, file, raw)
        if found.fault is not None:
            raise UserError(
                f"{found.fault.text.rstrip('.')}, so it is not shown: /config restore {file} puts a good one back."
            )
        name = f"{file} in {source}" if source else file
        return view.shown(name, listed(found.data), keeping.digest(raw), self._desk.desk.now())

    async def _diff(self, places: Places, target: str) -> Message:
        file, source = _split(target)
        source = await sources.settled(places, source)
        names = (file,) if file else await apart(_names, places)
        found: list[Change] = []
        broken: list[Fault] = []  # the others are compared all the same
        for name in names:
            differing = await self._differences(places, name, source, alone=bool(file))
            if isinstance(differing, Fault):
                broken.append(differing)
            else:
                found.extend(differing)
        return view.compared(file, source, found, await apart(keeping.backups, places), broken)

    async def _differences(
        self, places: Places, name: str, source: str, *, alone: bool
    ) -> tuple[Change, ...] | Fault:
        try:
            before = parsed(name, await sources.content(places, name, source))
        except UserError:
            if alone:
                raise
            before = Parsed(name=name, data={})  # it is new since
        after = await apart(_present, places, name)
        for each in (before, after):
            if each is not None and each.fault is not None:
                where = source if each is before else ""
                return replace(each.fault, text=f"in {where}: {each.fault.text}") if where else each.fault
        found = changes(before.data, after.data if after is not None else {})
        return found if alone else tuple(replace(each, where=f"{name}: {each.where}") for each in found)

    async def _back_up(self, places: Places, by: str) -> Message:
        now = self._desk.desk.now()
        made = await apart(keeping.back_up, places, now=now, by=by)
        await self._desk.desk.change(
            lambda conn: audit.append(
                conn,
                at=now,
                actor=by,
                event="configuration backed up",
                subject=made.name,
                detail={"files": dict(made.files)},
            )
        )
        read = await apart(lambda: [_present(places, name) for name in made.files])
        return view.backed_up(
            made, [each.fault for each in read if each is not None and each.fault is not None]
        )

    def _places(self) -> Places:
        if self._desk.places is None:
            raise UserError(NO_HOME)
        return self._desk.places


def _split(target: str) -> tuple[str, str]:
    first, _, second = target.partition(" ")
    return (first, second) if second else ("", first or command.LATEST)


def _names(places: Places) -> tuple[str, ...]:
    try:
        found, _ = files.newest(places.config, places.home, suffix=".json", most=keeping.MOST_FILES)
    except files.Unreadable as error:
        raise UserError(f"The directory of the configuration {error}, so nothing was looked at.") from error
    return tuple(sorted({*EXPECTED, *(each.name for each in found)}))


def _present(places: Places, name: str) -> Parsed | None:
    raw = _bytes(places, name)
    return parsed(name, raw) if raw is not None else None


def _bytes(places: Places, name: str) -> bytes | None:
    try:
        return files.read_whole(places.config / name, places.home, most=keeping.MOST_BYTES)
    except files.Unreadable:
        return None
