"""What is said in the thread of a recovery, its hand-over, and lists, word by word."""

import re
from dataclasses import replace

import pytest
from walk_cards import (
    ABANDONED,
    CAUSE,
    CHOSEN,
    DONE,
    EVIDENCE,
    LOOK,
    MEND,
    NOTHING_FITS,
    PEOPLE,
    PROPOSED,
    START,
    STOP,
    THIRD,
    WALKING,
    WATCH,
    fleet,
    log,
    state,
)

from chatbot.views import walk as view
from chatbot.views.blocks import Message
from storage.walk_steps import StepState
from storage.walks import WalkState
from tests.blockkit import violations

KNOWN = (
    "• ndax fell 4 times within an hour (what was seen)\n"
    "• the disk could not be looked at (host)\n"
    "• What raised risk in the last day (UTC), by person: <@U0ADMIN1>: start ndax at 11-25 01:04 (our own record)\n"
)
SAID = (
    "☑️ 3. Name the cause: _asserted by_ <@U0ADMIN2> at 03:02:05 UTC: a KeyError in the feed\n"
    "⏭️ 4. Take the evidence: _skipped by_ <@U0OPER01> at 03:02:05 UTC: taken at the last one\n"
)


def replies() -> dict[str, tuple[Message, str]]:
    """Every reply with its whole text."""
    killed = view.killed("kill-7F3K2QXA", "elsewhere", "")
    gone = view.no_longer(STOP, ["a bot still moves (GET /status, 03:12:05 UTC)"])
    return {
        "opened": (
            view.opened(state(similar=(log(), log("", id=1)))),
            (
                "*The last recovery logs of ndax*:\n"
                "• #2, 2026-11-16 03:12:05 UTC, crash-loop: the feed sent stale prices\n"
                "• #1, 2026-11-16 03:12:05 UTC, crash-loop: no root cause written down\n"
                "/recoveries 2 tells the first of them in full"
            ),
        ),
        "first": (view.opened(NOTHING_FITS), "No recovery log of the fleet is kept yet: this is the first."),
        "verified": (
            view.settled(STOP),
            (
                "✅ *Step 2, Keep it down* is verified.\n"
                "• yes: every bot that matters is seen stopped (GET /status, 03:11:35 UTC)"
            ),
        ),
        "asserted": (
            view.settled(CAUSE),
            "☑️ *Step 3, Name the cause* is asserted by <@U0ADMIN2>: a KeyError in the feed",
        ),
        "skipped": (
            view.settled(EVIDENCE),
            "⏭️ *Step 4, Take the evidence* is skipped by <@U0OPER01>: taken at the last one",
        ),
        "no-note": (
            view.settled(replace(START, state=StepState.ASSERTED, by="U0ADMIN2", note=" ")),
            "☑️ *Step 7, Start one bot in safe mode (ndax)* is asserted by <@U0ADMIN2>",
        ),
        "chosen": (
            view.chosen(state(), "U0ADMIN2"),
            "<@U0ADMIN2> chose *A bot crashes again and again*: 8 steps, of which 4 stay done.",
        ),
        "chosen-anew": (
            view.chosen(state(steps=(LOOK, MEND)), "U0ADMIN2"),
            "<@U0ADMIN2> chose *A bot crashes again and again*: 2 steps, of which one stays done.",
        ),
        "chosen-first": (
            view.chosen(state(steps=(MEND,)), "U0ADMIN2"),
            "<@U0ADMIN2> chose *A bot crashes again and again*: 1 step.",
        ),
        "killed": (
            view.undone((START, WATCH), killed),
            (
                "⚠️ *The fleet was killed* by somebody elsewhere (kill-7F3K2QXA). It is part of this recovery. To be "
                "done again: 7. Start one bot in safe mode (ndax), 8. Watch it for 30 minutes (ndax)."
            ),
        ),
        "killed-before": (
            view.undone((), view.killed("kill-7F3K2QXA", "U0ADMIN2", "it falls again.")),
            (
                "⚠️ *The fleet was killed* by <@U0ADMIN2> (kill-7F3K2QXA): it falls again. It is part of this "
                "recovery."
            ),
        ),
        "no-longer": (
            view.undone((STOP,), gone),
            (
                "⚠️ *Step 2 is no longer so*: a bot still moves (GET /status, 03:12:05 UTC). To be done again: "
                "2. Keep it down."
            ),
        ),
        "done": (
            view.ended(DONE),
            "*Recovery #3 is done* after 42 min. 8 steps: 2 verified, 5 asserted, 1 skipped, 0 not done.",
        ),
        "abandoned": (
            view.ended(ABANDONED),
            (
                "*Recovery #3 was abandoned* by <@U0ADMIN1>: it was the feed. 8 steps: 2 verified, 1 asserted, "
                "1 skipped, 4 not done. Nothing in the fleet was changed by that."
            ),
        ),
        "abandoned-at-once": (
            view.ended(
                replace(THIRD, walk=replace(THIRD.walk, state=WalkState.ABANDONED, ended_by="U0ADMIN1"))
            ),
            (
                "*Recovery #5 was abandoned* by <@U0ADMIN1>. No runbook was chosen. Nothing in the fleet was changed "
                "by that."
            ),
        ),
        "begun": (
            view.begun(WALKING, "C0OPS"),
            "Recovery #3 of ndax is open in <#C0OPS>, and you lead it. Nothing in the fleet was changed by that.",
        ),
        "answer": (
            view.answer("That recovery is over: /recover <bot> begins a new one."),
            "That recovery is over: /recover &lt;bot&gt; begins a new one.",
        ),
    }


