"""The recovery handbook as short steps for the phone: which scenario an alert is, and what to do first."""

import re
from dataclasses import dataclass, replace

from commands.alerting.model import Kind

BOT = "<bot>"
"""Stands in a step for the bot that is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One section of the handbook; ``anchor`` is that of its heading, ``number`` 0 the general process."""

    number: int
    title: str
    anchor: str
    steps: tuple[str, ...]


GENERAL = Scenario(
    number=0,
    title="General Recovery Process",
    anchor="general-recovery-process",
    steps=(
        "Look first: /status for the fleet, /alerts for what else is open.",
        "In doubt type /kill; it takes one person, and its card says when every bot was seen stopped.",
        "Look for the cause: the logs, what was changed lately, memory and disk of the machine.",
        "Mend the cause, and have somebody else look at the repair.",
        "Release with /override and that cause; a second admin agrees.",
        "Bring back the first bot alone with /start <bot>, which is safe mode, and watch it for 30 minutes.",
        "Bring back the others one at a time, each watched as long; then write down what happened.",
    ),
)

SCENARIOS = (
    Scenario(
        number=1,
        title="Bot Crashes Repeatedly",
        anchor="scenario-1-bot-crashes-repeatedly",
        steps=(
            "Type /stop <bot>, so that it does not come up and fall again; if others suffer, /kill.",
            "Read its latest errors with /status <bot>, and what came with them with /alerts.",
            "Name the cause before anything else: too little memory, a fault in the code, refused credentials.",
            "Mend that cause; after a bad release go back to the last good one.",
            "Ask for /start <bot> in safe mode, with no other change, and watch it for 60 minutes.",
            "If it falls again, /stop <bot> and go back to its errors: a third try proves nothing new.",
        ),
    ),
    Scenario(
        number=2,
        title="API Connection Failures",
        anchor="scenario-2-api-connection-failures",
        steps=(
            "Type /status to see who is out of reach: the exchange, one bot, or the coordinator itself.",
            "Stop a bot that may trade blindly with /stop <bot>; if you cannot tell which, type /kill.",
            "On the fleet's machine check the network, the names, the firewall; then the exchange's status page.",
            "At the exchange check that the API key is valid and not blocked; a key never goes into the chat.",
            "If the exchange is slow but there, raise timeout and threshold in config/api-endpoints.json.",
            "Once /alerts stays quiet, ask for /start <bot> in safe mode; for several, /start-sequential.",
        ),
    ),
    Scenario(
        number=3,
        title="Configuration Corruption",
        anchor="scenario-3-configuration-corruption",
        steps=(
            "Type /stop <bot> for the one that does not come up, /kill if the limits themselves are in doubt.",
            "Copy the files under config/ aside as they are, before anybody mends one.",
            "Find the file that is no valid JSON, and when it was last changed.",
            "Put its last good version back, and compare the limits in it with those you expect.",
            "Before the coordinator starts anew type /kill, and look with /status after: it forgets kills.",
            "Release with /override and the cause, then ask for /start <bot> in safe mode and watch it.",
        ),
    ),
    Scenario(
        number=4,
        title="Kill Switch Won't Deactivate",
        anchor="scenario-4-kill-switch-wont-deactivate",
        steps=(
            "If anything trades that should not, type /kill again; stopping needs no permission.",
            "Type /status: is a kill still being verified, how long is the cooldown, is the breaker open?",
            "Read in /alerts and on the cards why the fleet was killed, each time; several kills have a cause.",
            "When the cause is mended and the cooldown over, ask with /override and the cause.",
            "If only the rules stand in the way, ask with /force-override and a full sentence; another admin decides.",
            "Look with /status that the switch is inactive, then ask for /start <bot>, one bot, in safe mode.",
        ),
    ),
    Scenario(
        number=5,
        title="Data Loss/Corruption",
        anchor="scenario-5-data-losscorruption",
        steps=(
            "Type /kill: no bot may trade on numbers that are wrong.",
            "Type /lockdown on, so that nobody starts one meanwhile.",
            "Keep what is there: copy logs, configuration and state aside before anything is put back.",
            "Unpack the newest backup into an empty folder and compare it with what runs; overwrite nothing yet.",
            "Compare positions and balances with the exchange, bot by bot: the exchange is right.",
            "Put the records right, with a second person reading along.",
            "End the lockdown, /override with the cause, then /start <bot> in safe mode, first bot first.",
        ),
    ),
    Scenario(
        number=6,
        title="Security Breach",
        anchor="scenario-6-security-breach",
        steps=(
            "Type /kill with the words security breach.",
            "Type /lockdown on: nothing is started until others agree.",
            "At the exchange revoke every API key, change the password, check the second factor.",
            "Take the evidence while all still answers: /status, /alerts, copies of logs and of the code's history.",
            "Only then take the machine off the network, and leave it as it is for those who investigate.",
            "Find out what was changed and who came in; assume that every secret on the machine is known.",
            "With new keys on a clean machine: end the lockdown, /override, then /start <bot> in safe mode.",
        ),
    ),
    Scenario(
        number=7,
        title="System Resource Exhaustion",
        anchor="scenario-7-system-resource-exhaustion",
        steps=(
            "Type /status: a bot that answers late trades late, so /stop <bot>, or /kill if all do.",
            "On the machine see what is short: memory, processor, disk or open files, and who takes it.",
            "Make room by moving old logs to other storage, all of them: they are evidence.",
            "End a process only by its own service, and only one you know.",
            "Take smaller batches, poll less often, or give the machine more.",
            "If the coordinator must start anew, type /kill before and look with /status after: it forgets kills.",
            "Release with /override and the cause, then ask for /start <bot> in safe mode.",
        ),
    ),
)

