"""What people can see of alerts: the lists, one alert with its history, and the forms that begin from it."""

from sqlalchemy import Connection

from chatbot.alerting import cards
from chatbot.alerting.acts import NO_SUCH, OVER
from chatbot.alerting.desk import AlertDesk
from chatbot.views import alert as view
from chatbot.views import alert_lists as lists
from chatbot.views.alert_state import AlertCard
from chatbot.views.blocks import Message, View
from commands.spec import UserError
from storage import alert_events, alerts, on_call, silences


class Looking:
    """Reads and composes; changes nothing. UserError for what is not there or cannot be read."""

    def __init__(self, *, desk: AlertDesk) -> None:
        self._desk = desk

    async def silence_form(self, number: int) -> View:
        """The form behind Silence; UserError when the alert is over."""
        state = await self._state(number)
        if not state.firing:
            raise UserError(OVER)
        return view.silence_form(state)

    async def recover_plan(self, number: int) -> Message:
        """What the handbook says for this alert."""
        return view.recover_plan(await self._state(number))

    async def listed(self, *, everything: bool, bot: str | None, armed: tuple[str, ...]) -> Message:
        """The answer to /alerts."""
        now = self._desk.desk.now()

        def query(conn: Connection) -> Message:
            rows, many = alerts.listed(conn, only_firing=not everything, bot=bot, limit=20)
            shown = cards.rows_as_cards(conn, self._desk, rows, now)
            only = "all" if everything else "open"
            return lists.alerts(shown, total=many, only=only, bot=bot, now=now, armed=armed)

        return await self._desk.desk.ask(query)

    async def one(self, number: int) -> Message:
        """The answer to /alerts #12: the alert, and what was decided of it and why."""
        now = self._desk.desk.now()

        def query(conn: Connection) -> Message:
            row = alerts.get(conn, number)
            if row is None:
                raise UserError(NO_SUCH)
            events = alert_events.events_of(conn, number, 20)
            history = tuple(
                (each.at, f"{each.news}, {each.verdict}" if each.verdict else each.news, each.reason)
                for each in events
            )
            return lists.one(cards.state_of(conn, self._desk, row, now), history)

        return await self._desk.desk.ask(query)

    async def silences(self) -> Message:
        """The answer to /silences."""
        now = self._desk.desk.now()

        def query(conn: Connection) -> Message:
            quiet = alerts.firing(conn)
            active = tuple(
                cards.silence_shown(each, matching=sum(row.silence == each.id for row in quiet))
                for each in silences.standing(conn)
            )
            return lists.silences(active, tuple(map(cards.silence_shown, silences.ended(conn, 5))), now)

        return await self._desk.desk.ask(query)

    async def on_call(self) -> Message:
        """The answer to /oncall."""
        now = self._desk.desk.now()
        duty = await self._desk.desk.ask(lambda conn: on_call.current(conn, now))
        return lists.on_call(
            duty.person if duty is not None else None,
            duty.until if duty is not None else None,
            duty.by if duty is not None else None,
            fallback=self._desk.desk.contacts,
            now=now,
        )

    async def _state(self, number: int) -> AlertCard:
        now = self._desk.desk.now()

        def query(conn: Connection) -> AlertCard | None:
            row = alerts.get(conn, number)
            return None if row is None else cards.state_of(conn, self._desk, row, now)

        found = await self._desk.desk.ask(query)
        if found is None:
            raise UserError(NO_SUCH)
        return found