@pytest.mark.parametrize("name", replies())
def test_each_reply_is_one_sentence_that_is_understood_alone(name: str) -> None:
    reply, text = replies()[name]
    assert reply.text == text
    assert violations(reply.blocks) == []


HANDED = (
    "<@U0ADMIN1>, <@U0OPER01> hands this recovery over to you. You lead it now.\n"
    "*Recovery #3 of ndax*, for 42 min: A bot crashes again and again\n"
    "*Lead*: <@U0ADMIN1>\n<@U0ADMIN2> is on step 5, <@U0OPER01> is on step 7\n"
    "*Cause*: a KeyError in the feed (_asserted by_ <@U0ADMIN2> at 03:02:05 UTC)\n"
    "*Next: step 5 of 8, Mend that one thing*\n"
    "Change what the cause names, and nothing else.\n"
    "*Then*: 6. See every address reached, 7. Start one bot in safe mode (ndax), "
    "8. Watch it for 30 minutes (ndax)\n"
    f"*What is known*, seen at 03:10:05 UTC:\n{KNOWN}"
    "*Done*\n"
    "✅ 1. See which bot falls: *verified* 41 min ago (02:31:05 UTC)\n"
    "✅ 2. Keep it down: *verified* just now (03:11:35 UTC)\n"
    f"{SAID.rstrip()}"
)


def test_a_hand_over_tells_the_new_lead_all_on_one_screen() -> None:
    assert view.handed_over(WALKING, "U0OPER01", "U0OPER01").text == HANDED
    assert view.shown(WALKING).text == HANDED.partition("\n")[2]


def test_a_hand_over_before_a_runbook_was_chosen_says_that_one_is_to_be_chosen() -> None:
    assert view.handed_over(
        replace(PROPOSED, walk=replace(PROPOSED.walk, different="new memory")), "U0OPER01", "U0OPER01"
    ).text == (
        "<@U0ADMIN1>, <@U0OPER01> hands this recovery over to you. You lead it now.\n"
        "*Recovery #3 of ndax*, for 42 min: no runbook chosen yet\n"
        "*Lead*: <@U0ADMIN1>\n"
        "*Different this time*: new memory\n"
        "*Next*: choose a runbook on its card.\n"
        "*What is known*, seen at 03:10:05 UTC:\n"
        "• ndax fell 4 times within an hour (what was seen)\n"
        "*Done*: nothing yet"
    )