_BY_KIND: dict[str, int] = {
    Kind.BOT_LEFT_RUNNING: 1,
    Kind.BOT_ERROR: 1,
    Kind.BOT_RECOVERY: 1,
    Kind.ERRORS_RISING: 1,
    Kind.HEALTH_LOW: 1,
    Kind.COORDINATOR_UNREACHABLE: 2,
    Kind.MONITOR_UNREACHABLE: 2,
    Kind.BREAKER_OPEN: 4,
    Kind.LATCH_MISMATCH: 4,
    Kind.KILL: 4,
    # their words quote whoever did not answer, which is not what they are about
    Kind.STOP_NOT_VERIFIED: 0,
    Kind.WINDOW_UNSTABLE: 1,
    Kind.CHANNEL_BROKEN: 0,
}
_BY_WORDS = tuple(
    (re.compile(words, re.IGNORECASE), number)
    for words, number in (
        (r"suspicious|breach|intrusion", 6),  # first: nothing else is as urgent
        (r"memory|\bcpu|\bdisk|\boom|no space left", 7),
        (r"time-?out|timed out|connect|\bapis?\b|\bdns\b", 2),
        (r"config|json|\bpars(e|ing)", 3),
        (r"unauthori[sz]", 6),  # behind the connections: "API: 401 Unauthorized" is a key that ran out
        (r"\bbalances?\b|\bpositions?\b|data loss|corrupt", 5),
        (r"crash|\bexit(ed|s)\b|traceback", 1),
    )
)
_JOINTS = re.compile(r"_+|(?<=[a-z0-9])(?=[A-Z])")


def scenario_for(kind: str, message: str, bot: str | None) -> Scenario:
    """What the handbook says to such an alert, its steps with the name of the bot where there is one."""
    scenario = _scenario(kind, message)
    if bot is None:
        return scenario
    return replace(scenario, steps=tuple(step.replace(BOT, bot) for step in scenario.steps))


def _scenario(kind: str, message: str) -> Scenario:
    number = _BY_KIND.get(kind)
    if number is None:
        text = _JOINTS.sub(" ", f"{message} {kind}")  # other programs say it in the name: HostOutOfMemory
        number = next((each for words, each in _BY_WORDS if words.search(text)), 0)
    return SCENARIOS[number - 1] if number else GENERAL
