"""The composition root: every part is built here, once, and handed to who needs it."""

import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.admission import Admission
from chatbot.alerting.parts import Alerting, build
from chatbot.answers import Answers
from chatbot.approvals.asking import Asking
from chatbot.approvals.ballots import Ballots
from chatbot.approvals.tending import Tending
from chatbot.approvals.voting import Voting
from chatbot.buttons import Buttons
from chatbot.channels import Channels
from chatbot.desk import Desk, Messenger, NoMessenger
from chatbot.dispatch import Dispatcher
from chatbot.executor import Executor
from chatbot.guard import Guard
from chatbot.identity import People
from chatbot.intake import Intake
from chatbot.metrics import Metrics
from chatbot.monitoring.parts import Monitoring
from chatbot.monitoring.parts import build as build_monitoring
from chatbot.posting import Poster, web_client
from chatbot.recorder import Recorder
from chatbot.recovering.parts import Recovering
from chatbot.recovering.parts import build as build_recovering
from chatbot.replies import Replies
from chatbot.roster import Roster
from chatbot.sender import Sender
from chatbot.slack import Door, SlackApp
from chatbot.sockets import Sockets
from chatbot.totp import Codes
from chatbot.walking.loading import load_runbooks, places_of
from chatbot.walking.parts import Walking
from chatbot.walking.parts import build as build_walking
from chatbot.watch import Watch
from commands.coordinator.client import Coordinator
from commands.coordinator.monitor import Monitor
from commands.probes.model import Places
from config.loading import SettingsError, load
from config.runbooks import Runbook
from config.settings import Roles, Settings
from storage.database import Database
from storage.journal import Journal

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What both the serving bot and a terminal command stand on."""

    database: Database
    journal: Journal
    coordinator: Coordinator
    monitor: Monitor | None
    metrics: Metrics
    recorder: Recorder
    desk: Desk
    executor: Executor
    intake: Intake
    answers: Answers

    async def close(self) -> None:
        """Close every connection."""
        await self.coordinator.close()
        if self.monitor is not None:
            await self.monitor.close()
        await self.database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """What it takes for two people to start something."""

    people: People
    channels: Channels
    codes: Codes
    asking: Asking
    voting: Voting


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The serving bot: one of ``sockets`` and ``guard`` is there, by the mode."""

    core: Core
    web: AsyncWebClient
    people: People
    sender: Sender
    tending: Tending
    watch: Watch
    alerting: Alerting
    monitoring: Monitoring
    recovering: Recovering
    walking: Walking
    door: Door
    sockets: Sockets | None
    guard: Guard | None


def for_terminal(settings: Settings) -> Core:
    """The parts of a terminal command: the same stop, without Slack."""
    return _core(
        settings, owner=_owner("terminal"), database=Database(settings.database.url), sender=NoMessenger()
    )


def for_two_at_a_terminal(settings: Settings, session: aiohttp.ClientSession) -> tuple[Core, Second]:
    """The parts of a terminal command that takes two people; Slack is asked who they are, if it answers."""
    core = _core(
        settings,
        owner=_owner("terminal"),
        database=Database(settings.database.url),
        sender=NoMessenger(),
        places=places_of(settings.recovery),
    )
    return core, _second(settings, core, _web(settings, session))


