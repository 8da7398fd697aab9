"""The living card of a recovery, word by word, and Slack's rules for every message about it."""

import re
from dataclasses import replace

import pytest
from walk_cards import (
    ABANDONED,
    BOTS,
    CAUSE,
    CHECK,
    CHOSEN,
    CRASH,
    DONE,
    EVIDENCE,
    GENERAL,
    LINE,
    LOOK,
    LOOKING,
    MEND,
    MINUTE,
    NOTHING_FITS,
    NOW,
    PROPOSED,
    RECORD,
    RUNBOOKS,
    START,
    STEPS,
    STOP,
    THIRD,
    VERIFYING,
    WALKING,
    WATCH,
    buttons,
    fleet,
    log,
    markup,
    said,
    state,
    step,
    verified,
)

from chatbot.views import walk as view
from chatbot.views.blocks import Message, message
from chatbot.views.walk_state import WalkCard
from commands.coordinator.model import BotStatus, FleetStatus
from commands.walking import stepping
from storage.walk_steps import OnStep, StepState
from storage.walks import WalkState
from storage.windows import WindowRow
from tests.blockkit import violations
from tests.hostile import NASTY

OPENED = "recovery #3 · opened 2026-11-25 02:30:05 UTC by <@U0ADMIN1>"
LEGEND = "✅ was seen by a look, ☑️ is what a person says, ◻️ is not done yet"
AGES = "ages as of 03:12:05 UTC"
AUDIT = "audit #7 cdcdcdcdcdcd…"
KNOWN = (
    "• ndax fell 4 times within an hour (what was seen)\n"
    "• the disk could not be looked at (host)\n"
    "• What raised risk in the last day (UTC), by person: <@U0ADMIN1>: start ndax at 11-25 01:04 (our own record)\n"
)
AHEAD = (
    "*Gradual recovery*\n"
    "◻️ 7. Start one bot in safe mode (ndax)\n"
    "◻️ 8. Watch it for 30 minutes (ndax): undone by kill-U7F3K2QX\n"
)
SAID = (
    "☑️ 3. Name the cause: _asserted by_ <@U0ADMIN2> at 03:02:05 UTC: a KeyError in the feed\n"
    "⏭️ 4. Take the evidence: _skipped by_ <@U0OPER01> at 03:02:05 UTC: taken at the last one\n"
)
WHOLE = ["Hand over", "Choose another", "Abandon"]

