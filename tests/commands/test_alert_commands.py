"""/alerts, /silence, /silences and /oncall: what was typed, or one sentence that says what to type instead."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import find
from commands.moments import When
from commands.parsing import parse, split_root
from commands.policy import includes
from commands.spec import Request, Risk, Role, UserError
from tests.hostile import texts

BOTS = ("ndax", "quantum", "shadowforge")
HOUR = timedelta(hours=1)
EXAMPLE = 'as in /silence "slippage" 1h known feed problem'

WORDS = 'ndax open all #12 " “ ’ * ? 1h 0m 3d <@U0OPS|ops> me nobody until 07:30 tomorrow fri 2026-11-28 2026-02-30'
pieces = st.sampled_from([*WORDS.split(), "x" * 101, "\u202e", "\u200d", "&gt;"])
lines = st.one_of(texts, st.lists(st.one_of(pieces, st.text(max_size=8)), max_size=8).map(" ".join))


def alerts(bot: str | None = None, option: str = "open") -> Request:
    return Request(command="alerts", bot=bot, option=option)


def silence(pattern: str, span: timedelta = HOUR, reason: str = "known feed problem") -> Request:
    return Request(command="silence", pattern=pattern, span=span, reason=reason)


def oncall(person: str | None, until: When | None = None) -> Request:
    return Request(command="oncall", option="set", person=person, until=until)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", alerts()),
        ("open", alerts()),
        ("ALL", alerts(option="all")),
        ("ndax", alerts("ndax")),
        ("all ndax", alerts("ndax", "all")),
        ("Ndax, all all", alerts("ndax", "all")),
        ("#12", Request(command="alerts", number=12)),
        ("12", Request(command="alerts", number=12)),
        ("<#C1|12>", Request(command="alerts", number=12)),
        ("#12 12", Request(command="alerts", number=12)),
        ("\u202e999999999", Request(command="alerts", number=999_999_999)),
    ],
)
def test_which_alerts(text: str, wanted: Request) -> None:
    assert parse("alerts", text, BOTS) == wanted


def test_a_bot_with_a_number_for_a_name_is_a_bot() -> None:
    assert parse("alerts", "7", ("7",)) == alerts("7")
    assert parse("alerts", "#7", ("7",)) == Request(command="alerts", number=7)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("opne", "Did you mean open, which shows what goes on now? Nothing was read."),
        ("alll ndax", "Did you mean all, which shows also what is over? Nothing was read."),
        ("ndxa", "There is no bot 'ndxa': did you mean ndax? Nothing was read."),
        ("loud", "There is no bot 'loud': the bots are ndax, quantum and shadowforge. Nothing was read."),
        ("#0", "There is no bot '#0': the bots are ndax, quantum and shadowforge. Nothing was read."),
        ("ndax quantum", "/alerts takes one bot, or none for the whole fleet. Nothing was read."),
        ("open all", "/alerts takes open or all, not both: all holds what is open, too. Nothing was read."),
        ("12 13", "/alerts takes one number and nothing beside it, as in /alerts 12. Nothing was read."),
        ("12 ndax", "/alerts takes one number and nothing beside it, as in /alerts 12. Nothing was read."),
        ("all 12", "/alerts takes one number and nothing beside it, as in /alerts 12. Nothing was read."),
        (
            "1234567890",
            "There is no bot '1234567890': the bots are ndax, quantum and shadowforge. Nothing was read.",
        ),
    ],
)
def test_a_wrong_word_after_alerts(text: str, sentence: str) -> None:
    assert refusal("alerts", text) == sentence


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("slippage 1h known feed problem", silence("slippage")),
        ('"slippage" 1h known feed problem', silence("slippage")),
        ('" High  slippage " 1h known feed problem', silence("High slippage")),
        ("“high slippage” 1h known feed problem", silence("high slippage")),
        ("„high slippage“ 1h known feed problem", silence("high slippage")),
        ("'high slippage' 1h known feed problem", silence("high slippage")),
        ("`high slippage`1h known feed problem", silence("high slippage")),
        ("“bot's feed” 1h known feed problem", silence("bot's feed")),
        ("*slip?age* 1h known feed problem", silence("*slip?age*")),
        ('"slippage *" 1h known feed problem', silence("slippage *")),
        ("∗slip?age∗ 1h known feed problem", silence("*slip?age*")),  # copied from where we showed it
        ("* 1h known feed problem", silence("*")),
        ('" * " 1h known feed problem', silence("*")),
        ("#12 1h known feed problem", silence("#12")),
        ("a&gt;b 1h known feed problem", silence("a>b")),
        ('"1h" 1h known feed problem', silence("1h")),
        ("1h 2h known feed problem", silence("1h", 2 * HOUR)),
        (f"{'x' * 100} 1h known feed problem", silence("x" * 100)),
        ("slippage 1m known feed problem", silence("slippage", timedelta(minutes=1))),
        ("slippage 1H30M, known feed problem", silence("slippage", timedelta(minutes=90))),
        ("slippage 24h known feed problem", silence("slippage", 24 * HOUR)),
        ("slippage 1d known feed problem", silence("slippage", 24 * HOUR)),
        ("slippage 1h abc", silence("slippage", reason="abc")),
        ("sl\u200bip\u202epage 1h a\x1bb \u2066c", silence("slippage", reason="ab c")),
        (f"slippage 1h {'x' * 501}", silence("slippage", reason="x" * 499 + "…")),
        (f'"{"x" * 100}" 1h {"x" * 500}', silence("x" * 100, reason="x" * 500)),
    ],
)
def test_what_is_silenced(text: str, wanted: Request) -> None:
    assert parse("silence", text, BOTS) == wanted


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", f"Say what to silence, for how long and why, {EXAMPLE}. Nothing was silenced."),
        (
            '"" 1h known problem',
            f"Say what to silence, for how long and why, {EXAMPLE}. Nothing was silenced.",
        ),
        ("1h known problem", f"Say what to silence, for how long and why, {EXAMPLE}. Nothing was silenced."),
        ("1h", f"Say what to silence, for how long and why, {EXAMPLE}. Nothing was silenced."),
        (
            '"high slippage 1h known',
            f"The quotation marks are not closed: write them on both sides, {EXAMPLE}. Nothing was silenced.",
        ),
        (
            "** 1h known problem",
            (
                "A pattern of nothing but wildcards matches anything: write a word beside them, or a single star for "
                "everything that is not critical. Nothing was silenced."
            ),
        ),
        (
            '"? *" 1h known problem',
            (
                "A pattern of nothing but wildcards matches anything: write a word beside them, or a single star for "
                "everything that is not critical. Nothing was silenced."
            ),
        ),
        (
            "*\u200d 1h known problem",
            (
                "A pattern of nothing but wildcards matches anything: write a word beside them, or a single star for "
                "everything that is not critical. Nothing was silenced."
            ),
        ),
        (
            f"{'x' * 101} 1h known problem",
            (
                f"A pattern has at most 100 characters: write the words that matter, {EXAMPLE}. "
                "Nothing was silenced."
            ),
        ),
        (
            "slippage",
            (
                f"The time is missing: say for how long behind the pattern, {EXAMPLE}; several words need quotation "
                "marks. Nothing was silenced."
            ),
        ),
        (
            "high slippage 1h known",
            (
                f"'slippage' is not a time: say for how long behind the pattern, {EXAMPLE}; several words need "
                "quotation marks. Nothing was silenced."
            ),
        ),
        (
            "slippage 25h known",
            "A silence lasts at least 1 minute and at most 24 hours, not 25h. Nothing was silenced.",
        ),
        (
            "slippage 24h1m known",
            "A silence lasts at least 1 minute and at most 24 hours, not 24h1m. Nothing was silenced.",
        ),
        (
            "slippage 0m known",
            "A silence lasts at least 1 minute and at most 24 hours, not 0m. Nothing was silenced.",
        ),
        (
            "slippage 1h",
            f"Say why in at least 3 characters behind the time, {EXAMPLE}. Nothing was silenced.",
        ),
        (
            "slippage 1h o\u200bk\u202e ",
            f"Say why in at least 3 characters behind the time, {EXAMPLE}. Nothing was silenced.",
        ),
        (
            "slippage 1h 30m known",
            "Write the time as one word, such as 1h30m, and the reason behind it. Nothing was silenced.",
        ),
    ],
)
def test_what_is_missing_for_a_silence(text: str, sentence: str) -> None:
    assert refusal("silence", text) == sentence


@pytest.mark.parametrize("text", ["", "all of them please", "\u202e"])
def test_silences_takes_nothing(text: str) -> None:
    assert parse("silences", text, BOTS) == Request(command="silences")


@pytest.mark.parametrize("text", ["", "  ", "\u202e\u200b"])
def test_who_is_on_call_is_shown(text: str) -> None:
    assert parse("oncall", text, BOTS) == Request(command="oncall", option="show")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("me", oncall("me")),
        ("ME!", oncall("me")),
        ("<@U123ABC>", oncall("U123ABC")),
        (" \u202e<@W123ABC|ada & co>, ", oncall("W123ABC")),
        ("<@U123ABC|ada> 8h", oncall("U123ABC", When(typed="8h", span=8 * HOUR))),
        ("<@U123ABC>\nuntil\n07:30", oncall("U123ABC", When(typed="07:30", at=time(7, 30)))),
        ("me tomorrow 08:00", oncall("me", When(typed="tomorrow 08:00", ahead=1, at=time(8)))),
        ("me until fri 18:00", oncall("me", When(typed="fri 18:00", weekday=4, at=time(18)))),
        ("me until 2026-11-28", oncall("me", When(typed="2026-11-28", day=date(2026, 11, 28)))),
        ("nobody", oncall(None)),
        ("None", oncall(None)),
        ("off", oncall(None)),
    ],
)
def test_who_is_set_on_call(text: str, wanted: Request) -> None:
    assert parse("oncall", text, BOTS) == wanted


@pytest.mark.parametrize(
    "typed", ["bob", "@bob", "<@u123abc>", "until", "<!subteam^S123>", "<#C1|ops>", "<@U1"]
)
def test_a_person_is_a_mention(typed: str) -> None:
    found = refusal("oncall", f"{typed} 8h")
    assert found.startswith(
        "Write the person as a mention that Slack offers when you type @, as in /oncall @name until 07:30, or write "
        "me or nobody: I cannot tell who '"
    )
    assert found.endswith("' is. Nothing was changed.")


@pytest.mark.parametrize(
    ("text", "said"),
    [("me soon", "soon"), ("<@U1> <@U2|bob>", "@bob"), ("me until", "until"), ("me 1h 30m", "1h 30m")],
)
def test_a_time_that_is_none_is_no_turn_without_an_end(text: str, said: str) -> None:
    assert refusal("oncall", text) == (
        f"'{said}' is not a time: write 8h, 07:30, tomorrow 08:00, fri 18:00 or 2026-11-28 08:00, or nothing to let it "
        "hold until it is changed. Nothing was changed."
    )


def test_nobody_takes_no_time() -> None:
    assert refusal("oncall", "nobody until 8h") == (
        "/oncall nobody takes no time: it holds until somebody is named. Nothing was changed."
    )


def test_a_mention_of_the_bot_does_not_take_the_person_away() -> None:
    name, rest = split_root("<@U0BOT> oncall <@U123ABC> until 8h")
    assert parse(name, rest, BOTS).person == "U123ABC"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("alerts", Role.VIEWER),
        ("silence", Role.OPERATOR),
        ("silences", Role.VIEWER),
        ("oncall", Role.VIEWER),
    ],
)
def test_who_may(name: str, role: Role) -> None:
    command = find(name)
    assert command is not None
    assert command.role is role
    for option in ("", "open", "all", "show", "set"):
        assert command.risk_of(Request(command=name, option=option)) is Risk.READ


def test_the_help_of_a_silence_names_its_limits() -> None:
    command = find("silence")
    assert command is not None
    assert not includes(Role.VIEWER, command.role)
    assert "at least a minute and at most 24 hours" in command.help


@given(name=st.sampled_from(["alerts", "silence", "silences", "oncall"]), text=lines)
def test_any_text_is_a_request_or_one_short_sentence(name: str, text: str) -> None:
    try:
        request = parse(name, text, BOTS)
    except UserError as error:
        sentence = str(error)
        assert len(sentence) <= 400
        assert sentence.endswith((" Nothing was read.", " Nothing was silenced.", " Nothing was changed."))
        plain(sentence)
    else:
        for said in (request.pattern, request.reason, request.person or "", request.option):
            plain(said)
        assert len(request.pattern) <= 100
        assert request.pattern == " ".join(request.pattern.split())
        assert len(request.reason) <= 500
        assert (request.span is not None) == (request.command == "silence") == bool(request.pattern)
        if request.span is not None:
            assert timedelta(minutes=1) <= request.span <= timedelta(hours=24)
            assert len(request.reason) >= 3
        if request.until is not None:
            plain(request.until.typed)
            assert request.person is not None


def plain(said: str) -> None:
    """Nothing in it turns the line, hides or cannot be stored."""
    said.encode()
    assert not any(ord(char) < 32 or char in "\u202e\u2066\u2069\u200b\u061c\ufeff\x7f\x9b" for char in said)


def refusal(name: str, text: str) -> str:
    with pytest.raises(UserError) as raised:
        parse(name, text, BOTS)
    return str(raised.value)