def for_serving(settings: Settings, session: aiohttp.ClientSession, *, now: Now = utc_now) -> Parts:
    """The parts of the serving bot; nothing runs yet. ``now`` is the wall clock that all of them go by."""
    owner = _owner("serve")
    web = _web(settings, session)
    poster = Poster(web=web, session=session)
    database = Database(settings.database.url)
    metrics = Metrics()
    sender = Sender(
        database=database, poster=poster, metrics=metrics, owner=owner, now=now, clock=time.monotonic
    )
    core = _core(
        settings,
        owner=owner,
        database=database,
        sender=sender,
        metrics=metrics,
        now=now,
        # a stop from a terminal needs neither, and goes on whatever is wrong with them
        places=places_of(settings.recovery),
        runbooks=load_runbooks(settings.recovery, settings.coordinator.bots),
    )
    desk = core.desk
    second = _second(settings, core, web)
    people, channels = second.people, second.channels
    door = Door()
    replies = Replies(desk=desk, poster=poster)
    admission = Admission(settings=settings, desk=desk, people=people, door=door, replies=replies)
    alerting = build(
        settings,
        desk=desk,
        monitor=core.monitor,
        channels=channels,
        people=people,
        admission=admission,
        intake=core.intake,
        poster=poster,
        replies=replies,
        owner=owner,
    )
    sender.delivery = alerting.delivery
    monitoring = build_monitoring(
        desk=desk,
        lead=alerting.lead,
        intake=core.intake,
        asking=second.asking,
        admission=admission,
        poster=poster,
        replies=replies,
    )
    recovering = build_recovering(
        desk=desk, people=people, admission=admission, poster=poster, replies=replies
    )
    walking = build_walking(
        desk=desk,
        monitor=core.monitor,
        alerts=settings.alerts,
        lead=alerting.lead,
        people=people,
        admission=admission,
        intake=core.intake,
        poster=poster,
        replies=replies,
    )
    tending = Tending(desk=desk, executor=core.executor, fleet_age=settings.coordinator.poll_seconds)
    answers = Answers(
        desk=desk,
        monitor=core.monitor,
        policy=settings.policy,
        root_command=settings.slack.root_command,
        roster=Roster(desk=desk, people=people, poster=poster),
    )
    ballots = Ballots(
        desk=desk,
        people=people,
        admission=admission,
        voting=second.voting,
        channels=channels,
        poster=poster,
        replies=replies,
    )
    buttons = Buttons(
        desk=desk,
        people=people,
        admission=admission,
        intake=core.intake,
        answers=answers,
        ballots=ballots,
        pressing=alerting.pressing,
        windows=monitoring.pressing,
        recoveries=recovering.pressing,
        walks=walking.pressing,
        poster=poster,
        replies=replies,
    )
    dispatcher = Dispatcher(
        root_command=settings.slack.root_command,
        desk=desk,
        people=people,
        admission=admission,
        intake=core.intake,
        asking=second.asking,
        tending=tending,
        channels=channels,
        answers=answers,
        alerting=alerting.answering,
        windows=monitoring.answering,
        recoveries=recovering.answering,
        walks=walking.answering,
        diagnosis=walking.diagnosis,
        walk_pressing=walking.pressing,
        buttons=buttons,
        replies=replies,
    )
    token = settings.slack.bot_token.get_secret_value() if settings.slack.bot_token else ""
    slack = SlackApp(client=web, token=token, door=door, handle=dispatcher.handle)
    sockets, guard = _doors(settings, slack, web, metrics)
    return Parts(
        core=core,
        web=web,
        people=people,
        sender=sender,
        tending=tending,
        watch=Watch(
            desk=desk,
            poll_seconds=settings.coordinator.poll_seconds,
            reassert=core.intake.reassert,
            adopt=core.intake.adopt,
            leads=lambda: alerting.lead.leads,
            eyes=(alerting.fleet, monitoring.windows, walking.sightings),
        ),
        alerting=alerting,
        monitoring=monitoring,
        recovering=recovering,
        walking=walking,
        door=door,
        sockets=sockets,
        guard=guard,
    )


def _doors(
    settings: Settings, slack: SlackApp, web: AsyncWebClient, metrics: Metrics
) -> tuple[Sockets | None, Guard | None]:
    """The way in, by the mode."""
    app_token, secret = settings.slack.app_token, settings.slack.signing_secret
    if app_token is not None:
        return Sockets(
            app_token=app_token.get_secret_value(),
            web=web,
            deliver=slack.deliver,
            count=settings.slack.connections,
            changed=metrics.sockets,
        ), None
    if secret is not None:
        return None, Guard(
            signing_secret=secret.get_secret_value(), deliver=slack.deliver, refused=metrics.refused
        )
    return None, None