@pytest.mark.parametrize("settled", range(21))
def test_a_summary_is_never_longer_than_a_screen(settled: int) -> None:
    walk = replace(CHOSEN, looked=["something was seen (host)"] * 20, different="new memory")
    shown = replace(fleet("kill-switch", settled=settled), people=PEOPLE * 3)
    summary = view.handed_over(replace(shown, walk=walk), "U0OPER01", "U0OPER01")
    assert summary.text.count("\n") < 30
    assert "• and 16 more\n" in summary.text
    assert ("*Done*, the last 8 of " in summary.text) is (settled > 8)
    # more than three wait behind the next one
    assert bool(re.search(r"\n\*Then\*: .*, and \d+ more\n", summary.text)) is (settled < 16)


def test_what_is_shown_of_one_that_ended_names_what_was_never_done() -> None:
    assert view.shown(ABANDONED).text == (
        "*Recovery #3 of ndax*, for 42 min: A bot crashes again and again\n"
        "*Lead*: <@U0ADMIN1>\n"
        "*Cause*: a KeyError in the feed (_asserted by_ <@U0ADMIN2> at 03:02:05 UTC)\n"
        "It was abandoned 2026-11-25 03:12:05 UTC by <@U0ADMIN1>, after 42 min: it was the feed.\n"
        "*Never done*: 5. Mend that one thing, 6. See every address reached, 7. Start one bot in safe mode (ndax), "
        "8. Watch it for 30 minutes (ndax)\n"
        f"*What is known*, seen at 03:10:05 UTC:\n{KNOWN}"
        "*Done*\n"
        "✅ 1. See which bot falls: *verified* at 02:31:05 UTC\n"
        "✅ 2. Keep it down: *verified* at 03:11:35 UTC\n"
        f"{SAID.rstrip()}"
    )
    assert "Never done" not in view.shown(DONE).text
    assert "*Next*" not in view.shown(DONE).text


def test_the_list_says_where_each_stands_and_who_leads_it() -> None:
    assert view.listing([WALKING, NOTHING_FITS], [DONE, ABANDONED]).text == (
        "*Recoveries under way*\n"
        "• #3 ndax, A bot crashes again and again: step 5 of 8, led by <@U0ADMIN1>\n"
        "• #3 the fleet: choosing a runbook, led by <@U0ADMIN1>\n"
        "*The last that ended*\n"
        "• #3 ndax, A bot crashes again and again: done after 42 min, led by <@U0ADMIN1>\n"
        "• #3 ndax, A bot crashes again and again: abandoned after 42 min, led by <@U0ADMIN1>\n"
        "/recover &lt;bot|fleet&gt; begins one; /recover show 3 tells one on one screen."
    )
    assert view.listing([], []).text == (
        "No recovery is under way.\n"
        "/recover &lt;bot|fleet&gt; begins one; /recover show 3 tells one on one screen."
    )
    assert "• and 3 more\n" in view.listing([WALKING] * 13, []).text


def test_a_recovery_that_another_takes_or_hands_on_names_who_led_it() -> None:
    handed = view.handed_over(WALKING, "U0OPER01", "U0ADMIN2").text
    assert handed.startswith(
        "<@U0ADMIN1>, <@U0OPER01> hands this recovery, which <@U0ADMIN2> led, over to you. You lead it now.\n"
    )
    taken = view.handed_over(WALKING, "U0ADMIN1", "U0ADMIN2").text
    assert taken.startswith(
        "<@U0ADMIN1> takes this recovery, which <@U0ADMIN2> led, over. <@U0ADMIN1> leads it now.\n"
    )
