"""Who may do what, cell by cell: role x command x channel x team x kind of account, in both modes.

What is expected stands here as a rule of its own, in the words of the README, not taken from the program.
"""

import asyncio
import itertools
import json
from collections import Counter
from pathlib import Path

import pytest

from chatbot.sandbox.slack.model import OTHER_TEAM, TEAM, Person
from commands import COMMANDS
from tests.conversation import conversation

ROLES = ("admin", "operator", "viewer", "none")
KINDS = ("member", "deleted", "guest", "single", "bot", "stranger", "unknown")
TEAMS = (TEAM, OTHER_TEAM)
CHANNELS = ("allowed", "other", "shared", "direct")
LINES = {  # what is typed -> the least role, and whether it is a stop
    "/kill now": ("operator", True),
    "/stop ndax": ("operator", True),
    "/pause ndax": ("operator", True),
    "/lockdown on now": ("operator", True),
    "/lockdown off again": ("admin", False),
    "/override it is fixed": ("admin", False),
    "/force-override it is really fixed": ("admin", False),
    "/start ndax": ("admin", False),
    "/start-sequential": ("admin", False),
    "/resume ndax": ("admin", False),
    "/fleet status": ("viewer", False),
    "/alerts all": ("viewer", False),
    '/silence "slippage" 1h known': ("operator", False),
    "/silences": ("viewer", False),
    "/oncall": ("viewer", False),
    "/monitor ndax 5m": ("operator", False),
    "/windows": ("viewer", False),
    "/diagnose ndax": ("viewer", False),
    "/logs ndax error": ("operator", False),
    "/recover": ("viewer", False),
    "/config check": ("operator", False),
    "/evidence": ("operator", False),
    "/host": ("operator", False),
    "/recoveries": ("viewer", False),
    "/approvals": ("viewer", False),
    "/fleet who": ("viewer", False),
    "/contacts": ("viewer", False),
    "/help": ("viewer", False),
}
FLAWS = {
    "deleted": "your account is deactivated",
    "guest": "your account is a guest account",
    "single": "your account is a guest account",
    "bot": "your account is a bot",
    "stranger": "your account is from another organisation",
    "unknown": "your account is unknown to this workspace",
}
REFUSALS = (
    "belongs to another workspace",
    "You have no role",
    "This needs the role",
    "your account is",
    "This channel is not one",
)
AT_ONCE = 24


def wanted(role: str, line: str, channel: str, team: str, kind: str) -> str:
    """The refusal that this cell must get, "" where the command is let in."""
    needs, stop = LINES[line]
    if team != TEAM:
        return "belongs to another workspace"
    if role == "none":
        return "You have no role"
    order = ("viewer", "operator", "admin")
    # The word behind /lockdown decides what it takes; before it is read, it takes what the lesser one takes.
    first = "operator" if line.startswith("/lockdown") else needs
    if order.index(role) < order.index(first):
        return "This needs the role"
    if kind in FLAWS:
        return FLAWS[kind]
    if order.index(role) < order.index(needs):
        return "This needs the role"
    if channel != "allowed" and not stop:
        return "This channel is not one"
    return ""


def person(role: str, kind: str) -> str:
    return f"U{role}{kind}".upper()


def people() -> list[Person]:
    """One account of each kind for each role; the unknown ones are unknown."""
    return [
        Person(
            id=person(role, kind),
            name=f"{role}-{kind}",
            team=OTHER_TEAM if kind == "stranger" else TEAM,
            deleted=kind == "deleted",
            is_bot=kind == "bot",
            is_restricted=kind in {"guest", "single"},
            is_ultra_restricted=kind == "single",
        )
        for role, kind in itertools.product(ROLES, KINDS)
    ]


def test_the_matrix_holds_every_command() -> None:
    names = {line.removeprefix("/fleet ").removeprefix("/").split()[0] for line in LINES}
    assert names == {command.name for command in COMMANDS}


@pytest.mark.parametrize("http_mode", [False, True], ids=["socket", "http"])
async def test_every_cell(tmp_path: Path, http_mode: bool) -> None:
    named = {
        f"CHATBOT_ROLES__{role.upper()}S": json.dumps([person(role, kind) for kind in KINDS])
        for role in ("admin", "operator", "viewer")
    }
    settings = {"CHATBOT_CHANNELS__ALLOWED": '["C0OPS"]', "CHATBOT_COORDINATOR__POLL_SECONDS": "600"}
    async with conversation(tmp_path, http_mode=http_mode, start=False, **named, **settings) as talk:
        for each in people():
            if not each.id.endswith("UNKNOWN"):
                talk.slack.workspace.people[each.id] = each
        places = {"allowed": "C0OPS", "other": "C0RANDOM", "shared": "C0SHARED", "direct": "D0MATRIX"}
        await talk.bot.start()
        stranger = Person(id="U0TYPIST", name="typist")
        talk.slack.workspace.people[stranger.id] = stranger
        seen: Counter[str] = Counter()
        wrong: list[str] = []

        async def cell(role: str, line: str, channel: str, team: str, kind: str) -> None:
            name, _, text = line.partition(" ")
            said = await talk.slack.command(
                "typist",
                "C0OPS",
                name,
                text,
                user_id=person(role, kind),
                team_id=team,
                channel_id=places[channel],
            )
            answer = json.dumps(said.ack) if said.error is None else f"error {said.error}"
            found = [each for each in REFUSALS if each in answer]
            expected = wanted(role, line, channel, team, kind)
            fits = (expected in answer and found) if expected else not found and said.error is None
            seen[expected or "let in"] += 1
            if not fits or (expected and "nothing was done" not in answer.lower()):
                wrong.append(
                    f"{role} {line} {channel} {team} {kind}: wanted {expected!r}, got {answer[:200]}"
                )

        cells = list(itertools.product(ROLES, LINES, CHANNELS, TEAMS, KINDS))
        for start in range(0, len(cells), AT_ONCE):
            await asyncio.gather(*(cell(*each) for each in cells[start : start + AT_ONCE]))
        assert wrong[:10] == []
        assert sum(seen.values()) == len(cells) == 4 * len(LINES) * 4 * 2 * 7
        # reads here, what is not for everybody who may look here, stops everywhere, what raises risk here
        assert seen["let in"] == 3 * 12 + 2 * 6 + 2 * 4 * 4 + 6
        # Whoever was refused has left a row in the audit and nothing else.
        refused = len(cells) - seen["let in"]
        await talk.slack.wait_for(
            lambda: talk.rows("select count(*) from audit where event = 'refused'") == [(refused,)], 20
        )
        actors = {actor for actor, event, _ in talk.events() if event.endswith((" accepted", " asked"))}
        assert actors <= {person("admin", "member"), person("operator", "member")}
