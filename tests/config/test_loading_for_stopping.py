"""A stop from a terminal goes on although something else is set wrong, but never to the wrong place."""

from pathlib import Path

import pytest

from config.loading import SettingsError, load_for_stopping


def test_mistakes_elsewhere_become_warnings_and_defaults(tmp_path: Path) -> None:
    found, warnings = load_for_stopping(
        {
            "CHATBOT_COORDINATOR__URL": "http://there:8000",
            "CHATBOT_COORDINATOR__READ_TIMEOUT": "soon",
            "CHATBOT_CHANNELS__OPS": "C1",
            "CHATBOT_CHANNELS__ALLOWED": "#ops",
            "CHATBOT_ROLES__ADMIN": "x",
            "CHATBOT_CONTACTS": '[{"role": "x"}, {"role": "y", "phone": "1"}]',
            "CHATBOT_DATABASE__URL": "mysql://x",
            "CHATBOT_KILL": "1",
        },
        cwd=tmp_path,
    )
    assert found.coordinator.url == "http://there:8000"
    assert found.coordinator.read_timeout == 3.0
    assert (found.channels.ops, found.channels.allowed) == ("C1", ())
    assert found.contacts == ()
    assert found.database.url == "sqlite:///var/chatbot.db"
    assert len(warnings) == 6


def test_nothing_wrong_is_no_warning(tmp_path: Path) -> None:
    assert load_for_stopping({}, cwd=tmp_path)[1] == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHATBOT_COORDINATOR__URL", "localhost:8000"),
        ("CHATBOT_COORDINATOR__BOTS", "ndax"),
        ("CHATBOT_COORDINATOR_URL", "http://there:8000"),
        ("CHATBOT_COORDINATOR", "http://there:8000"),
    ],
)
def test_a_doubt_about_the_coordinator_is_told_instead_of_guessed(
    name: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_for_stopping({name: value, "CHATBOT_HTTP__PORT": "x"}, cwd=tmp_path)
    (told,) = caught.value.mistakes
    assert name in told


def test_a_misspelt_coordinator_in_the_file_is_a_doubt(tmp_path: Path) -> None:
    (tmp_path / "chatbot.toml").write_text('[coordinater]\nurl = "http://there:8000"\n')
    with pytest.raises(SettingsError, match="did you mean coordinator"):
        load_for_stopping({}, cwd=tmp_path)


def test_a_broken_file_may_have_named_the_coordinator(tmp_path: Path) -> None:
    (tmp_path / "chatbot.toml").write_text('[coordinator]\nurl = "http://there:8000')
    with pytest.raises(SettingsError, match="is not valid TOML"):
        load_for_stopping({}, cwd=tmp_path)


def test_a_broken_file_does_no_harm_when_the_environment_names_the_coordinator(tmp_path: Path) -> None:
    (tmp_path / "chatbot.toml").write_text("[")
    found, (warning,) = load_for_stopping({"CHATBOT_COORDINATOR__URL": "http://there:8000"}, cwd=tmp_path)
    assert found.coordinator.url == "http://there:8000"
    assert "is not valid TOML" in warning
