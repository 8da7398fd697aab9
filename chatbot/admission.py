"""The door inside: is the request meant for us, and may this person do this; a no is told, counted and audited."""

import structlog

from chatbot.desk import Desk
from chatbot.identity import People, Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.replies import Replies
from chatbot.slack import Door
from chatbot.views import refusals
from commands.spec import Risk, Role
from config.settings import Settings

log = structlog.get_logger(__name__)


class Admission:
    """Looks at every request before anything is done with it."""

    def __init__(
        self, *, settings: Settings, desk: Desk, people: People, door: Door, replies: Replies
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._people = people
        self._door = door
        self._replies = replies

    def wrong_place(self, incoming: Incoming) -> Refusal | None:
        """Why the request is not meant for us (another workspace, organisation or app), or ``None``."""
        known = self._door.installation
        team = known.team if known is not None else self._settings.slack.team_id
        if team is not None and incoming.team != team:
            return Refusal(
                why="foreign team", sentence="This bot belongs to another workspace, so nothing was done."
            )
        if known is not None and known.enterprise and incoming.enterprise not in (None, known.enterprise):
            return Refusal(
                why="foreign enterprise",
                sentence="This bot belongs to another organisation, so nothing was done.",
            )
        wanted = self._settings.slack.app_id
        if wanted is not None and incoming.app != wanted:
            return Refusal(
                why="other app", sentence="This request was made for another app, so nothing was done."
            )
        return None

    async def refusal(
        self,
        incoming: Incoming,
        *,
        risk: Risk,
        role: Role,
        clicked: bool,
        now: bool = False,
        anywhere: bool = False,
    ) -> Refusal | None:
        """Why this person may not do a thing of this risk and role here, or ``None`` when they may.

        ``now``: by what Slack says at this moment; ``anywhere``: also outside the allowed channels, where we posted.
        """
        refusal = await self._people.refusal(
            incoming.user,
            user_team=incoming.user_team,
            risk=risk,
            needs=role,
            fresh=clicked or risk is Risk.RAISE,
            now=now,
        )
        if refusal is not None:
            return refusal
        allowed = self._settings.channels.allowed
        if (
            risk is not Risk.LOWER
            and not anywhere
            and allowed
            and incoming.channel is not None
            and incoming.channel not in allowed
        ):
            return Refusal(
                why="other channel",
                sentence="This channel is not one where I take commands, so nothing was done.",
            )
        return None

    async def refuse(self, incoming: Incoming, refusal: Refusal) -> Reply:
        """Tell, count and audit a refusal."""
        log.warning("refused", why=refusal.why, team=incoming.team, channel=incoming.channel)
        self._desk.metrics.refused(refusal.why)
        self._desk.spawn(self._audit(incoming, refusal))
        if incoming.kind is Kind.EVENT:
            return Reply()
        return await self._replies.now(incoming, refusals.refusal(refusal.sentence))

    async def _audit(self, incoming: Incoming, refusal: Refusal) -> None:
        detail = {
            "why": refusal.why,
            "kind": incoming.kind.value,
            "name": incoming.name[:100],
            "text": incoming.text[:200],
            "team": incoming.team,
            "channel": incoming.channel,
        }
        await self._desk.recorder.step(
            "noted",
            once=f"refused/{incoming.key}" if incoming.key else None,
            action_id=incoming.name[:100] or incoming.kind.value,
            at=self._desk.now().isoformat(),
            actor=incoming.user or "unknown",
            event="refused",
            detail=detail,
        )
