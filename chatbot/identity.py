"""Who is asking, and may they: from memory, so that nothing on the network stands before a stop.

The configuration's allow-list decides the role. What Slack says of the person (deleted, guest, bot, from another
organisation) and who is in a user group is kept in memory and refreshed in the background, at most a minute old; a
group can only narrow.
When Slack cannot say: a stop goes by the allow-list alone (fail open), everything else is refused (fail closed).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.posting import error_word
from commands.policy import includes
from commands.spec import Risk, Role
from config.settings import Roles

FRESH_SECONDS = 60.0
NEVER = float("-inf")
REFRESH_SECONDS = 45.0  # below FRESH_SECONDS, so that memory is fresh when a person comes
LOOKUP_SECONDS = 1.5  # within Slack's three seconds
AT_ONCE = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What users.info says of one person; ``flaw`` is why they may do nothing here, or ``None``."""

    user: str
    flaw: str | None
    read_at: float  # monotonic seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """What usergroups.users.list says of one group."""

    users: frozenset[str]
    read_at: float  # monotonic seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why somebody may not: one word for the record, one sentence for the person."""

    why: str
    sentence: str


class People:
    """The roles of the configuration and what Slack says of the people in them."""

    def __init__(
        self, *, roles: Roles, web: AsyncWebClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._web = web
        self._clock = clock
        self._role: dict[str, Role] = {}
        for role, users in (
            (Role.VIEWER, roles.viewers),
            (Role.OPERATOR, roles.operators),
            (Role.ADMIN, roles.admins),
        ):
            self._role.update(dict.fromkeys(users, role))
        groups = {
            Role.VIEWER: roles.viewer_group,
            Role.OPERATOR: roles.operator_group,
            Role.ADMIN: roles.admin_group,
        }
        self._group = {role: group for role, group in groups.items() if group}
        self._members: dict[str, Members] = {}
        self._profiles: dict[str, Profile] = {}
        self._team: str | None = None

    def installed_in(self, team: str) -> None:
        """Tell which workspace is ours; people of any other are refused."""
        self._team = team

    def role(self, user: str) -> Role | None:
        """The role the configuration gives, whatever Slack says of the person."""
        return self._role.get(user)

    def everybody(self) -> dict[str, Role]:
        """Everybody the configuration gives a role, admins first."""
        return dict(sorted(self._role.items(), key=lambda each: (-tuple(Role).index(each[1]), each[0])))

    def flaw(self, user: str) -> tuple[str | None, bool]:
        """What Slack said last that forbids this person everything, and whether it said anything at all."""
        profile = self._profiles.get(user)
        return (None, False) if profile is None else (profile.flaw, True)

    async def refresh(self) -> None:
        """Read everybody in the roles, and the members of the narrowing groups, a few at a time."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(user: str) -> None:
            async with gate:
                await self.look_up(user)

        async with asyncio.TaskGroup() as group:
            for user in self._role:
                group.create_task(one(user))
            for name in set(self._group.values()):
                group.create_task(self._read_group(name))

    def forget(self, user: str) -> None:
        """Slack says that this person changed: look again before the next use, and at once in the background."""
        profile = self._profiles.get(user)
        if profile is not None:
            self._profiles[user] = replace(profile, read_at=NEVER)

    async def changed(self, user: str) -> None:
        """Re-read one person now, if they have a role here."""
        if user in self._role:
            self.forget(user)
            await self.look_up(user)

    async def group_changed(self, group: str) -> None:
        """Re-read one narrowing group now."""
        if group in self._group.values():
            await self._read_group(group)

    async def refusal(
        self, user: str, *, user_team: str | None, risk: Risk, needs: Role, fresh: bool, now: bool = False
    ) -> Refusal | None:
        """Why this person may not do a thing of this risk and role, or ``None`` when they may.

        ``fresh`` asks for a profile of at most a minute (clicks, and all but stops), ``now`` for one that is read now
        (approvals); a stop goes by memory alone.
        """
        if now:
            self.forget(user)
            self._members = {name: replace(each, read_at=NEVER) for name, each in self._members.items()}
        foreign = self.foreign(user_team)
        if foreign is not None:
            return foreign
        role = self._role.get(user)
        if role is None:
            return Refusal(
                why="no role",
                sentence="You have no role in this bot, so nothing was done. "
                "An admin can add your Slack id to its configuration.",
            )
        if not includes(role, needs):
            return Refusal(
                why="role too low",
                sentence=f"This needs the role {needs.value} and you are {role.value}, so nothing was done. "
                f"Ask an {'admin' if needs is Role.ADMIN else 'operator or admin'} now.",
            )
        flaw = await self._flaw(user, risk=risk, fresh=fresh)
        if flaw is not None:
            return flaw
        group = self._group.get(role)
        return await self._outside(group, user, risk=risk, fresh=fresh) if group else None

    def foreign(self, user_team: str | None) -> Refusal | None:
        """Why somebody of this workspace may do nothing at all here: it is not ours."""
        if self._team is None or user_team is None or user_team == self._team:
            return None
        return Refusal(
            why="foreign",
            sentence="You belong to another workspace, so nothing was done. Ask an admin of this one.",
        )

    async def _flaw(self, user: str, *, risk: Risk, fresh: bool) -> Refusal | None:
        profile = self._profiles.get(user)
        stopping = risk is Risk.LOWER
        if not stopping and self._too_old(profile, fresh):
            await self._within_seconds(self.look_up(user), "users.info")
            profile = self._profiles.get(user)
            if self._too_old(profile, fresh):
                return Refusal(
                    why="unverified",
                    sentence="Slack does not say right now who you are, so nothing was done. "
                    "Try again in a moment; a stop always works.",
                )
        if profile is not None and profile.flaw is not None:
            return Refusal(
                why=profile.flaw,
                sentence=f"Slack says that your account is {profile.flaw}, so nothing was done.",
            )
        return None

    async def _outside(self, group: str, user: str, *, risk: Risk, fresh: bool) -> Refusal | None:
        members = self._members.get(group)
        if members is None and risk is Risk.LOWER:
            return None
        if risk is not Risk.LOWER and self._too_old(members, fresh):
            await self._within_seconds(self._read_group(group), "usergroups.users.list")
            members = self._members.get(group)
            if self._too_old(members, fresh):
                members = None
        if members is None:
            return Refusal(
                why="unverified",
                sentence="Slack does not say right now who is in the group that your role asks for, "
                "so nothing was done. Try again in a moment; a stop always works.",
            )
        if user in members.users:
            return None
        return Refusal(
            why="not in group",
            sentence="Your role also asks for membership in a Slack user group that you are not in, "
            "so nothing was done.",
        )

    def _too_old(self, known: Profile | Members | None, fresh: bool) -> bool:
        return known is None or (fresh and self._clock() - known.read_at > FRESH_SECONDS)

    async def _within_seconds(self, lookup: Awaitable[None], what: str) -> None:
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                await lookup
        except TimeoutError:
            log.warning("Slack takes too long", method=what)

    async def look_up(self, user: str) -> None:
        """Ask Slack about one person; what it said before stays when it does not answer."""
        try:
            answer = await self._web.users_info(user=user)
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            if error_word(error) in {"user_not_found", "user_not_visible", "users_not_found"}:
                self._profiles[user] = Profile(
                    user=user, flaw="unknown to this workspace", read_at=self._clock()
                )
                return
            log.warning("users.info failed", person=user, error=error_word(error))
            return
        self._profiles[user] = Profile(
            user=user, flaw=flaw_of(answer.get("user") or {}, self._team), read_at=self._clock()
        )

    async def _read_group(self, group: str) -> None:
        try:
            answer = await self._web.usergroups_users_list(usergroup=group)
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("usergroups.users.list failed", group=group, error=error_word(error))
            return
        listed = answer.get("users")
        if not isinstance(listed, list):
            log.warning("usergroups.users.list names nobody, so the members known before stay", group=group)
            return
        users = frozenset(listed)
        self._members[group] = Members(users=users, read_at=self._clock())


def flaw_of(user: dict[str, Any], team: str | None) -> str | None:
    """What in users.info forbids a person everything here, in words that fit "your account is ...", or ``None``."""
    if user.get("deleted"):
        return "deactivated"
    if user.get("is_bot") or user.get("is_workflow_bot"):
        return "a bot"
    if user.get("is_stranger"):
        return "from another organisation"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "a guest account"
    if team is not None and user.get("team_id") not in (None, team):
        return "from another workspace"
    return None
