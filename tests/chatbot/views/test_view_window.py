"""What people read about monitoring windows, word by word, and Slack's rules for all of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chatbot.views import window as view
from chatbot.views.blocks import Message
from chatbot.views.window_state import Watched, WindowCard
from commands.monitoring.coverage import Blind
from tests.blockkit import view_violations, violations
from tests.hostile import NASTY

BEGAN = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NDAX = Watched(
    name="ndax",
    status="running",
    health=93,
    healths=(90.0, None, 93.0),
    lowest=90,
    new_errors=2,
    errors=(0.0, 1.0, 2.0),
)
BLIND = Blind(begins=BEGAN + 11 * MINUTE, ends=BEGAN + 14 * MINUTE, missed=2, why="restart of this bot")
OPEN = WindowCard(
    number=3,
    bot="ndax",
    origin="monitor",
    opened_by="U0OPER",
    begun_at=BEGAN,
    ends_at=BEGAN + 30 * MINUTE,
    every=MINUTE,
    now=BEGAN + 15 * MINUTE,
    state="open",
    reads=13,
    missed=2,
    last_read_at=BEGAN + 15 * MINUTE,
    blind=(BLIND,),
    bots=(NDAX,),
    profit=-12.5,
    ran=True,
)


def over(state: str, **more: object) -> WindowCard:
    known = {"state": state, "ended_at": BEGAN + 30 * MINUTE, "now": BEGAN + 30 * MINUTE, **more}
    return replace(OPEN, **known)  # type: ignore[arg-type]


def test_the_card_tells_how_far_what_and_how_much_was_read() -> None:
    text = view.card(OPEN).text
    assert text.startswith("Watching ndax for 30 min\n")
    assert "*15 min left*, until 02:30:00 UTC" in text
    assert "*ndax* running · health 93 (lowest 90)" in text
    assert "2 new errors" in text
    assert "*Read*: 13 of 15 times; blind 02:11:00 UTC to 02:14:00 UTC: restart of this bot." in text
    assert "*Profit and loss of the fleet since it began*: -12.5" in text
    assert "window #3 · opened by <@U0OPER>" in text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (over("stable"), "✅ STABLE: ndax, watched for 30 min"),
        (over("stable"), "No rule ended it, and enough was read to say so."),
        (over("stable", ran=False), "no bot of it was seen running"),
        (over("not_proved"), "❔ NOT PROVED"),
        (over("not_proved"), "2 of 15 reads are missing"),
        (over("not_proved"), "With more than 5% missing it is *not proved* that all was well."),
        (
            over("unstable", why="ndax left running: it is error"),
            "*It ended early*: ndax left running: it is error.",
        ),
        (
            over("closed", ended_by="U0ADMIN1", why="seen enough"),
            "Closed by <@U0ADMIN1>: seen enough. *It proves nothing.*",
        ),
    ],
)
def test_each_end_says_what_it_means(state: WindowCard, words: str) -> None:
    assert words in view.card(state).text
    assert words in view.summary(state).text
    assert '"actions"' not in str(view.card(state).blocks)


def test_a_stable_end_of_a_staged_restart_offers_the_next_bot_and_no_other_end_does() -> None:
    assert "Start quantum" in str(view.summary(over("stable", next_bot="quantum")).blocks)
    for state in ("not_proved", "unstable", "closed"):
        assert "Start quantum" not in str(view.summary(over(state, next_bot="quantum")).blocks)
    assert "Start quantum" not in str(view.summary(over("stable", next_bot="quantum", ran=False)).blocks)


def test_an_alarm_names_people_cause_and_windows() -> None:
    unstable = over("unstable", rule="health", culprit="ndax", why="the health of ndax is 10, under 50")
    both = (unstable, replace(unstable, number=4))
    text = view.alarm(both, on_call="U0DUTY", contacts=["U0BOSS"], stopping=False).text
    assert "⛔ UNSTABLE: ndax" in text
    assert "<@U0DUTY> <@U0OPER> <@U0BOSS>" in text
    assert "This ended windows #3, #4 as *unstable*." in text
    assert "Nothing was stopped so far." in text
    assert "is being stopped now" in view.alarm(both, on_call=None, contacts=(), stopping=True).text


def test_a_window_without_a_read_says_so() -> None:
    text = view.card(replace(OPEN, reads=0, missed=0, blind=(), bots=(), profit=None, last_read_at=None)).text
    assert "*Read*: not yet." in text


def everything(state: WindowCard) -> list[Message]:
    return [
        view.card(state),
        view.card(replace(state, state="unstable", ended_at=state.now)),
        view.summary(replace(state, state="stable", next_bot=state.bot)),
        view.summary(replace(state, state="not_proved")),
        view.alarm((state,) * 30, on_call="U1", contacts=["U2"], stopping=False),
        view.changed([state.why] * 20, state.now),
        view.extended(state, state.opened_by, MINUTE),
        view.clock_was_set(-MINUTE),
        view.settled(state.opened_by, stopped=state.bot),
        view.safe_mode_over(state.bot or "x", state.begun_at, MINUTE, state.opened_by),
        view.opened(state, "C0OPS"),
        view.listing((state,) * 40, (state,) * 40, total=300, may_change=True),
        view.listing((), (), total=0, may_change=False),
    ]


@pytest.mark.parametrize("text", NASTY)
def test_whatever_is_in_it_slack_takes_it_and_nobody_is_paged(text: str) -> None:
    hostile = replace(
        OPEN,
        bot=text or "x",
        why=text,
        culprit=text or None,
        opened_by=text or "x",
        ended_by=text,
        blind=(replace(BLIND, why=text),) * 60,
        bots=(replace(NDAX, name=text, status=text),) * 40,
    )
    for message in everything(hostile):
        assert violations(message.blocks) == []
        said = [message.text, *(each["text"]["text"] for each in message.blocks if each["type"] == "section")]
        assert not [each for each in said if "<!channel" in each or "<!here" in each]
    assert view_violations(view.extend_form(hostile)) == []


def test_an_alarm_offers_what_can_be_done_and_keeps_the_words_of_others_as_they_are() -> None:
    fire = over("unstable", rule="alert", bot=None, culprit=None, why="critical alert #7: NDAX Feed Down")
    shown = view.alarm((fire,), on_call=None, contacts=(), stopping=False)
    assert "*Why*: critical alert #7: NDAX Feed Down." in shown.text
    assert "Kill stops the whole fleet; Keep says that it may go on." in shown.text
    assert "'window.stop'" not in str(shown.blocks)
    gone = over("unstable", rule="left_running", culprit="ndax", why="ndax left running: it is error")
    shown = view.alarm((gone,), on_call=None, contacts=(), stopping=False)
    assert "when this was seen it did not run, and whatever watches over it may start it again" in shown.text
    assert "'window.stop'" in str(shown.blocks)
