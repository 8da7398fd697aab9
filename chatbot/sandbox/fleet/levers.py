"""What can be made to happen to the bots and to what the monitor shows, by hand."""

from chatbot.sandbox.fleet.engine import Engine
from chatbot.sandbox.fleet.journal import AlertType


class Levers:
    """Each lever names a bot as the coordinator does; RefusedError when there is none of that name."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def crash(self, bot: str, error: str = "process exited with status 1") -> None:
        """End a bot's process with an error."""
        self.engine.floor.crash(self.engine.bot(bot), error)

    def errors(self, bot: str, count: int = 1, error: str = "Order rejected by the exchange") -> None:
        """Let a bot report so many errors and go on."""
        found = self.engine.bot(bot)
        now = self.engine.floor.settle()
        for _ in range(count):
            found.failed(error)
            self.engine.journal.log(now, "ERROR", f"Error in {bot} bot: {error}")
        self.engine.floor.counters["errors_handled"] += count
        self.engine.floor.changed()

    def clear_breaker(self) -> None:
        """Remove the file that keeps the circuit breaker open; the coordinator reads it when it restarts."""
        self.engine.disk.close_breaker()

    def set_health(self, bot: str, health: int | None) -> None:
        """Let a bot be rated 0-100 whatever its state; ``None``: by its state again."""
        found = self.engine.bot(bot)
        if health is not None and not 0 <= health <= 100:
            raise ValueError("health must be a number from 0 to 100.")
        self.engine.floor.settle()
        found.health = health
        self.engine.floor.changed()

    def earn(self, bot: str, pnl: float) -> None:
        """Book one trade with this profit (below 0: loss) in account currency; it counts for 24 hours."""
        found = self.engine.bot(bot)
        found.trader.book(self.engine.floor.settle(), pnl)
        self.engine.floor.changed()

    def set_figures(self, of: str | None, /, **figures: float | None) -> None:
        """Let GET /metrics show these figures in the row of a bot, in "system" (also ``None``) or in "limits".

        They stand beside those that are there or in place of them; a figure of ``None`` is as it was before.
        """
        where = of or "system"
        if where not in {"system", "limits"}:
            where = self.engine.bot(where).name
        self.engine.floor.settle()
        shown = self.engine.floor.figures[where]
        shown.update({name: value for name, value in figures.items() if value is not None})
        for name in [name for name, value in figures.items() if value is None]:
            shown.pop(name, None)
        self.engine.floor.changed()

    def alert(self, kind: AlertType, message: str, *, count: int = 1, bot: str | None = None) -> None:
        """Let the monitor show so many alerts of this kind."""
        now = self.engine.floor.settle()
        for _ in range(count):
            self.engine.journal.alert(now, kind, message, bot=bot)
        self.engine.floor.changed()

    def clear_alerts(self, message: str | None = None, bot: str | None = None) -> int:
        """Let the monitor no longer show the alerts with this message and this bot, or all; how many they were.

        The armed conditions stay: they are no alerts.
        """
        gone = self.engine.journal.clear(self.engine.floor.settle(), message=message, bot=bot)
        self.engine.floor.changed()
        return gone
