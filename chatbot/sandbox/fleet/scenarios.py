"""The scenarios of the handbook, suffered for real: on the floor, on the monitor, in the log and on the disk."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from chatbot.sandbox.fleet.bots import Bot
from chatbot.sandbox.fleet.engine import Engine
from chatbot.sandbox.fleet.faults import Fault, Faults
from chatbot.sandbox.fleet.journal import Alert, stamped
from chatbot.sandbox.fleet.sufferings import CRASH_ERROR, CRASH_TRACE, SUFFERINGS, SWOLLEN_LINE, Suffering

ERRORS_EVERY = timedelta(seconds=5)
RAISED_AGAIN = 2
"""How often the supervisor starts a bot again that fell, until somebody sets the fault anew."""


class Scenarios:
    """Lets faults of these names begin and end; the others are not its business."""

    def __init__(self, engine: Engine, faults: Faults) -> None:
        self._engine, self._faults = engine, faults
        self._floor, self._disk = engine.floor, engine.disk
        self._raised: Counter[str] = Counter()  # bot -> times since the fault was set
        self._floor.on_run = self._runs

    def changed(self, fault: Fault, is_on: bool) -> None:
        """A fault was set or cleared."""
        now = self._floor.settle()
        if fault.name == "crash_loop":
            self._crash_loop(fault, is_on, now)
        elif fault.name == "config_broken" and is_on:
            self._disk.truncate_config(fault.text("file"), int(fault.number("at")))
            self._engine.journal.log(now, "ERROR", f"Configuration error: {self._disk.config_trouble()}")
        elif fault.name == "release_refused":
            (self._disk.open_breaker if is_on else self._disk.close_breaker)()
            self._engine.kill_switch.stuck = is_on
        elif suffering := SUFFERINGS.get(fault.name):
            (self._begin if is_on else self._end)(fault, suffering, now)

    def forget_mended(self) -> None:
        """Clear the faults whose cause somebody took away with the means of the field."""
        for fault in self._faults:
            mended = (fault.name == "config_broken" and self._disk.config_trouble() is None) or (
                fault.name == "release_refused" and not self._engine.kill_switch.stuck
            )
            if mended:
                self._faults.clear(fault.name)

    # -- a bot that falls again and again

    def _crash_loop(self, fault: Fault, is_on: bool, now: datetime) -> None:
        self._raised.clear()
        for bot in self._bots(fault):
            self._floor.agenda.drop(("fall", bot.name))
            self._floor.agenda.drop(("supervisor", bot.name))
            if is_on and bot.status == "running":
                self._fall_later(fault, bot, now)

    def _fall_later(self, fault: Fault, bot: Bot, since: datetime) -> None:
        span = timedelta(seconds=fault.number("seconds"))

        def fall(at: datetime) -> None:
            self._engine.journal.log(at, "ERROR", CRASH_TRACE.format(bot=bot.name))
            self._floor.fell(bot, at, CRASH_ERROR)
            if self._raised[bot.name] < RAISED_AGAIN:
                self._raised[bot.name] += 1
                self._floor.agenda.put(("supervisor", bot.name), at + span, rise)

        def rise(at: datetime) -> None:
            if bot.status == "error":  # nobody stopped or started it meanwhile
                self._floor.counters["bots_started"] += 1
                self._floor.run(bot, at)

        self._floor.agenda.put(("fall", bot.name), since + span, fall)

    # -- what is suffered by all alike

    def _begin(self, fault: Fault, suffering: Suffering, now: datetime) -> None:
        journal = self._engine.journal
        for bot in self._bots(fault):
            bot.strains[fault.name] = suffering.strain
            for level, text in suffering.log:
                journal.log(now, level, text.format(bot=bot.name))
            if fault.name == "position_mismatch":
                self._disk.lose_positions(bot.name)
        if fault.name == "exhaustion":
            self._disk.swell(SWOLLEN_LINE.format(stamp=stamped(now)))
        for alert in self._alerts(fault, suffering, now):
            journal.stand(alert)
        self._floor.figures["system"].update(suffering.figures)
        self._again(fault, suffering, now)

    def _end(self, fault: Fault, suffering: Suffering, now: datetime) -> None:
        self._floor.agenda.drop(("suffer", fault.name))
        for bot in self._bots(fault):
            bot.strains.pop(fault.name, None)
            if fault.name == "position_mismatch":
                self._disk.write_positions(bot.name)
        if fault.name == "exhaustion":
            self._disk.shrink()
        for alert in self._alerts(fault, suffering, now):
            self._engine.journal.withdraw(alert.message)
        for name in suffering.figures:
            self._floor.figures["system"].pop(name, None)

    def _alerts(self, fault: Fault, suffering: Suffering, now: datetime) -> Iterator[Alert]:
        if suffering.alert is None:
            return
        kind, text = suffering.alert
        if "bot" not in fault.options:
            yield Alert(at=now, type=kind, message=text)
            return
        for bot in self._bots(fault):
            yield Alert(at=now, type=kind, message=text.format(bot=bot.name), bot=bot.name)

    def _again(self, fault: Fault, suffering: Suffering, now: datetime) -> None:
        if not suffering.errors:
            return
        for bot in self._bots(fault):
            if bot.status == "running":
                self._strike(bot, suffering, now)
        self._floor.agenda.put(
            ("suffer", fault.name), now + ERRORS_EVERY, lambda at: self._again(fault, suffering, at)
        )

    def _strike(self, bot: Bot, suffering: Suffering, at: datetime) -> None:
        for each in suffering.errors:
            error = each.format(bot=bot.name)
            bot.failed(error)
            self._engine.journal.log(at, "ERROR", f"Error in {bot.name} bot: {error}")
            self._floor.counters["errors_handled"] += 1

    def _runs(self, bot: Bot, at: datetime) -> None:
        """A bot runs from now on, into what is wrong already."""
        for fault in self._faults:
            if bot not in self._bots(fault):
                continue
            if fault.name == "crash_loop":
                self._fall_later(fault, bot, at)
            elif suffering := SUFFERINGS.get(fault.name):
                self._strike(bot, suffering, at)

    def _bots(self, fault: Fault) -> list[Bot]:
        every = self._floor.bots
        names = fault.bots(every) if "bot" in fault.options else every
        return [bot for name, bot in every.items() if name in names]