CARDS = {
    "looking": (
        LOOKING,
        (
            "🧭 Recovery #3: ndax (choose a runbook)\n"
            "*Runbook*: not chosen yet\n"
            "*Lead*: <@U0ADMIN1>\n"
            "*Looking at everything*: this takes some 12 s at most. A runbook can be chosen meanwhile.\n"
            f"recovery #3 · opened 2026-11-25 03:11:50 UTC by <@U0ADMIN1> · {AGES} · {AUDIT}"
        ),
        [["Choose a runbook"], ["Hand over", "Abandon"]],
    ),
    "proposed": (
        PROPOSED,
        (
            "🧭 Recovery #3: ndax (choose a runbook)\n"
            "*Runbook*: not chosen yet\n"
            "*Lead*: <@U0ADMIN1>\n"
            "*Proposed*: A bot crashes again and again (8 points)\n"
            "• ndax fell 4 times within an hour _(what was seen)_. A bot that falls soon after each start has a cause "
            "that one more start does not mend.\n"
            "• 3 tracebacks, the last a KeyError _(logs/ndax.log)_. A traceback is written where a program met "
            "something it was not made for.\n"
            "• 1 symptom could not be looked for\n"
            "*Also fits*: Connections fail (4 points)\n"
            "• errors of ndax speak of a time-out _(GET /status)_. The bots themselves tell of time-outs and refused "
            "connections.\n"
            "*What is known*, seen 2 min ago (03:10:05 UTC):\n"
            "• ndax fell 4 times within an hour (what was seen)\n"
            f"{OPENED} · {AGES} · {AUDIT}"
        ),
        [
            ["Choose A bot crashes again and again", "Choose Connections fail", "Choose another"],
            ["Hand over", "Abandon"],
        ],
    ),
    "nothing-fits": (
        NOTHING_FITS,
        (
            "🧭 Recovery #3: the fleet (choose a runbook)\n"
            "*Runbook*: not chosen yet\n"
            "*Lead*: <@U0ADMIN1>\n"
            "*Proposed*: General recovery process, since nothing that was seen speaks for another runbook. "
            "3 symptoms could not be looked for, so another may fit all the same.\n"
            "*What is known*, seen 2 min ago (03:10:05 UTC):\n"
            "• ndax fell 4 times within an hour (what was seen)\n"
            f"{OPENED} · {AGES} · {AUDIT}"
        ),
        [["Choose General recovery process", "Choose another"], ["Hand over", "Abandon"]],
    ),
    "walking": (
        WALKING,
        (
            "🧭 Recovery #3: ndax (step 5 of 8)\n"
            "*Runbook*: A bot crashes again and again\n"
            "*Lead*: <@U0ADMIN1>\n<@U0ADMIN2> is on step 5, <@U0OPER01> is on step 7\n"
            "*Next: step 5, Mend that one thing*\n"
            "Change what the cause names, and nothing else.\n"
            "_No look can verify this step: do it, then press Done and say what you did._\n"
            f"*What is known*, seen 2 min ago (03:10:05 UTC):\n{KNOWN}"
            "*Assess*\n"
            "✅ 1. See which bot falls: *verified* 41 min ago (02:31:05 UTC)\n"
            "*Stop*\n"
            "✅ 2. Keep it down: *verified* just now (03:11:35 UTC)\n"
            f"*Investigate*\n{SAID}"
            "*Fix*\n"
            "▶️ *5. Mend that one thing*: next\n"
            "*Verify*\n"
            f"◻️ 6. See every address reached\n{AHEAD}"
            f"{OPENED} · {LEGEND} · {AGES} · {AUDIT}"
        ),
        [["/config diff", "/kill"], ["Look", "Done", "Take"], WHOLE],
    ),
    "no-longer-fresh": (
        VERIFYING,
        (
            "🧭 Recovery #3: ndax (step 6 of 8)\n"
            "*Runbook*: A bot crashes again and again\n"
            "*Lead*: <@U0ADMIN1>\n"
            "*Next: step 6, See every address reached*\n"
            "All addresses have to answer.\n"
            "_Press Check: it is verified once this is seen: every address is reached; the coordinator answers._\n"
            f"*What is known*, seen 2 min ago (03:10:05 UTC):\n{KNOWN}"
            "*Assess*\n"
            "✅ 1. See which bot falls: *verified* 41 min ago (02:31:05 UTC)\n"
            "*Stop*\n"
            "✅ 2. Keep it down: *verified* 40 min ago (02:32:05 UTC), *no longer fresh*: press Check to look again\n"
            f"*Investigate*\n{SAID}"
            "*Fix*\n"
            "✅ 5. Mend that one thing: *verified* 16 min ago (02:56:05 UTC), *no longer fresh*: press Check to look "
            "again\n"
            "*Verify*\n"
            f"▶️ *6. See every address reached*: next\n{AHEAD}"
            f"{OPENED} · {LEGEND} · {AGES} · {AUDIT}"
        ),
        [["Check", "Done", "Skip", "Take"], WHOLE],
    ),
    "done": (
        DONE,
        (
            "🧭 Recovery #3: ndax (done)\n"
            "It ended 2026-11-25 03:12:05 UTC by <@U0ADMIN2>, after 42 min.\n"
            "*Runbook*: A bot crashes again and again\n"
            "*Lead*: <@U0ADMIN1>\n"
            "*Assess*\n"
            "✅ 1. See which bot falls: *verified* at 02:31:05 UTC\n"
            "*Stop*\n"
            "✅ 2. Keep it down: *verified* at 03:11:35 UTC\n"
            f"*Investigate*\n{SAID}"
            "*Fix*\n"
            "☑️ 5. Mend that one thing: _asserted by_ <@U0ADMIN2> at 03:02:05 UTC: seen\n"
            "*Verify*\n"
            "☑️ 6. See every address reached: _asserted by_ <@U0ADMIN2> at 03:02:05 UTC: seen\n"
            "*Gradual recovery*\n"
            "☑️ 7. Start one bot in safe mode (ndax): _asserted by_ <@U0ADMIN2> at 03:02:05 UTC: seen\n"
            "☑️ 8. Watch it for 30 minutes (ndax): _asserted by_ <@U0ADMIN2> at 03:02:05 UTC: seen\n"
            f"{OPENED} · {LEGEND} · {AUDIT}"
        ),
        [],
    ),
    "abandoned": (
        ABANDONED,
        (
            "🧭 Recovery #3: ndax (abandoned)\n"
            "It was abandoned 2026-11-25 03:12:05 UTC by <@U0ADMIN1>, after 42 min: it was the feed.\n"
            "*Runbook*: A bot crashes again and again\n"
            "*Lead*: <@U0ADMIN1>\n"
            "*Assess*\n"
            "✅ 1. See which bot falls: *verified* at 02:31:05 UTC\n"
            "*Stop*\n"
            "✅ 2. Keep it down: *verified* at 03:11:35 UTC\n"
            f"*Investigate*\n{SAID}"
            "*Fix*\n"
            "◻️ 5. Mend that one thing\n"
            "*Verify*\n"
            f"◻️ 6. See every address reached\n{AHEAD}"
            f"{OPENED} · {LEGEND} · {AUDIT}"
        ),
        [],
    ),
    "third": (
        THIRD,
        (
            "🧭 Recovery #5: ndax (choose a runbook)\n"
            "*Runbook*: not chosen yet\n"
            "*Lead*: <@U0ADMIN1>\n"
            "*Different this time*: the memory was doubled last night\n"
            "*Nothing was seen yet* in 42 min: it is tried again. Do not wait, choose a runbook.\n"
            "recovery #5 · opened 2026-11-25 02:30:05 UTC by <@U0ADMIN1> · agreed to as recover-again-7F3K2QXA · "
            f"{AGES} · {AUDIT}"
        ),
        [["Choose a runbook"], ["Hand over", "Abandon"]],
    ),
}


