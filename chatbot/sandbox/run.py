"""`chatbot sandbox`: a local Slack, a reference fleet and the real bot between them, in one command.

The bot runs as its own process exactly as in production; only its environment points at loopback. It is started
again when it ends, so that a crash can be tried out.
"""

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from chatbot.sandbox.fleet import Fleet, make_home
from chatbot.sandbox.slack import LocalSlack

BOT_TOKEN = "xoxb-sandbox"  # noqa: S105 - opens nothing but the local Slack
APP_TOKEN = "xapp-sandbox"  # noqa: S105 - likewise
SIGNING_SECRET = "sandbox-signing-secret"  # noqa: S105 - likewise
READY_SECONDS = 20.0


def environment(
    *,
    slack_api: str,
    coordinator: str,
    monitor: str,
    data: Path,
    http_port: int,
    http_mode: bool,
    fleet: Fleet | None = None,
) -> dict[str, str]:
    """The environment in which the unmodified bot talks to the sandbox and to nothing else.

    With a ``fleet`` that has a home it also looks at that home, and has the means of recovery on its host.
    """
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("CHATBOT_", "SLACK_"))
    }
    own = {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_API_URL": slack_api,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "CHATBOT_CONFIG": "",
        "CHATBOT_COORDINATOR__URL": coordinator,
        "CHATBOT_MONITOR__URL": monitor,
        "CHATBOT_DATABASE__URL": f"sqlite:///{data / 'chatbot.db'}",
        "CHATBOT_JOURNAL__PATH": str(data / "journal.jsonl"),
        "CHATBOT_ROLES__ADMINS": '["U0ADMIN1","U0ADMIN2","U0ADMIN3"]',
        "CHATBOT_ROLES__OPERATORS": '["U0OPER01"]',
        "CHATBOT_ROLES__VIEWERS": '["U0VIEW01"]',
        "CHATBOT_CHANNELS__OPS": "C0OPS",
        "CHATBOT_CHANNELS__ALERTS": "C0ALERTS",
        "CHATBOT_CHANNELS__APPROVALS": "C0APPROVE",
        "CHATBOT_HTTP__PORT": str(http_port),
        "CHATBOT_CONTACTS": '[{"role":"primary administrator","slack":"U0ADMIN1"},'
        '{"role":"secondary administrator","slack":"U0ADMIN2"},'
        '{"role":"exchange support","phone":"see your exchange account"}]',
        "NO_PROXY": "127.0.0.1,localhost",
    }
    if not http_mode:
        own["SLACK_APP_TOKEN"] = APP_TOKEN
    if fleet is not None and fleet.home is not None:
        own |= _recovery(fleet, fleet.home, data)
    return inherited | own


def _recovery(fleet: Fleet, home: Path, data: Path) -> dict[str, str]:
    lever = [sys.executable, "-m", "chatbot.sandbox.lever", fleet.control_url]
    actions = [
        {
            "name": "restart-coordinator",
            "argv": [*lever, "restart"],
            "summary": "The coordinator of the sandbox is restarted: it forgets the kill, and its bots stop.",
            "risk": "raise",
            "releases": True,
            "timeout_seconds": 20,
        },
        {
            "name": "clear-breaker",
            "argv": [*lever, "clear-breaker"],
            "summary": "The file that keeps the coordinator's circuit breaker open is removed; a restart reads it.",
            "risk": "raise",
            "timeout_seconds": 20,
        },
    ]
    return {
        "CHATBOT_RECOVERY__HOME": str(home),
        "CHATBOT_RECOVERY__EVIDENCE": str(data / "evidence"),
        "CHATBOT_RECOVERY__ENDPOINTS": json.dumps([{"name": "exchange", "url": fleet.exchange_url}]),
        "CHATBOT_RECOVERY__HOST_ACTIONS": json.dumps(actions),
    }


def run(*, port: int, http_mode: bool, serve_bot: bool) -> int:
    """Run the sandbox until interrupted; returns the exit code."""
    try:
        return asyncio.run(_run(port=port, http_mode=http_mode, serve_bot=serve_bot, say=click.echo))
    except KeyboardInterrupt:
        return 0


async def _run(*, port: int, http_mode: bool, serve_bot: bool, say: Callable[[str], None]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    data = Path(tempfile.mkdtemp(prefix="chatbot-sandbox-"))
    try:
        home = await asyncio.to_thread(make_home, data / "fleet")
        async with (
            Fleet.running(home=home) as fleet,
            LocalSlack.running(
                port=port,
                bot_token=BOT_TOKEN,
                app_token=APP_TOKEN,
                signing_secret=SIGNING_SECRET,
                mounts={"/sandbox/fleet": fleet.control},
            ) as slack,
        ):
            http_port = _free_port()
            env = environment(
                slack_api=slack.api_url,
                coordinator=fleet.coordinator_url,
                monitor=fleet.monitor_url,
                data=data,
                http_port=http_port,
                http_mode=http_mode,
                fleet=fleet,
            )
            env |= {"CHATBOT_LOG__LEVEL": "warning", "CHATBOT_LOG__FORMAT": "console"}
            if http_mode:
                slack.deliver_over_http(f"http://127.0.0.1:{http_port}/slack/events", SIGNING_SECRET)
            if not serve_bot:
                # All of them, also those that the shell has: a bot started here must not reach the real fleet.
                for key in sorted(key for key in env if key.startswith(("CHATBOT_", "SLACK_", "NO_PROXY"))):
                    say(f"export {key}={shlex.quote(env[key])}")
                say(f"Sandbox without a bot: {slack.page_url}")
                await stop.wait()
                return 0
            return await _with_bot(env, slack.page_url, f"http://127.0.0.1:{http_port}/readyz", stop, say)
    finally:
        shutil.rmtree(data, ignore_errors=True)


async def _with_bot(
    env: dict[str, str], page: str, ready: str, stop: asyncio.Event, say: Callable[[str], None]
) -> int:
    say("Starting the bot between a local Slack and a reference fleet: no accounts, no network ...")
    announced = False
    while not stop.is_set():
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chatbot", "serve", env=env, stdin=asyncio.subprocess.DEVNULL
        )
        try:
            if not announced and await _answers(ready, bot, stop):
                say(f"Ready. Open {page} , choose a person, and type /kill or /status. Ctrl+C ends it.")
                announced = True
            ended = asyncio.ensure_future(bot.wait())
            stopping = asyncio.ensure_future(stop.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        finally:
            if bot.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    bot.terminate()
            code = await bot.wait()
        if stop.is_set():
            return 0
        if not announced:
            say(f"The bot ended with code {code} before it was ready; its words are above.")
            return 1
        say(f"The bot ended with code {code}; starting it again ...")
        await asyncio.sleep(1)
    return 0


async def _answers(url: str, bot: asyncio.subprocess.Process, stop: asyncio.Event) -> bool:
    """Wait until the bot says that it is ready."""
    import httpx

    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        for _ in range(int(READY_SECONDS / 0.1)):
            if bot.returncode is not None or stop.is_set():
                return False
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return True
            await asyncio.sleep(0.1)
    return False


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
