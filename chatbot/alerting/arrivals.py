"""What the sources say, taken in: whole reads of what is polled, deliveries of what is pushed.

Nothing here holds up a stop: a transaction takes some tens of alerts, and the kill's own goes before the next one.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from chatbot.alerting.book import REPEATED, Book
from chatbot.alerting.desk import AlertDesk
from commands.alerting.fingerprint import fingerprint, masked
from commands.alerting.model import Severity, Signal, Source
from commands.coordinator.monitor import Monitor, soon
from commands.masking import masked_text
from commands.words import cut
from storage import alerts, seen
from storage.alerts import AlertRow

AT_ONCE = 25  # alerts a transaction: a kill that waits for one waits some ten milliseconds
STILL_EVERY = timedelta(seconds=20)  # that nothing changed is written down so often
LOG_LINES = 5
LOG_LINE_SHOWN = 200
LOGS_FRESH = 5.0  # seconds

log = structlog.get_logger(__name__)


class Arrivals:
    """The way in of every signal."""

    def __init__(
        self,
        *,
        desk: AlertDesk,
        monitor: Monitor | None,
        wake: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._monitor = monitor
        self._wake = wake
        self._clock = clock
        self._missing: dict[Source, Counter[str]] = {}  # fingerprint -> good reads in a row without it
        self._turn = asyncio.Lock()  # one transaction at a time: a kill's own waits for one of them at most
        self._logs: tuple[float, tuple[str, ...]] | None = None

    async def deliver(self, signals: tuple[Signal, ...], once: str | None = None) -> bool:
        """Take in what was pushed; False when the key was seen before. Returns after the commit; StorageError."""
        return await self._take(tuple(map(_without_secrets, signals)), once)

    async def _take(self, signals: tuple[Signal, ...], once: str | None = None) -> bool:
        logs = await self._log_lines(signals)
        first = True
        # The most severe go first: they must not wait for the others' transactions.
        ordered = sorted(signals, key=lambda each: -each.severity.rank)
        for start in range(0, len(ordered) or 1, AT_ONCE):
            some = tuple(ordered[start : start + AT_ONCE])
            verb = partial(_hear, desk=self._desk, signals=some, logs=logs, once=once if first else None)
            async with self._turn:
                book = await self._desk.desk.database.write(verb)
            if book is None:
                return False
            first = False
            self._told(book)
        return True

    async def observe(self, source: Source, signals: tuple[Signal, ...], *, settled: int) -> None:
        """Take in a whole good read: what is not in ``settled`` good reads in a row is over. StorageError."""
        database = self._desk.desk.database
        known = {row.fingerprint: row for row in await database.read(partial(alerts.firing, source=source))}
        now_firing = {fingerprint(each): each for each in map(_without_secrets, signals)}
        missing = self._missing.setdefault(source, Counter())
        for name in [name for name in missing if name in now_firing or name not in known]:
            del missing[name]
        over = []
        for name, row in known.items():
            if name in now_firing or row.source != source:
                continue
            missing[name] += 1
            if missing[name] >= settled:
                over.append(row)
        news = tuple(each for name, each in now_firing.items() if _is_news(each, known.get(name)))
        for start in range(0, len(over), AT_ONCE):
            self._told(
                await database.write(partial(_end, desk=self._desk, rows=over[start : start + AT_ONCE]))
            )
        if news:
            await self._take(news)
        told = {fingerprint(each) for each in news}
        now = self._desk.desk.now()
        stale = now - STILL_EVERY
        still = [
            row.id
            for name, row in known.items()
            if name in now_firing and name not in told and row.last_at <= stale
        ]
        if still:
            await database.write(lambda conn: alerts.seen_again(conn, still, now))

    def _told(self, book: Book) -> None:
        self._desk.desk.metrics.decided(book.verdicts)
        if book.owed:
            self._desk.desk.sender.wake()
        if book.begun:
            self._wake()

    async def _log_lines(self, signals: Iterable[Signal]) -> tuple[str, ...]:
        """The monitor's last log lines for new alerts, masked; none when it does not say them soon."""
        worth = any(
            each.firing and each.severity.rank > Severity.INFO.rank and each.source is not Source.RECORD
            for each in signals
        )
        if self._monitor is None or not worth:
            return ()
        if self._logs is not None and self._clock() - self._logs[0] <= LOGS_FRESH:
            return self._logs[1]
        found = await soon(self._monitor.logs(200))
        lines = tuple(
            cut(masked_text(each.line), LOG_LINE_SHOWN) for each in found or () if each.line.strip()
        )
        self._logs = (self._clock(), lines)
        return lines


def _without_secrets(signal: Signal) -> Signal:
    """The signal as it may be stored and shown: other programs write tokens into their messages."""
    return replace(
        signal,
        kind=masked_text(signal.kind),
        bot=masked_text(signal.bot) if signal.bot is not None else None,
        message=masked_text(signal.message),
        link=masked_text(signal.link),
    )


def _hear(
    conn: Connection, *, desk: AlertDesk, signals: tuple[Signal, ...], logs: tuple[str, ...], once: str | None
) -> Book | None:
    now = desk.desk.now()
    if once is not None and not seen.first_time(conn, once, now):
        return None
    book = Book(conn, desk, now)
    book.expect(signals)
    for signal in signals:
        book.hear(signal, logs=_about(signal, logs))
    book.close()
    return book


def _end(conn: Connection, *, desk: AlertDesk, rows: Sequence[AlertRow]) -> Book:
    book = Book(conn, desk, desk.desk.now())
    for row in alerts.by_fingerprint(conn, [each.fingerprint for each in rows]).values():
        if row.firing:  # it may have changed since it was read
            book.ends(row)
    book.close()
    return book


def _about(signal: Signal, logs: tuple[str, ...]) -> tuple[str, ...]:
    """The last lines that name the bot, else the last lines; those that say the same again are one."""
    named = [line for line in logs if signal.bot is not None and signal.bot.lower() in line.lower()]
    told: list[tuple[str, int]] = []
    for line in reversed(named or logs):
        if told and masked(told[-1][0]) == masked(line):
            told[-1] = (told[-1][0], told[-1][1] + 1)
        elif len(told) == LOG_LINES:
            break
        else:
            told.append((line, 1))
    return tuple(f"{line} (the last of {many})" if many > 1 else line for line, many in reversed(told))


def _is_news(signal: Signal, row: AlertRow | None) -> bool:
    """True when the read shows something that is not written down yet."""
    if row is None:
        return True
    more = signal.source in REPEATED and signal.seen > row.count
    shown = (row.value, row.limit, row.message)
    return more or shown != (signal.value, signal.limit, signal.message) or row.severity != signal.severity