@pytest.mark.parametrize(("shown", "text", "rows"), CARDS.values(), ids=CARDS)
def test_the_card_says_first_what_is_next_and_then_what_is_known(
    shown: WalkCard, text: str, rows: list[list[str]]
) -> None:
    card = view.card(shown)
    assert card.text == text
    assert buttons(card) == rows
    assert violations(card.blocks) == []


def test_a_button_says_what_it_is_about_and_one_of_a_row_stands_out() -> None:
    def each(shown: WalkCard) -> dict[str, tuple[str, str, str | None]]:
        rows = [block["elements"] for block in view.card(shown).blocks if block["type"] == "actions"]
        return {
            one["text"]["text"]: (one["action_id"], one["value"], one.get("style"))
            for row in rows
            for one in row
        }

    assert each(WALKING) == {
        "/config diff": ("walk.run.0", "3:105", None),
        "/kill": ("walk.run.1", "3:105:/kill", "danger"),
        "Look": ("walk.check", "3:105", None),
        "Done": ("walk.done", "3:105", "primary"),  # no look can verify this step
        "Take": ("walk.take", "3:105", None),
        "Hand over": ("walk.hand", "3", None),
        "Choose another": ("walk.pick", "3", None),
        "Abandon": ("walk.abandon", "3", None),
    }
    verifying = each(VERIFYING)
    assert verifying["Check"] == ("walk.check", "3:106", "primary")
    assert verifying["Done"] == ("walk.done", "3:106", None)
    assert verifying["Skip"] == ("walk.skip", "3:106", None)
    proposed = each(PROPOSED)
    assert proposed["Choose A bot crashes again and again"] == ("walk.choose.0", "3:crash-loop", "primary")
    assert proposed["Choose Connections fail"] == ("walk.choose.1", "3:api-connection", None)


def test_before_the_release_the_card_says_what_is_no_longer_fresh() -> None:
    settled = (LOOK, verified(STOP, 40 * MINUTE), CAUSE, EVIDENCE, verified(MEND, 16 * MINUTE))
    steps = (*settled, said(CHECK, StepState.ASSERTED, "U0ADMIN2", "seen"), START, WATCH)
    words = (
        "*Next: step 7, Start one bot in safe mode (ndax)*\n"
        "⚠️ *No longer fresh*: step{} (Keep it down, 40 min ago){}. Press Check before you go on.\nDo it.\n"
        "_Ticks itself once this is seen: the bot runs._\n"
    )
    assert (
        words.format("s 2", " and 5 (Mend that one thing, 16 min ago)") in view.card(state(steps=steps)).text
    )
    fresh = tuple(verified(each, MINUTE) if each.number == 5 else each for each in steps)
    assert words.format(" 2", "") in view.card(state(steps=fresh)).text
    assert "No longer fresh" in view.handed_over(state(steps=fresh), "U0OPER01", "U0OPER01").text
    none = tuple(verified(each, MINUTE) if each.number in (2, 5) else each for each in steps)
    assert "o longer fresh" not in view.card(state(steps=none)).text
    released = tuple(said(each, StepState.ASSERTED, "U1", "") if each is START else each for each in steps)
    assert "o longer fresh" not in view.card(state(steps=released)).text