def _web(settings: Settings, session: aiohttp.ClientSession) -> AsyncWebClient:
    token = settings.slack.bot_token.get_secret_value() if settings.slack.bot_token else ""
    return web_client(token=token, api_url=settings.slack.api_url, session=session)


def _second(settings: Settings, core: Core, web: AsyncWebClient) -> Second:
    key = settings.totp.key.get_secret_value() if settings.totp.key is not None else None
    codes = Codes(database=core.database, key=key, now=core.desk.now)
    channels = Channels(web=web)
    people = People(roles=settings.roles, web=web)
    return Second(
        people=people,
        channels=channels,
        codes=codes,
        asking=Asking(desk=core.desk, monitor=core.monitor, channels=channels),
        voting=Voting(
            desk=core.desk,
            executor=core.executor,
            codes=codes,
            roles_now=_roles_now,
            flaw=lambda person: people.flaw(person)[0],
        ),
    )


def _roles_now() -> Roles | None:
    """The roles as the configuration names them at this moment, ``None`` when it cannot be read."""
    try:
        return load(os.environ).roles
    except SettingsError:
        return None


def _core(
    settings: Settings,
    *,
    owner: str,
    database: Database,
    sender: Messenger,
    metrics: Metrics | None = None,
    now: Now = utc_now,
    places: Places | None = None,
    runbooks: tuple[Runbook, ...] = (),
) -> Core:
    metrics = metrics or Metrics()
    journal = Journal(Path(settings.journal.path))
    recorder = Recorder(
        database=database, journal=journal, limit=settings.kill.storage_timeout_ms / 1000, now=now
    )
    token, monitor_token = settings.coordinator.token, settings.monitor.token
    coordinator = Coordinator(
        url=settings.coordinator.url,
        token=token.get_secret_value() if token else None,
        connect_timeout=settings.coordinator.connect_timeout,
        read_timeout=settings.coordinator.read_timeout,
        on_call=metrics.coordinator_call,
        now=now,
    )
    monitor = None
    if settings.monitor.url is not None:
        monitor = Monitor(
            url=settings.monitor.url,
            token=monitor_token.get_secret_value() if monitor_token else None,
            on_call=metrics.coordinator_call,
            now=now,
        )
    desk = Desk(
        coordinator=coordinator,
        recorder=recorder,
        database=database,
        sender=sender,
        metrics=metrics,
        now=now,
        clock=time.monotonic,
        bots=settings.coordinator.bots,
        ops=settings.channels.ops or "",
        coordinator_url=settings.coordinator.url,
        contacts=settings.contacts,
        warn_seconds=settings.kill.warn_seconds,
        watch_seconds=settings.kill.watch_seconds,
        policy=settings.policy,
        approvals=settings.channels.approvals or settings.channels.ops or "",
        admins=settings.roles.admins,
        root=settings.slack.root_command,
        windows=settings.windows,
        poll_seconds=settings.coordinator.poll_seconds,
        recovery=settings.recovery,
        places=places,
        runbooks=runbooks,
    )
    executor = Executor(desk=desk, database=database, owner=owner, now=now)
    intake = Intake(desk=desk, executor=executor)
    recorder.imported = intake.redraw
    return Core(
        database=database,
        journal=journal,
        coordinator=coordinator,
        monitor=monitor,
        metrics=metrics,
        recorder=recorder,
        desk=desk,
        executor=executor,
        intake=intake,
        answers=Answers(
            desk=desk, monitor=monitor, policy=settings.policy, root_command=settings.slack.root_command
        ),
    )


def _owner(kind: str) -> str:
    """The name under which this process claims actions and messages."""
    return f"{kind}:{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
