"""Buttons and forms of recovery logs: checked like every press; what a form brings is checked field by field."""

from datetime import timedelta

from sqlalchemy import Connection

from chatbot.admission import Admission
from chatbot.desk import Desk
from chatbot.identity import People, Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.posting import Poster
from chatbot.recovering import filling
from chatbot.recovering.acts import RecoveryActs
from chatbot.recovering.showing import card_key
from chatbot.replies import Replies
from chatbot.views import recovery as view
from chatbot.views import recovery_forms as forms
from chatbot.views.blocks import Message, View
from commands.spec import Risk, Role, UserError
from storage import outbox
from storage.database import StorageError
from storage.outbox import Owed
from storage.recovery_rows import Draft

PRESSES = frozenset(
    f"recovery.{name}"
    for name in ("new", "save", "edit", "close", "correct", "tick", "untick", "assign", "share")
)
FORGED = "This button does not belong to a message of mine, so nothing was done. Type /recoveries instead."
FLEET = "fleet"
LATEST = timedelta(days=366)


class RecoveryPressing:
    """What pressing a button or sending a form of a recovery log does; all of it is for operators."""

    def __init__(
        self,
        *,
        desk: Desk,
        people: People,
        admission: Admission,
        acts: RecoveryActs,
        poster: Poster,
        replies: Replies,
    ) -> None:
        self._desk = desk
        self._people = people
        self._admission = admission
        self._acts = acts
        self._poster = poster
        self._replies = replies

    async def open_new(self, bot: str | None, trigger_id: str | None) -> bool:
        """Open the form of a new log, filled from the record; False when Slack would not."""
        if trigger_id is None:
            return False
        found = await self._acts.incident(bot)
        form = forms.log_form(found.draft, f"new:{bot or FLEET}", title="New recovery log")
        return await self._poster.open_modal(trigger_id, form)

    async def pressed(self, incoming: Incoming) -> Reply:
        """The acknowledgement of a press or a form."""
        refusal = await self._admission.refusal(incoming, risk=Risk.READ, role=Role.OPERATOR, clicked=True)
        if refusal is not None:
            return await self._admission.refuse(incoming, refusal)
        if incoming.kind is Kind.SUBMIT:
            return await self._submitted(incoming)
        if incoming.name == view.NEW:
            bot = incoming.text if incoming.text in self._desk.bots else None
            if not await self.open_new(bot, incoming.trigger_id):
                raise UserError("Slack did not open the form, so nothing was written. Press it again.")
            return Reply()
        if incoming.name == view.SHARE:
            message = await self._acts.share_trends(by=incoming.user, key=incoming.key)
            return await self._replies.now(incoming, message)
        number = int(incoming.text) if incoming.text.isdecimal() and len(incoming.text) < 10 else 0
        if incoming.name in {"recovery.tick", "recovery.untick"}:
            done = incoming.name == "recovery.tick"
            message = await self._acts.tick(number, done=done, by=incoming.user)
            return await self._replies.now(incoming, message)
        if not await self._ours(incoming, number):
            return await self._admission.refuse(incoming, Refusal(why="forged button", sentence=FORGED))
        if incoming.name == "recovery.close":
            return await self._replies.now(incoming, await self._acts.close(number, by=incoming.user))
        form = await self._form(incoming, number)
        if incoming.trigger_id is None or not await self._poster.open_modal(incoming.trigger_id, form):
            raise UserError("Slack did not open the form, so nothing was changed. Press it again.")
        return Reply()

    async def _form(self, incoming: Incoming, number: int) -> View:
        found = await self._acts.whole(number)
        match incoming.name:
            case "recovery.correct":
                return forms.correct_form(found.log)
            case "recovery.assign":
                return forms.assign_form(found.log, found.items, incoming.user)
            case _:
                log = found.log
                if log.state != "open":
                    raise UserError(f"Recovery log #{number} is closed, so it is not edited: press Correct.")
                draft = Draft(
                    bot=log.bot,
                    scenario=log.scenario,
                    began_at=log.began_at,
                    issue=log.issue,
                    root_cause=log.root_cause,
                    actions_taken=log.actions_taken,
                    outcome=log.outcome,
                    lessons=log.lessons,
                )
                return forms.log_form(draft, f"edit:{number}:{log.version}", title=f"Recovery log #{number}")

    async def _submitted(self, incoming: Incoming) -> Reply:
        match incoming.name:
            case "recovery.save":
                return await self._saved(incoming)
            case "recovery.correct":
                return await self._corrected(incoming)
            case _:
                return await self._assigned(incoming)

    async def _saved(self, incoming: Incoming) -> Reply:
        kind, *rest = incoming.context.split(":")
        bot = rest[0] if kind == "new" and rest and rest[0] in self._desk.bots else None
        draft, wrong = filling.draft_of(incoming.fields, bot, self._desk.now())
        if draft is None:
            return _errors({name: text for name, text in wrong.items() if name in incoming.fields} or wrong)
        edits = len(rest) == 2 and all(
            each.isascii() and each.isdecimal() and len(each) < 10 for each in rest
        )
        if kind != "new" and not edits:
            return _errors({"issue": FORGED})
        try:
            if kind == "new":
                number = await self._acts.create(draft, by=incoming.user, key=incoming.key)
                if number is not None:
                    self._desk.spawn(self._told(incoming, view.opened(number, self._desk.ops)))
            else:
                await self._acts.save(int(rest[0]), int(rest[1]), draft, by=incoming.user)
        except UserError as error:
            return _errors({"issue": str(error)})
        return Reply()

    async def _told(self, incoming: Incoming, message: Message) -> None:
        await self._replies.later(incoming, message)

    async def _corrected(self, incoming: Incoming) -> Reply:
        words = filling.words_of(incoming.fields.get("text", ""))
        if not words or len(words) > forms.FIELD:
            return _errors({"text": f"Write what is to be corrected, in at most {forms.FIELD} characters."})
        number = int(incoming.context) if incoming.context.isdecimal() and len(incoming.context) < 10 else 0
        try:
            await self._acts.correct(number, words, by=incoming.user)
        except UserError as error:
            return _errors({"text": str(error)})
        return Reply()

    async def _assigned(self, incoming: Incoming) -> Reply:
        fields, now = incoming.fields, self._desk.now()
        owner, item = fields.get("owner", ""), fields.get("item", "")
        if self._people.role(owner) is None:
            return _errors({"owner": "Only somebody with a role here can have it: choose one of /who."})
        due = filling.day_of(fields.get("day", ""))
        if fields.get("day") and (due is None or not now - LATEST < due < now + LATEST):
            return _errors({"day": "Choose a day within a year."})
        if not item.isdecimal() or len(item) > 9:
            return _errors({"item": "Choose one of the list."})
        try:
            await self._acts.assign(int(item), owner, due, by=incoming.user)
        except UserError as error:
            return _errors({"item": str(error)})
        return Reply()

    async def _ours(self, incoming: Incoming, number: int) -> bool:
        """True when the pressed button stands on a message about this log that we posted."""
        channel, ts = incoming.channel, incoming.message_ts
        if channel is None or ts is None:
            return False
        key = card_key(number)
        try:
            row = await self._desk.database.read(lambda conn: _message(conn, channel, ts, key))
        except StorageError:
            return False
        return row is not None and row.key in {key, f"{key}/checklist"}


def _message(conn: Connection, channel: str, ts: str, key: str) -> Owed | None:
    """The message under this ``ts``, or one that was posted a moment ago, whose place is not written down yet."""
    found = outbox.find_by_message(conn, channel, ts)
    for name in (key, f"{key}/checklist"):
        row = outbox.get(conn, name) if found is None else None
        if row is not None and row.channel == channel and row.ts is None:
            return row
    return found


def _errors(sentences: dict[str, str]) -> Reply:
    told = {name: sentence[:500] for name, sentence in sentences.items()}
    return Reply(payload={"response_action": "errors", "errors": told})