def test_the_age_of_a_look_is_believed_only_from_a_clock_that_goes_forward() -> None:
    steps = (verified(STOP, -5 * MINUTE), CHECK)
    text = view.card(state(steps=steps)).text
    assert "*verified* by a clock that was ahead (03:17:05 UTC), *no longer fresh*" in text
    unknown = (replace(STOP, seen_at=None), CHECK)
    assert (
        "2. Keep it down: *verified* at an unknown time, *no longer fresh*"
        in view.card(state(steps=unknown)).text
    )


def test_a_step_that_was_undone_says_why_where_it_is_next() -> None:
    text = view.card(state(steps=(replace(MEND, number=1, note="undone by kill-7F3K2QXA"), CHECK))).text
    assert "*Next: step 1, Mend that one thing*\n*To be done again*: undone by kill-7F3K2QXA\n" in text
    assert "▶️ *1. Mend that one thing*: next: undone by kill-7F3K2QXA\n" in text


def test_many_people_and_many_findings_are_counted_and_not_dropped_in_silence() -> None:
    people = [OnStep(walk_id=3, person=f"U0OPER{each}", number=5, at=NOW) for each in range(10, 20)]
    looked = [f"finding {each} (host)" for each in range(20)]
    text = view.card(state(replace(CHOSEN, looked=looked), people=people)).text
    assert "<@U0OPER17> is on step 5, and 2 more\n" in text
    assert "• finding 5 (host)\n• and 14 more: /diagnose tells all\n*Assess*" in text
    assert "finding 6" not in text


# -- who our own record names


def looked(line: str) -> str:
    [known] = [
        each for each in markup(view.card(state(replace(CHOSEN, looked=[line])))) if "What is known" in each
    ]
    return known.partition("\n")[2]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "by person: U0ADMIN1: start ndax; W012ABCDEF: resume (our own record)",
            "• by person: <@U0ADMIN1>: start ndax; <@W012ABCDEF>: resume (our own record)",
        ),
        (
            "a kill, verified (kill-U7F3K2QX) (our own record)",
            "• a kill, verified (kill-U7F3K2QX) (our own record)",
        ),
        ("U0ADMIN1x, xU0ADMIN1, U0AD (our own record)", "• U0ADMIN1x, xU0ADMIN1, U0AD (our own record)"),
        (
            "<@U0ADMIN1> & <!channel> (our own record)",
            "• &lt;@U0ADMIN1&gt; &amp; &lt;!channel&gt; (our own record)",
        ),
        ("U0ADMIN1 was here (logs/ndax.log)", "• U0ADMIN1 was here (logs/ndax.log)"),
        ("U0ADMIN1 (our own record) (logs/ndax.log)", "• U0ADMIN1 (our own record) (logs/ndax.log)"),
        (f"{'x' * 150} U0ADMIN1ABCDEF (our own record)", f"• {'x' * 150} U0ADMIN1…"),
    ],
)
def test_a_person_is_a_mention_only_where_our_own_record_names_one(line: str, shown: str) -> None:
    assert looked(line) == shown


def test_a_reason_from_our_own_record_names_people_too() -> None:
    reason = replace(CRASH.reasons[0], seen="U0ADMIN1 started it", source=RECORD)
    foreign = replace(CRASH.reasons[1], seen="U0ADMIN1 started it", source="logs/ndax.log")
    lines = view.proposal(replace(CRASH, reasons=(reason, foreign)), first=True)
    assert lines[1].startswith("• <@U0ADMIN1> started it _(our own record)_. ")
    assert lines[2].startswith("• U0ADMIN1 started it _(logs/ndax.log)_. ")


def test_more_reasons_than_are_shown_are_counted() -> None:
    lines = view.proposal(replace(CRASH, reasons=CRASH.reasons[:1] * 6, unknown=0), first=False)
    assert [len(lines), lines[0], lines[5]] == [
        7,
        "*Also fits*: A bot crashes again and again (8 points)",
        "• and 2 more",
    ]


