"""Answers /diagnose and /logs."""

from collections import Counter
from datetime import datetime

from chatbot.views import diagnosis as view
from chatbot.views.blocks import Message
from chatbot.walking.desk import WalkDesk
from chatbot.walking.probing import Prober
from commands.apart import apart
from commands.coordinator.errors import CoordinatorError
from commands.logs import LEVELS
from commands.probes import logs
from commands.probes.model import gathered
from commands.probes.records import LogLines
from commands.spec import Request, UserError
from commands.walking.proposing import propose
from commands.words import closest


class Reporting:
    """Looks, and tells what was seen."""

    def __init__(self, *, desk: WalkDesk, prober: Prober) -> None:
        self._desk = desk
        self._prober = prober

    async def diagnose(self, request: Request) -> Message:
        """Every probe, and the runbooks that fit."""
        at = self._desk.desk.now()
        reports = await self._prober.look(bot=request.bot)
        proposals = propose(self._desk.runbooks, gathered(reports))
        return view.report(reports, proposals, bot=request.bot, at=at)

    async def logs(self, request: Request) -> Message:
        """The records that match, counted, clustered, and the newest."""
        at = self._desk.desk.now()
        try:
            lines = await self._prober.log_lines()
        except CoordinatorError as error:
            raise UserError(f"{str(error).partition(', so ')[0].rstrip('.')}, so no log was read.") from error
        return await apart(_told, lines, request, at, self._desk.desk.bots)


def _told(lines: LogLines, request: Request, at: datetime, bots: tuple[str, ...]) -> Message:
    found = logs.filtered(lines.records, bot=request.bot, level=request.option or None, text=request.pattern)
    words = [request.bot or "all bots", f"{request.option} or worse" if request.option else "all levels"]
    if request.pattern:
        words.append(f"with '{request.pattern}'")
    notes = [f"{source} {why}, so it was not read" for source, why in lines.unread]
    if lines.ends:
        notes.append(f"of {', '.join(lines.ends[:5])} only the end was read")
    first = request.pattern.partition(" ")[0]
    near = closest(first, (*bots, *LEVELS)) if not found and first else None
    if near is not None:
        notes.append(
            f"no bot or level is called {first}, so it was looked for as a text: did you mean {near}?"
        )
    if not lines.sources:
        notes.append("no log was found")
    return view.logs(
        counted=dict(Counter(each.level or "without level" for each in found)),
        clusters=logs.clusters(found, view.CLUSTERS_SHOWN),
        records=found,
        asked=", ".join(words),
        notes=notes,
        at=at,
    )
