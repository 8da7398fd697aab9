"""What people do in Slack: type a command, press a button, fill in a modal, mention the bot."""

import re
from dataclasses import replace

from chatbot.sandbox.slack import payloads
from chatbot.sandbox.slack.blockkit import interactive
from chatbot.sandbox.slack.courier import Courier
from chatbot.sandbox.slack.forms import filled, option
from chatbot.sandbox.slack.model import BOT_USER, Channel, Delivery, Json, Message, Person, Shown, View
from chatbot.sandbox.slack.passes import ApiError, ReplyPass, ReplyPasses, Triggers
from chatbot.sandbox.slack.posting import answer_in_place
from chatbot.sandbox.slack.submissions import settle
from chatbot.sandbox.slack.workspace import Workspace

SLACKBOT = "USLACKBOT"
_NAMED = re.compile(r"(?<![\w@<])([@#])([\w.-]*\w)")


class Acts:
    """Everything a person can do; people by id or role name, channels by id or name."""

    def __init__(
        self,
        *,
        workspace: Workspace,
        courier: Courier,
        triggers: Triggers,
        reply_passes: ReplyPasses,
        base_url: str,
        status_is_builtin: bool,
    ) -> None:
        self.workspace, self.courier = workspace, courier
        self._triggers, self._reply_passes = triggers, reply_passes
        self._base_url, self._status_is_builtin = base_url, status_is_builtin

    def person(self, id_or_name: str) -> Person:
        """A person by id or role name; LookupError when there is none."""
        by_name = (person for person in self.workspace.people.values() if person.name == id_or_name)
        found = self.workspace.people.get(id_or_name) or next(by_name, None)
        if found is None:
            raise LookupError(f"no person {id_or_name!r}")
        return found

    def channel(self, id_or_name: str) -> Channel:
        """A channel by id, name or #name; LookupError when there is none."""
        found = self.workspace.find_channel(id_or_name)
        if found is None:
            raise LookupError(f"no channel {id_or_name!r}")
        return found

    def say(self, person: str, channel: str, text: str, *, thread_ts: str | None = None) -> Message:
        """Write an ordinary message, which the bot does not hear."""
        return self._write(self.person(person).id, self.channel(channel).id, self._passed_on(text), thread_ts)

    async def command(
        self, person: str, channel: str, name: str, text: str = "", **overrides: object
    ) -> Delivery:
        """Type a slash command; ``overrides`` replace fields of the payload that goes to the bot."""
        who, where = self.person(person), self.channel(channel)
        key = self._reply_passes.issue(channel=where.id, person=who.id)
        url = f"{self._base_url}/hooks/commands/{key}"
        payload = payloads.command(who, where, name, self._passed_on(text), response_url=url) | overrides
        if self._status_is_builtin and name == "/status":
            return Delivery(kind="slash_commands", payload=payload, error="slack_builtin")
        self._triggers.issue(str(payload["trigger_id"]), person=who.id)
        delivery = await self.courier.ask("slash_commands", payload)
        if delivery.error is None and delivery.ack is not None:
            if delivery.ack.get("response_type") == "in_channel":
                self._write(who.id, where.id, f"{name} {self._passed_on(text)}".strip(), None)
            try:
                reply = ReplyPass(channel=where.id, person=who.id, message=None, at=0.0, left=0)
                answer_in_place(self.workspace, reply, delivery.ack)
            except ApiError:
                delivery = replace(delivery, error="invalid_command_response")
        if delivery.error is not None:
            words = f'{name} failed with the error "{delivery.error}"'
            self._write(SLACKBOT, where.id, words, None, only_for=who.id)
        return delivery

    async def click(
        self,
        person: str,
        channel: str,
        ts: str,
        action: str,
        *,
        block: str | None = None,
        choose: str | None = None,
        **overrides: object,
    ) -> Delivery:
        """Press the button (or ``choose`` from the select) with this action_id or label on a message.

        ``block`` is the block_id where several blocks have such a button; without it the first is pressed.
        """
        who, where = self.person(person), self.channel(channel)
        message = self.workspace.message(where.id, ts, who.id)
        if message is None:
            raise LookupError(f"{who.name} sees no message {ts} in {where.name}")
        pressed = _pressed(message.blocks, action, block, choose)
        key = self._reply_passes.issue(channel=where.id, person=who.id, message=message)
        url = f"{self._base_url}/hooks/actions/{key}"
        payload = payloads.click_on_message(who, where, message, pressed, response_url=url) | overrides
        self._triggers.issue(str(payload["trigger_id"]), person=who.id)
        return await self.courier.ask("interactive", payload)

    async def click_in_view(
        self,
        person: str,
        view_id: str,
        action: str,
        *,
        block: str | None = None,
        choose: str | None = None,
        **overrides: object,
    ) -> Delivery:
        """Press a button in a modal, or on the home tab."""
        who, view = self.person(person), self._view(view_id)
        pressed = _pressed(view.body["blocks"], action, block, choose)
        values = filled(view.body, {}, complete=False)
        payload = payloads.click_on_view(who, view, pressed, values) | overrides
        self._triggers.issue(str(payload["trigger_id"]), person=who.id, view=view.id)
        return await self.courier.ask("interactive", payload)

    async def submit(
        self, person: str, view_id: str, values: Json | None = None, **overrides: object
    ) -> Delivery:
        """Fill in a modal and send it; ``values`` by block_id, action_id or label, as in forms."""
        who, view = self.person(person), self._view(view_id)
        state = filled(view.body, values or {})
        payload = payloads.submission(who, view, state) | overrides
        self._triggers.issue(str(payload["trigger_id"]), person=who.id, view=view.id)
        delivery = await self.courier.ask("interactive", payload)
        return settle(self.workspace, view, delivery)

    async def close_view(self, person: str, view_id: str, *, all_of_them: bool = False) -> Delivery | None:
        """Close a modal (or the whole stack); the bot hears of it where the view asked to."""
        who, view = self.person(person), self._view(view_id)
        self.workspace.close_views(who.id, None if all_of_them else view.id)
        if not view.body.get("notify_on_close"):
            return None
        return await self.courier.ask("interactive", payloads.closing(who, view, all_of_them=all_of_them))

    async def mention(
        self, person: str, channel: str, text: str, thread_ts: str | None = None, **overrides: object
    ) -> Delivery:
        """Mention the bot in a channel or thread."""
        who, where = self.person(person), self.channel(channel)
        said = self._write(who.id, where.id, f"<@{BOT_USER}> {self._passed_on(text)}".strip(), thread_ts)
        body: Json = {
            "type": "app_mention",
            "user": who.id,
            "text": said.text,
            "ts": said.ts,
            "channel": where.id,
        }
        body |= {"team": who.team, "event_ts": said.ts, "client_msg_id": self.workspace.new_id("m")}
        if thread_ts is not None:
            body["thread_ts"] = thread_ts
        payload = payloads.event(body) | {"is_ext_shared_channel": where.is_ext_shared} | overrides
        if BOT_USER not in where.members:  # Slack tells apps nothing from channels they are not in
            return Delivery(kind="events_api", payload=payload, error="not_in_channel")
        return await self.courier.tell(payload)

    async def open_home(self, person: str) -> Delivery:
        """Open the app's home tab."""
        who = self.person(person)
        body: Json = {"type": "app_home_opened", "user": who.id, "tab": "home"}
        body |= {"channel": self.workspace.dm(who.id).id, "event_ts": self.workspace.new_ts()}
        home = self.workspace.homes.get(who.id)
        if home is not None:
            body["view"] = home.wire()
        return await self.courier.tell(payloads.event(body))

    def _passed_on(self, text: str) -> str:
        """What a person typed as Slack passes it on: escaped, with whom and where it names as references."""

        def reference(name: re.Match[str]) -> str:
            try:
                named = self.person(name[2]) if name[1] == "@" else self.channel(name[2])
            except LookupError:
                return name[0]
            return f"<{name[1]}{named.id}|{named.name}>"

        return _NAMED.sub(reference, escaped(text))

    def _view(self, view_id: str) -> View:
        homes = {home.id: home for home in self.workspace.homes.values()}
        view = self.workspace.views.get(view_id) or homes.get(view_id)
        if view is None:
            raise LookupError(f"no open view {view_id!r}")
        return view

    def _write(
        self, user: str, channel: str, text: str, thread_ts: str | None, only_for: str | None = None
    ) -> Message:
        ts = self.workspace.new_ts()
        shown = Shown(at=payloads.moment(ts), text=text)
        return self.workspace.post(
            Message(
                ts=ts, channel=channel, user=user, history=(shown,), thread_ts=thread_ts, only_for=only_for
            )
        )


def escaped(text: str) -> str:
    """What a person typed as Slack passes it on: & < > escaped once."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _pressed(
    blocks: tuple[Json, ...] | list[Json], action: str, wanted: str | None, choose: str | None
) -> Json:
    seen = []
    for block in blocks:
        for element in interactive(block):
            label = element.get("text", {}).get("text", "")
            if action in {element["action_id"], label} and wanted in {None, block["block_id"]}:
                choice = None if choose is None else option(element, choose)
                return payloads.action(element, block["block_id"], choice)
            seen.append(label or element["action_id"])
    raise LookupError(f"nothing called {action!r} to press; there is: {', '.join(seen) or 'nothing'}")
