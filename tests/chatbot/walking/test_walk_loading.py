"""What is read when the program starts: every mistake in every runbook at once, and no stop waits for it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from chatbot.cli import chatbot
from chatbot.walking.loading import load_runbooks, places_of
from config.mistakes import SettingsError
from config.runbooks import OURS
from config.settings import Recovery
from tests.conversation import conversation


def theirs(directory: Path, name: str, *changes: tuple[str, str]) -> Recovery:
    """Settings with a directory that holds one of our runbooks, changed."""
    directory.mkdir(exist_ok=True)
    text = (OURS / f"{name}.toml").read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (directory / f"{name}.toml").write_text(text)
    return Recovery(runbooks=str(directory))


def test_a_runbook_of_the_operator_takes_the_place_of_ours(tmp_path: Path) -> None:
    settings = theirs(tmp_path / "books", "resources", ('title = "', 'title = "Ours: '))
    titles = [each.title for each in load_runbooks(settings) if each.id == "resources"]
    assert titles[0].startswith("Ours: ")
    assert len(load_runbooks(settings)) == len(load_runbooks(Recovery()))


def test_a_command_that_nobody_could_type_like_that_is_a_mistake(tmp_path: Path) -> None:
    settings = theirs(tmp_path / "books", "resources", ('"/evidence"', '"/start nobody"'))
    with pytest.raises(SettingsError) as raised:
        load_runbooks(settings)
    (mistake,) = raised.value.mistakes
    assert mistake.startswith(
        "The runbook resources, step evidence: '/start nobody' cannot be typed like that:"
    )


def test_a_home_that_holds_not_its_own_directories_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        places_of(Recovery(home=str(tmp_path), logs="/var/log"))
    assert "recovery.home cannot be used" in str(raised.value)
    assert places_of(Recovery()) is None


async def test_a_broken_runbook_keeps_it_from_serving_and_no_stop_from_going(tmp_path: Path) -> None:
    books = str(theirs(tmp_path / "books", "resources", ("[[symptoms]]", "[[symptom]]")).runbooks)
    (tmp_path / "books" / "other.toml").write_text("id = [")
    async with conversation(tmp_path, start=False, CHATBOT_RECOVERY__RUNBOOKS=books) as talk:
        code, printed = await talk.bot.command_line("serve")
        assert code == 2, printed
        assert "resources.toml" in printed
        assert "other.toml" in printed
        assert "Traceback" not in printed
        code, printed = await talk.bot.command_line("doctor")
        assert code == 1
        assert "Runbooks: " in printed
        code, printed = await talk.bot.command_line("handbook")
        assert code == 2
        assert "other.toml" in printed
        assert (await talk.bot.command_line("migrate"))[0] == 0
        code, printed = await talk.bot.command_line("kill", "--reason", "the runbook is broken")
        assert code == 0, printed
        assert talk.posts()[0]["action"] == "activate"


def test_the_handbook_that_is_printed_is_the_one_in_docs() -> None:
    printed = CliRunner().invoke(chatbot, ["handbook"], env={"CHATBOT_CONFIG": ""})
    assert printed.exit_code == 0, printed.output
    assert printed.output == (OURS.parent.parent / "docs" / "handbook.md").read_text()
