"""A line somebody typed becomes a request, or one sentence that says what to type instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import COMMANDS
from commands.parsing import parse, split_root
from commands.spec import Request, UserError
from tests.hostile import texts

BOTS = ("ndax", "quantum", "shadowforge")


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("kill", "", Request(command="kill")),
        ("/kill", "bad fills", Request(command="kill", reason="bad fills")),
        ("/KILL", "ndax", Request(command="kill", reason="ndax")),
        ("kill!!!", "help", Request(command="kill", reason="help")),
        ("&lt;kill&gt;", "all", Request(command="kill", reason="all")),
        ("*kill*", "all", Request(command="kill", reason="all")),
        ("kill", "ndax payload mismatch", Request(command="kill", reason="ndax payload mismatch")),
        ("kill", "a \n\t b", Request(command="kill", reason="a b")),
        ("override", "feed is *fixed*", Request(command="override", reason="feed is *fixed*")),
        ("force-override", "breaker is stuck", Request(command="force-override", reason="breaker is stuck")),
        ("start", "ndax", Request(command="start", bot="ndax", option="safe")),
        (
            "start",
            "NDAX Full it is fixed",
            Request(command="start", bot="ndax", option="full", reason="it is fixed"),
        ),
        (
            "start",
            "ndax fully fixed",
            Request(command="start", bot="ndax", option="safe", reason="fully fixed"),
        ),
        ("start-sequential", "", Request(command="start-sequential", option="safe")),
        ("start-sequential", "full go", Request(command="start-sequential", option="full", reason="go")),
        ("resume", "quantum ok", Request(command="resume", bot="quantum", reason="ok")),
        ("lockdown", "ON breach", Request(command="lockdown", option="on", reason="breach")),
        ("lockdown", "off", Request(command="lockdown", option="off")),
        ("approvals", "whatever", Request(command="approvals")),
        ("who", "", Request(command="who")),
        ("kill", "5 &lt; 6 &amp;amp; 7", Request(command="kill", reason="5 < 6 &amp; 7")),
        (
            "kill",
            "ask <@U1|ops lead> in <#C1|desk>",
            Request(command="kill", reason="ask @ops lead in #desk"),
        ),
        ("stop", "ndax", Request(command="stop", bot="ndax")),
        ("stop", "NDAX loses money", Request(command="stop", bot="ndax", reason="loses money")),
        ("stop", '"quantum", it\'s "odd', Request(command="stop", bot="quantum", reason="it's \"odd")),
        ("pause", "shadowforge", Request(command="pause", bot="shadowforge")),
        ("stop", "ndax quantum is next", Request(command="stop", bot="ndax", reason="quantum is next")),
        ("status", "", Request(command="status")),
        ("status", "public quantum", Request(command="status", bot="quantum", public=True)),
        ("status", "Quantum PUBLIC", Request(command="status", bot="quantum", public=True)),
        ("status", "all", Request(command="status")),
        ("contacts", "anything", Request(command="contacts")),
        ("help", "", Request(command="help")),
        ("help", "/Kill please", Request(command="help", topic="kill")),
    ],
)
def test_what_was_typed_is_understood(name: str, text: str, wanted: Request) -> None:
    assert parse(name, text, BOTS) == wanted


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("kil", "", "There is no command 'kil': did you mean /kill? Nothing was done."),
        ("stats", "", "There is no command 'stats': did you mean /fleet status? Nothing was done."),
        ("ki&amp;l", "", "There is no command 'ki&l': did you mean /kill? Nothing was done."),
        (
            "@@@",
            "",
            "I did not understand that: /help lists what there is. Nothing was done.",
        ),
        (
            "launch",
            "",
            "There is no command 'launch': /help lists what there is. Nothing was done.",
        ),
        ("stop", "ndx", "There is no bot 'ndx': did you mean ndax? Nothing was stopped."),
        ("pause", "qantum now", "There is no bot 'qantum': did you mean quantum? Nothing was paused."),
        (
            "stop",
            "zzz",
            "There is no bot 'zzz': the bots are ndax, quantum and shadowforge. Nothing was stopped.",
        ),
        (
            "stop",
            "  ",
            (
                "Say which bot, as in /stop ndax: the bots are ndax, quantum and shadowforge. "
                "To stop all of them, type /kill. Nothing was stopped."
            ),
        ),
        (
            "stop",
            "ALL now",
            "/stop is for one bot: to stop the whole fleet, type /kill. Nothing was stopped.",
        ),
        ("pause", "*", "/pause is for one bot: to stop the whole fleet, type /kill. Nothing was paused."),
        (
            "stop",
            "ndax, and quantum",
            (
                "/stop is for one bot at a time: type /stop ndax, then /stop quantum, or /kill to stop "
                "the whole fleet. Nothing was stopped."
            ),
        ),
        (
            "override",
            " ",
            "Say why the fleet may trade again, as in /override feed is fixed. Nothing was asked or sent.",
        ),
        (
            "force-override",
            "fourteen chars",
            (
                "/force-override goes past the rules, so it takes a reason of at least 15 characters. "
                "Nothing was asked or sent."
            ),
        ),
        (
            "start",
            "",
            (
                "Say which bot, as in /start ndax: the bots are ndax, quantum and shadowforge. To start all of them, "
                "type /start-sequential. Nothing was started."
            ),
        ),
        (
            "start",
            "all full",
            "/start is for one bot: to start the whole fleet, type /start-sequential. Nothing was started.",
        ),
        (
            "lockdown",
            "please",
            "Write /lockdown on or /lockdown off, with a reason behind it. Nothing was changed.",
        ),
        ("status", "ndax quantum", "/status takes one bot, or none for the whole fleet. Nothing was read."),
        ("status", "ndaxx", "There is no bot 'ndaxx': did you mean ndax? Nothing was read."),
        (
            "status",
            "pubilc",
            "Did you mean public, which shows the answer to everybody here? Nothing was read.",
        ),
        ("help", "stpo", "There is no command 'stpo': did you mean /stop? Nothing was done."),
    ],
)
def test_a_mistake_gets_one_sentence_that_helps(name: str, text: str, sentence: str) -> None:
    with pytest.raises(UserError) as raised:
        parse(name, text, BOTS)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kill bad fills", ("kill", "bad fills")),
        ("<@U0BOT> kill bad\nfills ", ("kill", "bad\nfills")),
        (" <@U0BOT|fleet>: KILL!", ("KILL!", "")),
        ("<@U0BOT><@U0BOT> stop ndax", ("stop", "ndax")),
        ("\u200b<@U0BOT> \u202akill", ("kill", "")),
        ("kill <@U0BOT> now", ("kill", "<@U0BOT> now")),
        ("<@U0BOT>", ("", "")),
        ("", ("", "")),
    ],
)
def test_the_subcommand_is_split_from_what_follows(text: str, wanted: tuple[str, str]) -> None:
    assert split_root(text) == wanted


@given(text=texts)
def test_a_kill_is_never_refused_for_its_text(text: str) -> None:
    request = parse("kill", text, BOTS)
    assert (request.command, request.bot) == ("kill", None)
    assert len(request.reason) <= 500
    request.reason.encode()  # no unpaired surrogate: what cannot be encoded cannot be stored
    assert request.reason == " ".join(request.reason.split())
    assert not any(ord(char) < 32 or char in "\u202e\u2066\u200b\x7f" for char in request.reason)


@given(text=texts)
def test_a_kill_reached_by_the_root_command_or_a_mention_is_never_refused_either(text: str) -> None:
    name, rest = split_root(f"<@U0BOT> kill {text}")
    assert parse(name, rest, BOTS).command == "kill"


@given(
    name=st.one_of(texts, st.sampled_from([command.name for command in COMMANDS])),
    text=texts,
    bots=st.sampled_from([BOTS, (), ("Ndax", "b")]),
)
def test_nothing_but_a_user_error_is_raised(name: str, text: str, bots: tuple[str, ...]) -> None:
    try:
        request = parse(name, text, bots)
    except UserError as error:
        sentence = str(error)
        assert sentence
        assert len(sentence) < 400
        sentence.encode()
        assert sentence.endswith(".")
    else:
        assert request.bot is None or request.bot in bots
        assert request.command in {command.name for command in COMMANDS}


@given(text=texts)
def test_splitting_never_raises(text: str) -> None:
    name, rest = split_root(text)
    assert not any(char.isspace() for char in name)
    assert rest == rest.strip()
