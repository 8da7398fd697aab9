"""The forms of a recovery, word by word, and Slack's rules for them."""

import re
from dataclasses import replace
from typing import Any

import pytest
from walk_cards import CHOSEN, MEND, RUNBOOKS, START, WALK

from chatbot.views import walk_forms as forms
from chatbot.views.blocks import View
from tests.blockkit import view_violations
from tests.hostile import NASTY

TITLES = {name: each.title for name, each in RUNBOOKS.items()}


def told(form: View) -> tuple[str, ...]:
    """Title, explanation, what is asked, and the button that sends it."""
    asked = [each["label"]["text"] for each in form["blocks"][1:]]
    return (form["title"]["text"], form["blocks"][0]["text"]["text"], *asked, form["submit"]["text"])


def inputs(form: View) -> dict[str, Any]:
    return {each["block_id"]: each["element"] for each in form["blocks"][1:]}


FORMS = {
    "done": (
        forms.done_form(WALK, MEND),
        ("walk.done", "3:105"),
        (
            "Done: step 5",
            (
                "*Mend that one thing* of recovery #3. It is kept as *asserted by* you, for all to read. Only a look "
                "makes it verified."
            ),
            "What was changed.",
            "Done",
        ),
    ),
    "done-without-a-record": (
        forms.done_form(WALK, START),
        ("walk.done", "3:107"),
        (
            "Done: step 7",
            (
                "*Start one bot in safe mode (ndax)* of recovery #3. It is kept as *asserted by* you, for all to "
                "read. Only a look makes it verified."
            ),
            "What did you do or find?",
            "Done",
        ),
    ),
    "skip": (
        forms.skip_form(WALK, MEND),
        ("walk.skip", "3:105"),
        (
            "Skip: step 5",
            "*Mend that one thing* of recovery #3. It is kept as *skipped by* you, for all to read.",
            "Why does it not apply?",
            "Skip",
        ),
    ),
    "pick": (
        forms.pick_form(CHOSEN, TITLES),
        ("walk.pick", "3:crash-loop"),
        (
            "Choose a runbook",
            (
                "Steps of assessing, stopping and investigating that both runbooks have stay done; all others begin "
                "anew."
            ),
            "Runbook",
            "Choose",
        ),
    ),
    "hand-over": (
        forms.hand_form(WALK),
        ("walk.hand", "3"),
        (
            "Hand over",
            "Whoever leads recovery #3 next gets a summary of it, in its thread and directly.",
            "Who leads from now on?",
            "Hand over",
        ),
    ),
    "abandon": (
        forms.abandon_form(WALK),
        ("walk.abandon", "3"),
        (
            "Abandon",
            (
                "Recovery #3 ends as abandoned, and nothing in the fleet changes by that: what is stopped stays "
                "stopped, what runs goes on running."
            ),
            "Why is it given up?",
            "Abandon",
        ),
    ),
}


@pytest.mark.parametrize(("form", "names", "words"), FORMS.values(), ids=FORMS)
def test_a_form_says_what_comes_of_it(form: View, names: tuple[str, str], words: tuple[str, ...]) -> None:
    assert told(form) == words
    assert (form["callback_id"], form["private_metadata"]) == names
    assert view_violations(form) == []
    assert not any(each.get("optional") for each in form["blocks"][1:])


def test_what_is_said_has_the_length_that_is_kept() -> None:
    for form in (forms.done_form(WALK, MEND), forms.skip_form(WALK, MEND), forms.abandon_form(WALK)):
        assert inputs(form)["note"]["max_length"] == forms.NOTE
    assert inputs(forms.hand_form(WALK))["person"]["type"] == "users_select"


def test_the_runbook_of_now_is_chosen_already_and_every_other_can_be() -> None:
    select = inputs(forms.pick_form(CHOSEN, TITLES))["scenario"]
    assert select["initial_option"] == {
        "text": {"type": "plain_text", "text": "A bot crashes again and again", "emoji": True},
        "value": "crash-loop",
    }
    assert {each["value"]: each["text"]["text"] for each in select["options"]} == TITLES
    first = next(iter(TITLES))
    for walk in (WALK, replace(CHOSEN, scenario="taken-away")):
        assert inputs(forms.pick_form(walk, TITLES))["scenario"]["initial_option"]["value"] == first


def test_no_more_runbooks_are_offered_than_slack_takes() -> None:
    many = {f"own-{each}": f"Our own {each}" for each in range(108)}
    select = inputs(forms.pick_form(replace(CHOSEN, scenario="own-107"), many))["scenario"]
    assert len(select["options"]) == 100
    assert select["initial_option"] in select["options"]


@pytest.mark.parametrize("text", NASTY)
def test_whatever_is_in_it_slack_takes_it(text: str) -> None:
    step = replace(MEND, title=text, record=text, bot=text, number=10_000_000)
    walk = replace(CHOSEN, title=text, bot=text)
    for form in (
        forms.done_form(walk, step),
        forms.skip_form(walk, step),
        forms.pick_form(walk, {"x": text}),
        forms.hand_form(walk),
        forms.abandon_form(walk),
    ):
        assert view_violations(form) == []
        assert not re.search("[<>]", form["blocks"][0]["text"]["text"])
