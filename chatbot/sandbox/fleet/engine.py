"""The reference coordinator as a state machine: no sockets, no tasks, the time is whatever its clock says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from chatbot.sandbox.fleet.bots import Bot
from chatbot.sandbox.fleet.disk import Disk
from chatbot.sandbox.fleet.floor import Floor
from chatbot.sandbox.fleet.kill_switch import KillSwitch
from chatbot.sandbox.fleet.policy import OBEDIENT, Conduct, Policy


class RefusedError(Exception):
    """A call the coordinator refuses; ``code`` is one of the contract's."""

    def __init__(self, code: str, error: str) -> None:
        super().__init__(error)
        self.code = code


class Engine:
    """Three bots under one coordinator; every method first brings the state up to the clock."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        policy: Policy,
        on_change: Callable[[], None] = lambda: None,
        home: Path | None = None,
    ) -> None:
        self.policy, self.disk = policy, Disk(home)
        self.floor = Floor(clock=clock, policy=policy, on_change=on_change, log_file=self.disk.log_file)
        self.journal = self.floor.journal
        self._boot()
        if policy.killed is not None:
            self.activate(policy.killed)
            return
        for name in policy.running:
            self.floor.run(self.floor.bots[name], self.booted_at)
            self.floor.counters["bots_started"] += 1

    def _boot(self) -> None:
        self.booted_at = self.floor.settle()
        self.kill_switch = KillSwitch(
            cooldown=self.policy.cooldown,
            breaker_kills=self.policy.breaker_kills,
            breaker_window=self.policy.breaker_window,
            stuck=self.disk.breaker_open(),
        )
        self._sequence: list[str] = []
        self.floor.agenda.drop("forget")
        self.floor.counters.clear()
        self._trades_before, self._profit_before = self._sums()
        self.journal.log(self.booted_at, "INFO", "Bot Coordinator initialized")

    @property
    def trading(self) -> tuple[str, ...]:
        """The bots that really place orders, whatever the coordinator says."""
        self.floor.settle()
        return tuple(name for name, bot in self.floor.bots.items() if bot.trading)

    @property
    def kill_switch_active(self) -> bool:
        """What the coordinator remembers at this moment."""
        self.floor.settle()
        return self.kill_switch.active

    def status(self, name: str) -> str:
        """The status word that the coordinator remembers for a bot at this moment."""
        self.floor.settle()
        return self.bot(name).status

    def bot(self, name: object) -> Bot:
        """The bot of that name; RefusedError when there is none."""
        if not isinstance(name, str):
            raise RefusedError("INVALID_PARAMETER", "bot must be a name")
        if name not in self.floor.bots:
            raise RefusedError("BOT_NOT_FOUND", f"Unknown bot: {name[:80]}")
        return self.floor.bots[name]

    def totals(self) -> tuple[int, float]:
        """Trades, and profit or loss in account currency, since the coordinator started."""
        trades, profit = self._sums()
        return trades - self._trades_before, round(profit - self._profit_before, 2)

    def activate(self, reason: str, conduct: Conduct = OBEDIENT) -> tuple[str, ...]:
        """Kill: stop, one after another, the bots that are remembered as active; their names."""
        now = self.floor.settle()
        if self.kill_switch.activate(reason, now):
            self.floor.counters["kill_switches_triggered"] += 1
        self.journal.log(now, "CRITICAL", f"KILL SWITCH TRIGGERED: {reason}")
        self.journal.alert(now, "critical", f"KILL SWITCH TRIGGERED: {reason}. All trading halted.")
        return self.stop_all(f"Kill switch: {reason}", conduct)

    def release(self, reason: str, *, force: bool = False) -> bool:
        """Release the kill switch unless cooldown or breaker object; True when it was active until now.

        ``force`` asks neither of them and closes the breaker. No bot starts by this. With a breaker that is stuck
        nothing happens, and nothing tells of it but the state.
        """
        now = self.floor.settle()
        was_active = self.kill_switch.active
        if self.kill_switch.stuck:
            return was_active
        if force:
            self.kill_switch.kills.clear()
        elif was_active and (objection := self.kill_switch.objection(now)):
            raise RefusedError("KILL_SWITCH_ACTIVE", objection)
        self._forget(now)
        self.journal.log(now, "WARNING", f"Disabling kill switch - {reason}")
        self.floor.changed()
        return was_active

    def start(self, name: object, *, safe_mode: bool = False) -> Bot:
        """Begin to start a stopped bot; it runs after the policy's delay."""
        now = self.floor.settle()
        bot = self._may_trade(name)
        if bot.status not in {"stopped", "error"}:
            raise RefusedError("BOT_ALREADY_RUNNING", f"{bot.name} is {bot.status}")
        self._start(bot, now, safe_mode=safe_mode)
        self.floor.changed()
        return bot

    def start_sequence(self) -> tuple[str, ...]:
        """Begin to start the stopped bots in order, the policy's gap apart, until one fails; their names."""
        now = self.floor.settle()
        self._refuse_while_killed()
        names = tuple(name for name, bot in self.floor.bots.items() if bot.status in {"stopped", "error"})
        self.journal.log(now, "INFO", "Starting bots in sequence...")
        self._sequence = list(names)
        self._next_in_sequence(now)
        self.floor.changed()
        return names

    def stop(self, name: object, reason: str, conduct: Conduct = OBEDIENT) -> Bot:
        """Tell one bot to stop."""
        now = self.floor.settle()
        bot = self.bot(name)
        if bot.status == "stopped":
            raise RefusedError("BOT_NOT_RUNNING", f"{bot.name} is not running")
        self.floor.stop((bot,), now=now, reason=reason, conduct=conduct)
        self.floor.changed()
        return bot

    def stop_all(self, reason: str, conduct: Conduct = OBEDIENT) -> tuple[str, ...]:
        """End a start sequence and tell every bot to stop that is remembered as active; their names."""
        now = self.floor.settle()
        self._sequence = []
        bots = [bot for bot in self.floor.bots.values() if bot.status != "stopped"]
        self.floor.stop(bots, now=now, reason=reason, conduct=conduct)
        self.floor.changed()
        return tuple(bot.name for bot in bots)

    def pause(self, name: object, conduct: Conduct = OBEDIENT) -> Bot:
        """Keep a running bot from placing orders until it is resumed."""
        now = self.floor.settle()
        bot = self.bot(name)
        if bot.status != "running":
            raise RefusedError("BOT_NOT_RUNNING", f"{bot.name} is {bot.status}")
        if bot.name not in conduct.ignores:
            bot.status = "paused"
            if bot.name not in conduct.on_paper:
                bot.trader.end()
        self.journal.log(now, "INFO", f"Pausing {bot.name} bot")
        self.floor.changed()
        return bot

    def resume(self, name: object) -> Bot:
        """Let a paused bot trade again."""
        now = self.floor.settle()
        bot = self._may_trade(name)
        if bot.status != "paused":
            code = "BOT_NOT_RUNNING" if bot.status in {"stopped", "error"} else "BOT_ALREADY_RUNNING"
            raise RefusedError(code, f"{bot.name} is {bot.status}, not paused")
        self._refuse_without_others(bot)
        self.floor.run(bot, now)
        self.floor.changed()
        return bot

    def recover(self, name: object, *, force: bool = False) -> Bot:
        """Begin to recover a bot that does not trade, or any bot when forced."""
        now = self.floor.settle()
        bot = self._may_trade(name)
        if bot.status not in {"stopped", "error"} and not force:
            raise RefusedError("BOT_ALREADY_RUNNING", f"{bot.name} is {bot.status}")
        self._refuse_without_others(bot)
        self._refuse_unconfigured(bot, now)
        self.floor.counters["recoveries_attempted"] += 1
        self.journal.log(now, "INFO", f"Recovering {bot.name} bot...")
        ready = now + self.policy.recovery_delay
        self.floor.run_later(bot, status="recovery", at=ready, counter="recoveries_succeeded")
        self.floor.changed()
        return bot

    def restart(self, *, start_bots: bool = False, stop_bots: bool = False) -> None:
        """The coordinator restarts: kill state, cooldown, breaker and counts are gone, the bots go on.

        A breaker whose file is there stays open. With ``stop_bots`` the bots end that it knew to be up; with
        ``start_bots`` it then starts the stopped ones in sequence, as the program in the field does.
        """
        self._boot()
        for bot in self.floor.bots.values():
            if stop_bots and bot.stoppable:
                self.floor.lose(bot)
        if start_bots:
            self.start_sequence()
        self.floor.changed()

    def forget_kill(self, seconds: float) -> None:
        """The coordinator loses its kill state after so long, without anyone having released it."""
        now = self.floor.settle()
        if seconds <= 0:
            self._forget(now)
        else:
            self.floor.agenda.put("forget", now + timedelta(seconds=seconds), self._forget)
        self.floor.changed()

    def _forget(self, _at: datetime) -> None:
        self.floor.agenda.drop("forget")
        self.kill_switch.release()

    def _start(self, bot: Bot, now: datetime, *, safe_mode: bool) -> None:
        self._refuse_without_others(bot)
        self._refuse_unconfigured(bot, now)
        self.journal.log(now, "INFO", f"Starting {bot.name} bot...")
        ready = now + self.policy.start_delay
        self.floor.run_later(bot, status="starting", at=ready, counter="bots_started")
        self.floor.go_safe(bot, now + self.policy.safe_mode if safe_mode else None)

    def _next_in_sequence(self, at: datetime) -> None:
        if not self._sequence:
            return
        bot = self.floor.bots[self._sequence.pop(0)]
        try:
            if bot.status in {"stopped", "error"}:  # somebody may have started it meanwhile
                self._start(bot, at, safe_mode=False)
        except RefusedError as refusal:
            if str(refusal) not in bot.latest_errors:
                bot.failed(str(refusal))
            self.journal.alert(at, "high", f"Failed to start {bot.name}: {refusal}", bot=bot.name)
            self._sequence = []
        if self._sequence:
            self.floor.agenda.put("sequence", at + self.policy.sequence_gap, self._next_in_sequence)

    def _may_trade(self, name: object) -> Bot:
        bot = self.bot(name)
        self._refuse_while_killed()
        return bot

    def _refuse_while_killed(self) -> None:
        if self.kill_switch.active:
            raise RefusedError("KILL_SWITCH_ACTIVE", f"Kill switch is active: {self.kill_switch.reason}")

    def _refuse_without_others(self, bot: Bot) -> None:
        if missing := self.floor.missing(bot):
            raise RefusedError(
                "DEPENDENCY_FAILURE", f"{bot.name} needs {' and '.join(missing)} to be running"
            )

    def _refuse_unconfigured(self, bot: Bot, now: datetime) -> None:
        if trouble := self.disk.config_trouble():
            error = f"Configuration error: {trouble}"
            bot.failed(error)
            self.journal.log(now, "ERROR", f"Failed to start {bot.name}: {error}")
            raise RefusedError("CONFIGURATION_ERROR", error)

    def _sums(self) -> tuple[int, float]:
        traders = [bot.trader for bot in self.floor.bots.values()]
        return sum(each.trades for each in traders), sum(each.profit_loss for each in traders)
