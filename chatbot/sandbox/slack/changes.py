"""What the administrators of the workspace change: people, user groups, channels."""

from dataclasses import replace
from typing import Any

from chatbot.sandbox.slack import payloads
from chatbot.sandbox.slack.acts import Acts
from chatbot.sandbox.slack.model import BOT_USER, Channel, Delivery, Json, Person


class Changes(Acts):
    """The bot hears of a change where its manifest asks for that event."""

    async def change_person(self, person: str, **changes: Any) -> Delivery:
        """Change somebody (deleted=True, is_restricted=True, ...); the bot hears user_change.

        Of a mere ``presence="away"`` it hears nothing: it is no part of the user object.
        """
        changed = replace(self.person(person), **changes)
        if changes.keys() == {"presence"}:
            self.workspace.people[changed.id] = changed
            self.workspace.changed()
            return Delivery(kind="events_api", payload={})
        return await self.add_person(changed)

    async def add_person(self, person: Person) -> Delivery:
        """Add or replace a person; the bot hears user_change."""
        self.workspace.people[person.id] = person
        self.workspace.changed()
        return await self._tell("user_change", user=person.wire())

    async def change_group(self, group: str, members: frozenset[str]) -> Delivery:
        """Change who is in a user group; the bot hears subteam_members_changed."""
        handle, before = self.workspace.groups[group]
        self.workspace.groups[group] = (handle, members)
        added, removed = sorted(members - before), sorted(before - members)
        return await self._tell(
            "subteam_members_changed", subteam_id=group, added_users=added, removed_users=removed
        )

    async def share_channel(self, channel: str) -> Delivery:
        """Share a channel with another workspace; the bot hears channel_shared."""
        changed = self._put(replace(self.channel(channel), is_ext_shared=True))
        return await self._tell("channel_shared", connected_team_id="T0OTHER", channel=changed.id)

    async def change_channel(
        self,
        channel: str,
        *,
        is_archived: bool | None = None,
        bot_in: bool | None = None,
        read_only: bool | None = None,
        gone: bool | None = None,
        refusal: str | None = None,
    ) -> Channel:
        """Change what is given of a channel; how it is now.

        ``refusal`` is any word of Slack's with which it takes no posts and no edits from now on, empty for none.
        The bot hears nothing: its manifest asks for no event that would tell of these.
        """
        given = {"is_archived": is_archived, "read_only": read_only, "gone": gone, "refusal": refusal}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        changed = replace(self.channel(channel), **changes)
        if bot_in is not None:
            members = changed.members | {BOT_USER} if bot_in else changed.members - {BOT_USER}
            changed = replace(changed, members=members)
        return self._put(changed)

    def _put(self, channel: Channel) -> Channel:
        self.workspace.channels[channel.id] = channel
        self.workspace.changed()
        return channel

    async def _tell(self, kind: str, **body: object) -> Delivery:
        event: Json = {"type": kind, "event_ts": self.workspace.new_ts(), **body}
        return await self.courier.tell(payloads.event(event))
