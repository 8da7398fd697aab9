"""Which runbook is proposed: enough points, the most first, and the general process for want of any."""

import json
from datetime import UTC, datetime

import pytest

from commands import COMMANDS
from commands.probes.model import Evidence
from commands.probes.signs import PROBES, SIGNS
from commands.walking.proposing import ENOUGH, Proposal, propose
from config.runbooks import GENERAL, PHASES, Known, Runbook, Step, Symptom, load

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
STEPS = tuple(Step(id=phase, phase=phase, title=phase, text="Do it.") for phase in PHASES)
OURS = load(None, Known(signs=SIGNS, probes=PROBES, commands={each.name for each in COMMANDS}))


def a_runbook(name: str, number: int, **weights: int) -> Runbook:
    """A runbook with these symptoms: "bot_error=3" is the sign bot.error with the weight 3."""
    symptoms = tuple(
        Symptom(sign=sign.replace("_", ".", 1).replace("_", "-"), weight=weight, why=f"{sign} speaks for it")
        for sign, weight in weights.items()
    )
    return Runbook(id=name, number=number, title=name.title(), summary="It.", symptoms=symptoms, steps=STEPS)


GENERAL_ONE = a_runbook(GENERAL, 0)
CRASH = a_runbook("crash", 1, bot_error=3, errors_crash=2, logs_tracebacks=1)
MEMORY = a_runbook("memory", 2, host_memory_short=4, bot_error=1)
BOOKS = (GENERAL_ONE, CRASH, MEMORY)


def seen(**signs: bool) -> dict[str, Evidence]:
    names = {sign.replace("_", ".", 1).replace("_", "-"): there for sign, there in signs.items()}
    return {
        name: Evidence(
            sign=name, seen=there, probe="fleet", at=NOW, text=f"{name} it is", source="GET /status"
        )
        for name, there in names.items()
    }


def test_what_speaks_loudest_comes_first_with_its_reasons_in_order() -> None:
    found = propose(
        BOOKS, seen(errors_crash=True, bot_error=True, host_memory_short=True, logs_tracebacks=False)
    )
    assert [(each.scenario, each.points, each.unknown) for each in found] == [
        ("crash", 5, 0),
        ("memory", 5, 0),
    ]
    found = propose(BOOKS, seen(bot_error=True, host_memory_short=True))
    assert [(each.scenario, each.points) for each in found] == [("memory", 5)]
    (reason, other) = found[0].reasons
    assert (reason.why, reason.seen, reason.source, reason.weight) == (
        "host_memory_short speaks for it",
        "host.memory-short it is",
        "GET /status",
        4,
    )
    assert other.weight == 1


@pytest.mark.parametrize("books", [BOOKS, (GENERAL_ONE, MEMORY, CRASH)], ids=["crash first", "memory first"])
def test_of_equal_ones_the_order_of_the_runbooks_decides(books: tuple[Runbook, ...]) -> None:
    found = propose(books, seen(errors_crash=True, bot_error=True, host_memory_short=True))
    assert [each.points for each in found] == [5, 5]
    assert [each.scenario for each in found] == [each.id for each in books[1:]]


def test_more_points_stand_before_the_order_of_the_runbooks() -> None:
    books = (GENERAL_ONE, a_runbook("weak", 1, bot_error=4), a_runbook("strong", 2, bot_error=9))
    assert [each.scenario for each in propose(books, seen(bot_error=True))] == ["strong", "weak"]


@pytest.mark.parametrize(("points", "proposed"), [(ENOUGH - 1, GENERAL), (ENOUGH, "one")])
def test_too_few_points_propose_the_general_process_alone(points: int, proposed: str) -> None:
    books = (GENERAL_ONE, a_runbook("one", 1, bot_error=points))
    (found,) = propose(books, seen(bot_error=True))
    assert found.scenario == proposed
    assert found.title == proposed.title()
    assert found.points == (points if proposed == "one" else 0)


def test_what_was_looked_for_and_not_seen_speaks_for_nothing() -> None:
    (found,) = propose(BOOKS, seen(bot_error=False, host_memory_short=False))
    assert (found.scenario, found.points, found.reasons) == (GENERAL, 0, ())


def test_what_could_not_be_looked_for_is_counted() -> None:
    (crash,) = propose(BOOKS, seen(bot_error=True, errors_crash=True))
    assert (crash.scenario, crash.unknown) == ("crash", 1)
    (general,) = propose(BOOKS, {})
    assert (general.scenario, general.unknown) == (GENERAL, 5)
    (general,) = propose(BOOKS, seen(bot_error=False))
    assert general.unknown == 3


def test_a_proposal_is_kept_as_json_and_comes_back() -> None:
    for each in (*propose(BOOKS, seen(bot_error=True, errors_crash=True)), *propose(BOOKS, {})):
        assert Proposal.from_json(json.loads(json.dumps(each.as_json()))) == each


@pytest.mark.parametrize("runbook", [each for each in OURS if each.id != GENERAL], ids=lambda each: each.id)
def test_each_of_ours_is_proposed_first_where_all_its_symptoms_are_seen(runbook: Runbook) -> None:
    evidence = {
        each.sign: Evidence(sign=each.sign, seen=True, probe="fleet", at=NOW, text="it is so", source="it")
        for each in runbook.symptoms
    }
    first = propose(OURS, evidence)[0]
    assert first.scenario == runbook.id
    assert first.points == sum(each.weight for each in runbook.symptoms)
