"""The doctor's look at Slack: the tokens, the scopes, the channels and the people in the roles."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.finding import Finding, failed, ok, warning
from chatbot.identity import flaw_of
from chatbot.manifest import SCOPES
from chatbot.posting import error_word, open_session, web_client
from config.settings import Settings

_ADVICE = {
    "invalid_auth": "copy the token anew from the Slack app",
    "not_authed": "set the token",
    "account_inactive": "install the app again",
    "token_revoked": "install the app again",
    "missing_scope": "make the app anew from `chatbot manifest`",
    "ratelimited": "wait a minute and try again",
    "channel_not_found": "correct the id, or invite the bot into the private channel",
}


async def check_slack(settings: Settings) -> AsyncIterator[Finding]:
    """Every finding about Slack; without a token that works only that one."""
    token = settings.slack.bot_token
    if token is None:
        yield failed("Slack: not checked, because SLACK_BOT_TOKEN is missing.")
        return
    async with open_session() as session:
        web = web_client(token=token.get_secret_value(), api_url=settings.slack.api_url, session=session)
        answer, finding = await _asked("auth.test", web.auth_test)
        if answer is None:
            yield finding
            return
        team = str(answer.get("team_id"))
        yield check_team(settings, team, str(answer.get("team") or team))
        yield check_scopes(getattr(answer, "headers", {}))
        if settings.slack.app_token is not None:
            yield await check_app_token(web, settings.slack.app_token)
        for channel, uses in _channels(settings).items():
            yield await check_channel(web, channel, uses)
        async for finding in check_people(web, settings, team):
            yield finding


def check_team(settings: Settings, team: str, name: str) -> Finding:
    """Is the token's workspace the one that is set?"""
    wanted = settings.slack.team_id
    if wanted is not None and wanted != team:
        return failed(f"Slack: the token is of workspace {team}, but CHATBOT_SLACK__TEAM_ID says {wanted}.")
    return ok(f"Slack: the bot token works in {name}.")


def check_scopes(headers: Any) -> Finding:
    """Was every scope granted? Slack names them in a header of each answer."""
    granted = next((value for key, value in dict(headers).items() if key.lower() == "x-oauth-scopes"), None)
    if not granted:
        return warning("Slack: it does not say which scopes were granted, so they were not checked.")
    missing = sorted(set(SCOPES) - {each.strip() for each in granted.split(",")})
    if missing:
        return failed(
            f"Slack: scopes are missing ({', '.join(missing)}); make the app anew from `chatbot manifest`."
        )
    return ok("Slack: all scopes are granted.")


async def check_app_token(web: AsyncWebClient, token: SecretStr) -> Finding:
    """Can a Socket Mode connection be opened? An address is asked for and not used."""
    answer, finding = await _asked(
        "apps.connections.open", partial(web.apps_connections_open, app_token=token.get_secret_value())
    )
    return finding if answer is None else ok("Slack: the app token opens connections.")


async def check_channel(web: AsyncWebClient, channel: str, uses: str) -> Finding:
    """Can the bot post there, and only to people of this workspace?"""
    answer, finding = await _asked(
        f"{uses} channel {channel}", partial(web.conversations_info, channel=channel)
    )
    if answer is None:
        return finding
    found = answer.get("channel") or {}
    shown = f"#{found.get('name') or channel}"
    if found.get("is_archived"):
        return failed(f"Slack: {shown} ({uses}) is archived; unarchive it or set another channel.")
    if not found.get("is_member"):
        return failed(f"Slack: the bot is not in {shown} ({uses}); type /invite there and name the bot.")
    if found.get("is_ext_shared") or found.get("is_pending_ext_shared"):
        return failed(f"Slack: {shown} ({uses}) is shared with another organisation; set one that is not.")
    return ok(f"Slack: the bot can post in {shown} ({uses}).")


async def check_people(web: AsyncWebClient, settings: Settings, team: str) -> AsyncIterator[Finding]:
    """Do the people in the roles exist, with accounts of their own in this workspace?"""
    roles = settings.roles
    good = set()
    for user in dict.fromkeys((*roles.admins, *roles.operators, *roles.viewers)):
        answer, finding = await _asked(f"person {user}", partial(web.users_info, user=user))
        if answer is None:
            yield finding
            continue
        flaw = flaw_of(answer.get("user") or {}, team)
        if flaw is not None:
            yield failed(
                f"Slack: the account {user} is {flaw} and will be refused; take it out of the roles."
            )
        else:
            good.add(user)
    admins = good & set(roles.admins)
    if not admins:
        yield failed("Slack: no admin can act; name somebody in CHATBOT_ROLES__ADMINS.")
    elif len(admins) == 1:
        yield warning("Slack: only one admin can act, and bringing the fleet back needs two.")
    else:
        yield ok(f"Slack: {len(good)} people in the roles, {len(admins)} admins.")


def _channels(settings: Settings) -> dict[str, str]:
    uses: dict[str, list[str]] = {}
    for use in ("ops", "alerts", "approvals"):
        channel = getattr(settings.channels, use)
        if channel is not None:
            uses.setdefault(channel, []).append(use)
    return {channel: " and ".join(names) for channel, names in uses.items()}


async def _asked(what: str, call: Callable[[], Awaitable[Any]]) -> tuple[Any, Finding]:
    """The answer, or ``None`` and why there is none."""
    try:
        return await call(), ok(f"Slack: {what} answered.")
    except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
        word = error_word(error)
    if not word.islower():
        return None, failed(
            f"Slack: {what} could not be asked ({word}); check the network and SLACK_API_URL."
        )
    advice = _ADVICE.get(word, "see what Slack's documentation says of this word")
    return None, failed(f"Slack: {what} was refused ({word}); {advice}.")