# -- a fleet


@pytest.mark.parametrize("settled", [0, 9, 14])
@pytest.mark.parametrize("scenario", RUNBOOKS)
def test_a_recovery_of_the_fleet_fits_and_its_text_says_all(scenario: str, settled: int) -> None:
    shown = fleet(scenario, settled=settled)
    card = view.card(shown)
    assert violations(card.blocks) == []
    ids = [
        each["action_id"] for block in card.blocks if block["type"] == "actions" for each in block["elements"]
    ]
    assert len(set(ids)) == len(ids)
    assert card.text == message(*card.blocks).text
    assert "…" not in card.text.removesuffix(AUDIT)
    for each in shown.steps:
        named = f" ({each.bot})" if each.bot else ""
        assert f"{each.number}. {each.title}{named}" in card.text
    assert {each.bot for each in shown.steps} == {None, *BOTS}
    current = shown.current
    assert current is not None
    typed = [stepping.label(each, current.bot) for each in current.commands]
    assert buttons(card)[0] == typed or not typed
    assert card.text.split("\n")[3].startswith(f"*Next: step {current.number}, ")


@pytest.mark.parametrize("note", ["the feed sent stale prices " * 20, "&" * 500])
def test_long_notes_take_more_sections_and_lose_no_step(note: str) -> None:
    shown = fleet("kill-switch", note, settled=19)
    card = view.card(shown)
    assert violations(card.blocks) == []
    listed = "\n".join(markup(card))
    for each in shown.steps:
        assert f"{each.number}. {each.title}" in listed
    assert buttons(card)[-1] == WHOLE
    assert card.blocks[-1]["type"] == "context"


def test_more_steps_than_a_message_takes_are_counted() -> None:
    many = [replace(CAUSE, number=each, id=each, note="&" * 500) for each in range(1, 200)]
    card = view.card(state(steps=(*many, replace(MEND, number=200))))
    assert violations(card.blocks) == []
    assert [each for each in markup(card) if each.startswith("and ") and each.endswith(" more")]
    assert buttons(card)[-1] == WHOLE


# -- texts of others


def hostile(text: str) -> WalkCard:
    """A recovery in which every outside text is this one."""
    walk = replace(
        CHOSEN,
        bot=text or "x",
        title=text,
        lead=text,
        different=text,
        action_id=text,
        opened_by=text,
        looked=[text, f"{text} ({RECORD})"] * 10,
        why=text,
    )
    steps = [
        replace(
            each,
            bot=text,
            title=text,
            text=text,
            note=text,
            by=text,
            record=text,
            seen=[text, f"{text} ({RECORD})"] * 5,
            commands=(text, f"/kill {text}") * 6,
        )
        for each in STEPS * 4
    ]
    numbered = [replace(each, number=number, id=number) for number, each in enumerate(steps, start=1)]
    reasons = tuple(replace(each, why=text, seen=text, source=text) for each in CRASH.reasons * 4)
    proposals = [
        replace(each, title=text, scenario=text, reasons=reasons) for each in (CRASH, LINE, LINE, GENERAL)
    ]
    people = [OnStep(walk_id=3, person=text, number=5, at=NOW)] * 30
    return state(walk, numbered, people=people, proposals=proposals, similar=[log(text, scenario=text)] * 3)


def everything(shown: WalkCard, text: str) -> list[Message]:
    """Every message there is of it."""
    over = replace(shown.walk, state=WalkState.ABANDONED, ended_at=NOW, ended_by=text)
    choosing = replace(shown, walk=replace(shown.walk, scenario="", title=""), steps=())
    ended = replace(shown, walk=over)
    return [
        view.card(shown),
        view.card(choosing),
        view.card(ended),
        view.opened(shown),
        *(view.settled(each) for each in shown.steps[:5]),
        view.chosen(shown, text),
        view.undone(shown.steps, view.killed(text, text, text)),
        view.undone(shown.steps[:1], view.no_longer(shown.steps[0], [text] * 9)),
        view.handed_over(shown, text, text),
        view.handed_over(choosing, text, text),
        view.ended(ended),
        view.begun(shown, text),
        view.listing([shown] * 30, [ended] * 30),
        view.shown(ended),
        view.answer(text.strip() or "x"),
    ]


ALLOWED = r"<!date\^\d+\^[^|<>]*\|[^|<>]*>|<@[UW][A-Z0-9]{1,20}>|<#[CGD][A-Z0-9]{1,20}>"


