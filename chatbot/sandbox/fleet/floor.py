"""The trading floor: the bots, the time, and what bots do when told or by themselves."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from chatbot.sandbox.fleet.agenda import Agenda
from chatbot.sandbox.fleet.bots import NEEDS, Bot, Trader
from chatbot.sandbox.fleet.journal import Journal
from chatbot.sandbox.fleet.policy import Conduct, Policy

_RATING = {"running": 100, "paused": 80, "starting": 50, "recovery": 30, "stopped": 0, "error": 0}


class Floor:
    """Everything that goes on by itself. ``settle`` brings it up to the clock; nothing runs in between."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        policy: Policy,
        on_change: Callable[[], None],
        log_file: Path | None = None,
    ) -> None:
        self.policy, self.changed = policy, on_change
        self.on_run: Callable[[Bot, datetime], None] = lambda _bot, _at: None  # hears of each that runs
        self._clock = clock
        self._settled = clock()
        self.agenda = Agenda()
        self.journal = Journal(alert_life=policy.alert_life, file=log_file)
        self.counters: Counter[str] = Counter()  # since the coordinator started, by the contract's names
        self.figures: defaultdict[str, dict[str, float]] = defaultdict(
            dict
        )  # bot, system or limits -> figures
        self.bots = {name: Bot(name=name, trader=Trader(name=name, seed=policy.seed)) for name in NEEDS}

    def settle(self) -> datetime:
        """Let everything happen that is due, in order; the time it is now."""
        now = max(self._clock(), self._settled)  # a clock that was set back must not undo anything
        moved = False
        for at, act in self.agenda.due(now):
            self._trade_until(at)
            act(at)
            moved = True
        self._trade_until(now)
        if moved:
            self.changed()
        return now

    def health(self, bot: Bot) -> int:
        """0-100: errors and missing dependencies count against a bot, unless it was set by hand."""
        if bot.health is not None:
            return bot.health
        rating = _RATING[bot.status]
        if rating:
            rating -= 5 * min(bot.error_count, 4) + (40 if self.missing(bot) else 0)
            rating -= sum(bot.strains.values())
        return max(0, rating)

    def missing(self, bot: Bot) -> tuple[str, ...]:
        """The bots that this one needs and that are not running."""
        return tuple(need for need in NEEDS[bot.name] if self.bots[need].status != "running")

    def run(self, bot: Bot, at: datetime) -> None:
        """The bot trades from now on."""
        bot.status = "running"
        bot.trader.begin(at, scale=self._scale(bot))
        self.journal.log(at, "INFO", f"{bot.name} bot started successfully")
        self.on_run(bot, at)

    def run_later(self, bot: Bot, *, status: str, at: datetime, counter: str) -> None:
        """The bot is ``status`` until ``at`` and trades anew from then on, which adds to ``counter``."""

        def ready(then: datetime) -> None:
            bot.latest_errors.clear()
            self.run(bot, then)
            self.counters[counter] += 1

        bot.trader.end()
        bot.status = status
        self.agenda.put(("ready", bot.name), at, ready)

    def go_safe(self, bot: Bot, until: datetime | None) -> None:
        """Smaller and rarer orders until then; ``None``: full limits."""

        def full(_then: datetime) -> None:
            bot.safe_mode = False

        bot.safe_mode = until is not None
        self.agenda.drop(("safe", bot.name))
        if until is not None:
            self.agenda.put(("safe", bot.name), until, full)

    def stop(self, bots: Iterable[Bot], *, now: datetime, reason: str, conduct: Conduct) -> None:
        """Stop these bots one after another: a slow one keeps the later ones trading."""
        due = now
        for bot in bots:
            if bot.name in conduct.ignores:
                continue
            due += timedelta(seconds=conduct.seconds.get(bot.name, 0.0))
            on_paper = bot.name in conduct.on_paper
            stopping = self.agenda.time_of(("stop", bot.name))
            if stopping is not None and stopping <= due:
                due = stopping  # told before: telling it again makes it neither faster nor slower
            elif due == now:
                self._stopped(bot, now, reason, on_paper=on_paper)
            else:
                self._stop_later(bot, due, reason, on_paper=on_paper)

    def stopping(self, bots: Iterable[Bot]) -> bool:
        """True while one of these bots was told to stop and has not yet."""
        return any(self.agenda.time_of(("stop", bot.name)) is not None for bot in bots)

    def crash(self, bot: Bot, error: str) -> None:
        """The bot's process ends with an error, which the coordinator notices at once."""
        self.fell(bot, self.settle(), error)
        self.changed()

    def fell(self, bot: Bot, at: datetime, error: str) -> None:
        """The same at ``at``, for whoever acts while the floor settles."""
        self._end(bot)
        bot.status = "error"
        bot.failed(error)
        self.counters["errors_handled"] += 1
        self.journal.alert(at, "high", f"Bot {bot.name} has stopped. Reason: {error}", bot=bot.name)
        self._warn_dependents(bot, at)

    def lose(self, bot: Bot) -> None:
        """The bot ends with the coordinator that it belongs to."""
        self._end(bot)
        bot.status = "stopped"

    def appear(self, bot: Bot, *, seen: bool) -> None:
        """Somebody starts the bot behind the coordinator's back, which it notices only when ``seen``."""
        now = self.settle()
        bot.trader.begin(now, scale=self._scale(bot))
        if seen:
            bot.status = "running"
        self.changed()

    def vanish(self, bot: Bot) -> None:
        """Somebody ends by hand what was started behind the coordinator's back, unless it is known by now."""
        self.settle()
        if bot.status == "stopped":
            bot.trader.end()
        self.changed()

    def notice(self, bot: Bot) -> None:
        """The coordinator sees at last that a bot it took for stopped trades."""
        self.settle()
        if bot.trading and bot.status == "stopped":
            bot.status = "running"
        self.changed()

    def _stop_later(self, bot: Bot, at: datetime, reason: str, *, on_paper: bool) -> None:
        self.agenda.put(
            ("stop", bot.name), at, lambda then: self._stopped(bot, then, reason, on_paper=on_paper)
        )

    def _stopped(self, bot: Bot, at: datetime, reason: str, *, on_paper: bool) -> None:
        trading = bot.trading
        self._end(bot)
        if on_paper and trading:
            bot.trader.begin(at, scale=1.0)
        bot.status = "stopped"
        self.journal.alert(at, "high", f"Bot {bot.name} has stopped. Reason: {reason}", bot=bot.name)
        self._warn_dependents(bot, at)

    def _end(self, bot: Bot) -> None:
        bot.trader.end()
        bot.safe_mode = False
        for timer in ("ready", "stop", "safe", "fall", "supervisor"):
            self.agenda.drop((timer, bot.name))

    def _warn_dependents(self, lost: Bot, at: datetime) -> None:
        for bot in self.bots.values():
            if lost.name in NEEDS[bot.name] and bot.status == "running":
                self.journal.alert(at, "warning", f"Bot {bot.name} has lost {lost.name}", bot=bot.name)

    def _scale(self, bot: Bot) -> float:
        return self.policy.safe_mode_scale if bot.safe_mode else 1.0

    def _trade_until(self, now: datetime) -> None:
        for bot in self.bots.values():
            bot.trader.settle(now, scale=self._scale(bot))
        self._settled = now
