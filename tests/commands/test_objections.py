"""Why something that raises risk may not be asked: every rule, row by row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from commands import find, release
from commands.calls import calls, release_word
from commands.cooldown import Breaker
from commands.coordinator.model import BotStatus, FleetStatus
from commands.coordinator.profile import COORDINATOR
from commands.spec import Request
from commands.standing import Facts, Standing, changes, digest, facts
from storage.actions import Action, State
from storage.latch import Latch
from storage.lockdown import Lockdown

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
BOTS = ("ndax", "quantum", "shadowforge")
LATCH = Latch(id=1, engaged_at=NOW, by="U1", reason="bad fills", action_id="kill-1", verified_at=NOW)
KILL = Action(
    id="kill-1",
    key="k",
    command="kill",
    reason="bad fills",
    requested_by="U1",
    source="slack",
    accepted_at=NOW,
    verified_at=NOW,
    state=State.VERIFIED,
)
CLOSED = Breaker(open=False, kills=1, limit=3)
OPEN = Breaker(open=True, kills=3, limit=3, closes_in=timedelta(hours=3))


def fleet(switch: bool | None, **words: str) -> FleetStatus:
    bots = dict.fromkeys(BOTS, "stopped") | words
    listed = {name: BotStatus(name=name, status=word) for name, word in bots.items() if word != "gone"}
    return FleetStatus(observed_at=NOW, kill_switch_active=switch, bots=listed)


def standing(found: FleetStatus | None = None, **known: object) -> Standing:
    """A killed fleet that may be released, unless told otherwise."""
    base = Standing(
        now=NOW,
        latch=LATCH,
        kill=KILL,
        kills=1,
        cooldown=timedelta(),
        breaker=CLOSED,
        lockdown=None,
        fleet=found or fleet(True),
        bots=BOTS,
    )
    return replace(base, **known)  # type: ignore[arg-type]  # a test names the fields it means


def free(found: FleetStatus, **known: object) -> Standing:
    """A fleet that is not killed."""
    return standing(found, latch=None, **known)


def why(line: str, stands: Standing) -> str:
    """The objection, "" when there is none."""
    name, _, text = line.partition(" ")
    command = find(name)
    assert command is not None
    assert command.raising is not None
    request = command.parse(text, BOTS)
    return command.raising.objection(request, stands) or ""


UNVERIFIED = replace(LATCH, verified_at=None)
BY_HAND = replace(KILL, state=State.CLOSED, close_reason="pulled the plug", verified_at=None)
RELEASE = ("override it is fixed", "force-override it is really fixed")


@pytest.mark.parametrize(
    ("stands", "override", "force"),
    [
        (standing(), "", ""),
        (standing(fleet(None)), "does not say", "does not say"),
        (free(fleet(False)), "is not killed", "is not killed"),
        (free(fleet(True)), "killed elsewhere", "killed elsewhere"),
        (
            standing(kill=replace(KILL, state=State.RUNNING, verified_at=None)),
            "not verified yet",
            "not verified yet",
        ),
        (standing(kill=replace(KILL, state=State.RUNNING)), "is still watched", "is still watched"),
        (standing(latch=UNVERIFIED), "never verified", "never verified"),
        (standing(latch=UNVERIFIED, kill=BY_HAND), "/force-override goes past", ""),
        (standing(fleet(True, quantum="running")), "yet moves (quantum running)", "yet moves"),
        (standing(fleet(True, other="starting")), "yet moves (other starting)", "yet moves"),
        (standing(fleet(False, quantum="running")), "", ""),  # released elsewhere: it may well trade already
        (
            standing(latch=replace(LATCH, reason=""), kill=replace(KILL, reason=" ")),
            "No cause",
            "No cause",
        ),
        (standing(latch=replace(LATCH, reason="")), "", ""),  # said afterwards, of the newest kill
        (standing(cooldown=timedelta(minutes=42)), "42 min left", ""),
        (standing(cooldown=timedelta(seconds=30)), "30 s left", ""),
        (standing(breaker=OPEN), "circuit breaker is open after 3 kills", ""),
    ],
)
def test_when_a_kill_may_be_released(stands: Standing, override: str, force: str) -> None:
    for line, wanted in zip(RELEASE, (override, force), strict=True):
        said = why(line, stands)
        assert wanted in said
        assert bool(wanted) == bool(said)
        assert not said or said.endswith("Nothing was asked or sent.")


@pytest.mark.parametrize(
    ("line", "stands", "wanted"),
    [
        ("start ndax", free(fleet(False)), ""),
        ("start ndax", free(fleet(False, ndax="error")), ""),
        ("start ndax", standing(), "release it first"),
        ("start ndax", free(fleet(True)), "says that the fleet is killed"),
        ("start ndax", free(fleet(None)), "does not say"),
        ("start ndax", free(fleet(False, ndax="running")), "ndax is running already"),
        ("start ndax", free(fleet(False, ndax="starting")), "ndax is starting already"),
        ("start ndax", free(fleet(False, ndax="paused")), "/resume ndax"),
        ("start ndax", free(fleet(False, ndax="gone")), "not known to be stopped (not listed)"),
        ("start ndax", free(fleet(False, ndax="zombie")), "not known to be stopped (zombie)"),
        ("resume ndax", free(fleet(False, ndax="paused")), ""),
        ("resume ndax", free(fleet(False)), "it is stopped: to start it, type /start ndax"),
        ("resume ndax", free(fleet(False, ndax="running")), "it is running"),
        ("resume ndax", standing(fleet(True, ndax="paused")), "release it first"),
        ("start-sequential", free(fleet(False)), ""),
        ("start-sequential", free(fleet(False, ndax="running")), ""),
        ("start-sequential", free(fleet(False, quantum="paused")), "/resume quantum"),
        ("start-sequential", free(fleet(False, quantum="recovery")), "quantum is recovery already"),
        (
            "start-sequential",
            free(fleet(False, ndax="running", quantum="running", shadowforge="running")),
            "runs already",
        ),
        ("start-sequential full", standing(), "release it first"),
        ("lockdown off", standing(), "no lockdown"),
        ("lockdown off", standing(lockdown=Lockdown(id=1, begun_at=NOW, by="U1", reason="")), ""),
    ],
)
def test_when_something_may_be_started(line: str, stands: Standing, wanted: str) -> None:
    said = why(line, stands)
    assert wanted in said
    assert bool(wanted) == bool(said)


def test_a_force_names_exactly_what_it_goes_past() -> None:
    assert release.bypassed(standing()) == ()
    past = release.bypassed(
        standing(cooldown=timedelta(minutes=42), breaker=OPEN, latch=UNVERIFIED, kill=BY_HAND)
    )
    assert [each.split(",")[0].split(":")[0] for each in past] == [
        "the cooldown",
        "the circuit breaker",
        "the verification",
    ]


def test_a_back_end_without_a_forced_release_is_sent_a_plain_one() -> None:
    direct = replace(
        COORDINATOR, name="direct", kill_actions=frozenset({"activate", "deactivate", "override"})
    )
    assert release_word("force-override", COORDINATOR) == "force_override"
    assert release_word("force-override", direct) == "override"
    assert release_word("override", COORDINATOR) == "override"
    (sent,) = calls(
        action_id="force-override-1",
        command="force-override",
        bot=None,
        option="",
        reason="r",
        bots=(),
        profile=direct,
    )
    assert sent.body["action"] == "override"


BEFORE = Facts(latch=1, kills=2, breaker_open=False, lockdown=None, switch="active", bots={"ndax": "stopped"})


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (BEFORE, ()),
        (replace(BEFORE, kills=3), ("the fleet was killed again",)),
        (replace(BEFORE, latch=None), ("the kill was released",)),
        (replace(BEFORE, latch=2), ("another kill stands now",)),
        (replace(BEFORE, breaker_open=True), ("the circuit breaker opened",)),
        (replace(BEFORE, lockdown=7, lockdowns=1), ("a lockdown began",)),
        (replace(BEFORE, lockdowns=2), ("the lockdown was asked for again",)),
        (replace(BEFORE, stops=1), ("a bot that it concerns was told to stop or pause",)),
        (replace(BEFORE, switch="unknown"), ("the kill switch went from active to unknown",)),
        (replace(BEFORE, bots={"ndax": "error"}), ("ndax went from stopped to error",)),
    ],
)
def test_whatever_changes_is_another_digest_and_has_words(after: Facts, words: tuple[str, ...]) -> None:
    def bound(found: Facts, **known: object) -> str:
        said: dict[str, object] = {"command": "start", "bot": "ndax", "option": "safe", "reason": "r"}
        said |= {"requested_by": "U1", "sends": ("POST /start",)} | known
        return digest(facts=found, **said)  # type: ignore[arg-type]  # a test names the fields it means

    assert changes(BEFORE, after) == words
    assert (bound(BEFORE) == bound(after)) is not bool(words)
    for change in (
        {"command": "resume"},
        {"bot": None},
        {"option": "full"},
        {"reason": "s"},
        {"requested_by": "U2"},
        {"sends": ("POST /stop",)},
    ):
        assert bound(BEFORE) != bound(BEFORE, **change)
    assert Facts.from_json(after.as_json()) == after


def test_a_request_is_bound_to_the_bots_it_concerns() -> None:
    command = find("start")
    assert command is not None
    assert command.raising is not None
    stands = free(fleet(False))
    for bot, concerned in (("ndax", 1), ("quantum", 2), ("shadowforge", 3)):
        names = command.raising.concerns(Request(command="start", bot=bot, option="safe"), stands)
        assert names == BOTS[:concerned]
        assert set(facts(stands, names).bots) == set(BOTS[:concerned])
    assert facts(stands, None) == Facts(latch=None, kills=1, breaker_open=False, lockdown=None)
