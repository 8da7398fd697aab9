"""The short answers: help, contacts, refusals; and the markup they are made of."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from view_cases import CONTACTS

from chatbot.views import contacts, refusals
from chatbot.views import help as help_view
from chatbot.views.blocks import Message, button, header, message, section
from chatbot.views.markup import escape, lasting, outside, person, shortened, when
from commands import COMMANDS
from commands.spec import Role
from config.settings import Contact


def shown(topic: str | None, role: Role | None = Role.ADMIN) -> str:
    return help_view.help_message(COMMANDS, topic=topic, role=role, root_command="/fleet").text


def test_help_lists_every_command_in_order_and_marks_what_is_not_allowed() -> None:
    text = shown(None, Role.VIEWER)
    lines = [line for line in text.splitlines() if line.startswith("`/")]
    typed = [
        "/kill",
        "/stop",
        "/pause",
        "/fleet status",
        "/alerts",
        "/silence",
        "/silences",
        "/oncall",
        "/monitor",
        "/windows",
        "/diagnose",
        "/logs",
        "/recover",
        "/config",
        "/evidence",
        "/host",
        "/recoveries",
        "/override",
        "/force-override",
        "/start",
        "/start-sequential",
        "/resume",
        "/lockdown",
        "/approvals",
        "/fleet who",
        "/contacts",
        "/help",
    ]  # Slack keeps /status for itself
    words = [line.split("`")[1].split() for line in lines]
    assert [" ".join(each[: 2 if each[0] == "/fleet" else 1]) for each in words] == typed
    assert "`/stop &lt;bot&gt; [reason]`  Stop one bot (needs the role operator)" in lines
    assert "needs the role" not in shown(None, Role.ADMIN)
    assert "`/fleet kill bad fills`" in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_for_one_command_tells_all_about_it(command: object) -> None:
    for each in COMMANDS:
        text = shown(each.name)
        assert escape(each.help) in text
        assert f"/fleet {each.name}" in text
        assert "/status" not in text


def test_a_stop_is_said_to_need_nobody_else() -> None:
    assert "no second person, no question, no waiting time" in shown("kill")
    assert "no second person" not in shown("status")


def test_contacts_stand_by_role() -> None:
    assert contacts.contacts(CONTACTS).text == (
        "☎️ Emergency contacts\n"
        "*primary administrator*: <@U0ADMIN1>, tel. +1 555 0100\n"
        "*exchange support*: <https://example.test/support?a=1&amp;b=2>\n"
        "From the configuration of this bot; nobody was called or notified."
    )


def test_no_contacts_and_too_many_are_said() -> None:
    assert "No emergency contacts are configured: an admin adds them" in contacts.contacts(()).text
    many = tuple(Contact(role=f"role {number}", name="a desk") for number in range(23))
    text = contacts.contacts(many).text
    assert "*role 19*: a desk" in text
    assert "3 more stand in the configuration." in text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://a.test/|x", "https://a.test/<!channel>"])
def test_a_link_that_is_no_plain_address_is_only_text(link: str) -> None:
    text = contacts.contacts(
        (Contact.model_construct(role="x", name=None, slack=None, phone=None, link=link),)
    ).text
    assert outside(link) in text
    assert f"<{link}" not in text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("*bold* and **more**", "∗bold∗ and ∗∗more∗∗"),
        ("~gone~", "∼gone∼"),
        ("`code`", "'code'"),
        ("_so_ (_so_)", "ˍsoˍ (ˍsoˍ)"),
        ("NAME__WITH_LINES shadow_forge", "NAME__WITH_LINES shadow_forge"),
    ],
)
def test_outside_text_formats_nothing_and_stays_readable(typed: str, shown: str) -> None:
    assert outside(typed) == shown


def test_a_refusal_is_the_sentence_and_a_fault_has_its_reference() -> None:
    assert (
        refusals.refusal("Say which bot, as in /stop <bot>.").text
        == "Say which bot, as in /stop &lt;bot&gt;."
    )
    told = refusals.refusal("It was approved by U0ADMIN2, not <@U0ADMIN1>: kill-U7F3K2QX, UNKNOWN.").text
    assert told == "It was approved by <@U0ADMIN2>, not &lt;@U0ADMIN1&gt;: kill-U7F3K2QX, UNKNOWN."
    assert refusals.refusal("").text == "Nothing was done."
    assert "(reference ref-12ab)" in refusals.fault("ref-12ab").text


@pytest.mark.parametrize(
    ("who", "written"),
    [
        ("U0ADMIN1", "<@U0ADMIN1>"),
        ("W0ADMIN1", "<@W0ADMIN1>"),
        ("terminal:root", "root at the terminal"),
        ("chatbot", "this bot itself"),
        ("u0admin1", "u0admin1"),
        ("U0ADMIN1> <!channel", "U0ADMIN1&gt; &lt;!channel"),
        ("U0ADMIN1\n", "U0ADMIN1"),
        ("", "somebody"),
    ],
)
def test_people_are_mentioned_only_by_a_whole_id(who: str, written: str) -> None:
    assert person(who) == written


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0.0 s"),
        (0.84, "0.8 s"),
        (9.96, "10 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3600 * 3 + 300, "3 h 5 min"),
        (3600 * 52, "2 d 4 h"),
    ],
)
def test_lengths_of_time_read_as_people_say_them(seconds: float, words: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == words


def test_times_from_any_zone_are_the_same_moment() -> None:
    there = datetime(2026, 11, 24, 5, 12, 5, tzinfo=timezone(timedelta(hours=2)))
    here = datetime(2026, 11, 24, 3, 12, 5, tzinfo=UTC)
    assert when(there) == when(here) == "<!date^1795489925^{time_secs}|03:12:05 UTC>"
    assert when(here, day=True).endswith("|2026-11-24 03:12:05 UTC>")


@given(
    parts=st.lists(st.sampled_from(["<!date^1^{time}|now>", "&amp;", "<@U1>", "words ", "x"]), max_size=20),
    limit=st.integers(min_value=1, max_value=60),
)
def test_markup_is_never_cut_inside_a_token(parts: list[str], limit: int) -> None:
    text = shortened("".join(parts), limit)
    assert len(text) <= limit
    assert text.count("<") == text.count(">")
    assert text.count("&") == text.count(";")


def test_a_message_says_in_words_what_its_blocks_say() -> None:
    made = message(header("Head & <line>"), None, section("a", "", "b"), section(" "))
    assert made == Message(
        text="Head &amp; &lt;line&gt;\na\nb",
        blocks=(header("Head & <line>"), section("a", "b") or {}),
    )
    assert made.payload()["text"] == made.text
    assert message().text == "(nothing to show)"


def test_a_message_never_has_more_blocks_than_slack_takes() -> None:
    assert len(message(*(section(str(number)) for number in range(60))).blocks) == 50


def test_a_button_without_a_value_sends_none() -> None:
    assert "value" not in button("Refresh", "status.refresh")
    assert button("Refresh", "status.refresh", value="ndax")["value"] == "ndax"