@pytest.mark.parametrize("text", NASTY)
def test_whatever_is_in_it_slack_takes_it_and_nobody_is_paged(text: str) -> None:
    for each in everything(hostile(text), text):
        assert violations(each.blocks) == []
        for shown in (each.text, *markup(each)):
            assert not re.search("[<>]", re.sub(ALLOWED, "", shown))
            assert "<@W1" not in shown
            assert "<@U0ADMIN1>" not in shown or RECORD in shown


def test_marks_of_others_format_nothing() -> None:
    shown = view.settled(said(MEND, StepState.ASSERTED, "U0ADMIN2", "*all well* ~not~ `x` _so_"))
    assert shown.text.endswith(": ∗all well∗ ∼not∼ 'x' ˍsoˍ")


def test_a_title_that_names_its_bot_is_not_followed_by_it() -> None:
    assert (
        "Step 7, Start ndax* is"
        in view.settled(replace(START, title="Start ndax", state=StepState.ASSERTED)).text
    )


def seen(**words: str) -> FleetStatus:
    """The fleet as it was read a moment ago."""
    bots = {name: BotStatus(name=name, status=word) for name, word in words.items()}
    return FleetStatus(observed_at=NOW, kill_switch_active=False, bots=bots)


def test_the_card_tells_what_the_bots_do_and_warns_where_one_trades_that_was_stopped() -> None:
    kept = replace(WALKING, kept_down=("ndax", "quantum"))
    still = view.card(replace(kept, fleet=seen(shadowforge="running", ndax="stopped"))).text
    assert "*The fleet* at 03:12:05 UTC: shadowforge running, ndax stopped; kill switch inactive\n" in still
    assert "may trade" not in still  # nothing that has to stand still
    for moving in ("ndax", "quantum"):  # one that depends on it may not trade on without it
        told = view.card(replace(kept, fleet=seen(**{moving: "running"}))).text
        assert f"⚠️ *{moving} may trade*, and this recovery keeps it stopped: type /kill or /stop." in told
    undone = [replace(STOP, state="open", note="it moves again"), *WALKING.steps[2:]]
    assert "may trade" in view.card(replace(kept, steps=undone, fleet=seen(ndax="running"))).text
    before = [replace(STOP, state="open", note=""), *WALKING.steps[2:]]
    assert "may trade" not in view.card(replace(kept, steps=before, fleet=seen(ndax="running"))).text
    released = [
        replace(each, state="verified") if each.phase == "recover" else each for each in WALKING.steps
    ]
    assert "may trade" not in view.card(replace(kept, steps=released, fleet=seen(ndax="running"))).text
    assert "The fleet* at" not in view.card(replace(ABANDONED, fleet=seen(ndax="running"))).text
    assert "*The fleet* at" in view.ended(replace(DONE, fleet=seen(ndax="error"))).text


def test_an_old_read_of_the_fleet_is_not_told_as_what_it_does_now() -> None:
    old = replace(seen(ndax="running"), observed_at=NOW - 3 * MINUTE)
    told = view.card(replace(WALKING, kept_down=("ndax",), fleet=old)).text
    assert (
        "*The fleet* was not read here since 03:09:05 UTC, so what it does now is not known. Then: ndax"
        in told
    )
    assert "may trade" not in told


def test_a_window_that_is_open_already_is_told_and_whether_it_is_long_enough() -> None:
    watch = step(
        1,
        "recover",
        "Watch it",
        bot="ndax",
        commands=("/monitor {bot} 30m",),
        expects={"window.stable": True},
    )
    row = WindowRow(
        id=4,
        bot="ndax",
        origin="start",
        opened_by="U0ADMIN1",
        begun_at=NOW - 5 * MINUTE,
        ends_at=NOW + 25 * MINUTE,
        every=5.0,
    )
    enough = view.card(state(steps=(watch,), window=row))
    assert (
        "*Window #4* of 30 min is open until 03:37:05 UTC: this step is verified when it ends stable"
        in enough.text
    )
    short = view.card(state(steps=(watch,), window=replace(row, ends_at=NOW)))
    assert (
        "*Window #4* of 5 min is open until 03:12:05 UTC: too short for this step, which takes 30 min."
        in short.text
    )
    assert "Window #" not in view.card(state(steps=(watch,))).text
