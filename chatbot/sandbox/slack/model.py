"""What the local Slack keeps: people, channels, messages with all they showed, views, calls, deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]
"""A JSON object as it crosses the wire: its values are whatever the bot or the page sent."""

TEAM = "T0FLEET"
OTHER_TEAM = "T0OTHER"
APP = "A0FLEETBOT"
BOT = "B0FLEETBOT"
BOT_USER = "U0FLEETBOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be chosen on the page, named by role."""

    id: str
    name: str
    team: str = TEAM
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False  # guest
    is_ultra_restricted: bool = False  # guest of one channel
    is_admin: bool = False  # of the workspace: says nothing about the fleet
    presence: str = "active"  # or "away"

    @property
    def is_stranger(self) -> bool:
        """True for people of another workspace (Slack Connect)."""
        return self.team != TEAM

    def wire(self) -> Json:
        """The user object of users.info and of user_change."""
        shown: Json = {"id": self.id, "team_id": self.team, "name": self.name, "deleted": self.deleted}
        shown["profile"] = {"real_name": self.name, "display_name": self.name, "team": self.team}
        if self.id == BOT_USER:
            shown["profile"] |= {"api_app_id": APP, "bot_id": BOT}
        if self.deleted:
            return shown | {"is_bot": self.is_bot, "is_app_user": False}
        shown |= {"real_name": self.name, "tz": "Etc/UTC", "tz_label": "UTC", "tz_offset": 0}
        shown |= {"is_admin": self.is_admin, "is_owner": False, "is_primary_owner": False}
        shown |= {"is_restricted": self.is_restricted, "is_ultra_restricted": self.is_ultra_restricted}
        shown |= {"is_bot": self.is_bot, "is_app_user": False}
        return shown | ({"is_stranger": True} if self.is_stranger else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel or a direct message."""

    id: str
    name: str
    members: frozenset[str] = frozenset()
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    read_only: bool = False  # for all but those whom the workspace's settings name; the bot is not among them
    gone: bool = False  # deleted: for Slack there is no such channel; a test still reads what was said in it
    refusal: str = ""  # Slack's word with which it takes no posts and no edits, whatever else is so
    im_with: str | None = None  # the person on the other side of a direct message

    def wire(self) -> Json:
        """The conversation object of conversations.info."""
        if self.im_with is not None:
            return {"id": self.id, "is_im": True, "user": self.im_with, "is_archived": self.is_archived}
        shown: Json = {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "context_team_id": TEAM,
        }
        shown |= {
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_im": False,
            "is_mpim": False,
        }
        shown |= {"is_private": self.is_private, "is_archived": self.is_archived, "is_general": False}
        shown |= {
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_org_shared": False,
        }
        shown |= {"is_read_only": True} if self.read_only else {}
        return shown | {"is_member": BOT_USER in self.members, "num_members": len(self.members)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a message showed from ``at`` until its next edit."""

    at: datetime
    text: str
    blocks: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message with its whole edit history; ``only_for`` names the person who alone can see it."""

    ts: str
    channel: str
    user: str
    history: tuple[Shown, ...]
    bot: bool = False
    thread_ts: str | None = None
    only_for: str | None = None
    metadata: Json | None = None
    files: tuple[Json, ...] = ()
    reactions: tuple[str, ...] = ()
    pinned: bool = False

    @property
    def text(self) -> str:
        """The text shown now."""
        return self.history[-1].text

    @property
    def blocks(self) -> tuple[Json, ...]:
        """The blocks shown now."""
        return self.history[-1].blocks

    @property
    def words(self) -> str:
        """Everything a person can read in it now: text and the text of all blocks, one piece a line."""
        return "\n".join([self.text, *readable(list(self.blocks))])

    def wire(self, *, with_metadata: bool = True) -> Json:
        """The message object of the Web API and of interaction payloads."""
        shown: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": TEAM}
        if self.bot:
            shown |= {"bot_id": BOT, "app_id": APP}
        if self.blocks:
            shown["blocks"] = list(self.blocks)
        if self.thread_ts is not None:
            shown |= {"thread_ts": self.thread_ts, "parent_user_id": BOT_USER}
        if len(self.history) > 1:
            shown["edited"] = {"user": self.user, "ts": f"{self.history[-1].at.timestamp():.6f}"}
        if self.metadata is not None and with_metadata:
            shown["metadata"] = self.metadata
        if self.files:
            shown["files"] = list(self.files)
        if self.reactions:
            shown["reactions"] = [{"name": name, "users": [BOT_USER], "count": 1} for name in self.reactions]
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One modal or home tab as one person sees it; ``root`` and ``previous`` tell its place in the stack."""

    id: str
    person: str
    body: Json
    hash: str
    root: str
    previous: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict)  # block_id -> sentence under the input

    def wire(self, values: Json | None = None) -> Json:
        """The view object of views.* answers and of interaction payloads."""
        shown = {"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": False}
        shown |= {"notify_on_close": False, "submit": None, "close": None} | self.body
        shown |= {"id": self.id, "team_id": TEAM, "app_id": APP, "bot_id": BOT, "hash": self.hash}
        shown |= {"root_view_id": self.root, "previous_view_id": self.previous, "app_installed_team_id": TEAM}
        return shown | {"state": {"values": values or {}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One Web API call as it arrived and as it was answered; ``answer`` is ``None`` when none was sent."""

    at: datetime
    method: str
    args: Json
    status: int
    answer: Json | None

    @property
    def ok(self) -> bool:
        """True when Slack said yes."""
        return self.answer is not None and self.answer.get("ok") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one payload: ``error`` is ``None`` when it was acknowledged in time.

    ``ack`` is the payload of the acknowledgement (``None`` when it carried none), ``seconds`` the time from
    sending to acknowledgement, ``error`` is ``operation_timeout`` (nobody answered in time) or
    ``dispatch_failed`` (nobody was there to be asked, or the answer was no acknowledgement).
    """

    kind: str
    payload: Json
    ack: Json | None = None
    seconds: float | None = None
    error: str | None = None

    @property
    def trigger_id(self) -> str:
        """The payload's trigger_id, empty where it has none."""
        return str(self.payload.get("trigger_id", ""))


def readable(part: object) -> list[str]:
    """Every text a person can read in blocks or views, in order."""
    if isinstance(part, list | tuple):
        return [words for item in part for words in readable(item)]
    if not isinstance(part, dict):
        return []
    found: list[str] = []
    for key, value in part.items():
        if key in {"text", "alt_text", "fallback"} and isinstance(value, str):
            found.append(value)
        elif key not in {"confirm", "private_metadata"}:
            found.extend(readable(value))
    return found
