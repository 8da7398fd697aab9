"""The documentation and the example say what the program does."""

import json
import re
import tomllib
from pathlib import Path

from config.loading import load
from config.settings import Contact, Settings
from config.sources import Names

ROOT = Path(__file__).parents[2]
NAMES = Names.of(Settings)
TABLE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "chatbot.example.toml"


def row(key: tuple[str, ...]) -> str:
    """The row that a setting must have in the documentation."""
    if key == ("contacts",):
        return (
            f"| `{NAMES.variable(key)}` | `contacts` | none | Whom to turn to in an emergency; see below. |"
        )
    group = Settings.model_fields[key[0]]
    told = type(group.default).model_fields[key[1]].description
    return (
        f"| `{NAMES.variable(key)}` | `{'.'.join(key)}` | {shown(getattr(group.default, key[1]))} | {told} |"
    )


def shown(default: object) -> str:
    if default is None or default == ():
        return "none"
    return f"`{json.dumps(default) if isinstance(default, tuple) else default}`"


def test_every_setting_stands_in_the_documentation_as_it_is() -> None:
    missing = [row(key) for key in NAMES.keys if row(key) not in TABLE.splitlines()]
    assert missing == []


def test_the_documentation_tells_of_no_setting_that_is_not() -> None:
    told = re.findall(r"^\| `([A-Z_]+)` \|", TABLE, re.MULTILINE)
    assert sorted(told) == sorted(NAMES.variable(key) for key in NAMES.keys)


def test_every_key_of_a_contact_is_documented() -> None:
    for name in Contact.model_fields:
        assert f"`{name}`" in TABLE


def test_the_example_loads_and_shows_every_group(tmp_path: Path) -> None:
    found = load({"CHATBOT_CONFIG": str(EXAMPLE)}, cwd=tmp_path)
    assert found.contacts
    assert found.roles.admins
    text = EXAMPLE.read_text(encoding="utf-8")
    for group in NAMES.groups:
        assert f"[{group}]" in text


def test_every_line_of_the_example_that_is_switched_off_is_right_too(tmp_path: Path) -> None:
    text = re.sub(r"^#(\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    keys = {
        (group, key) for group, keys in tomllib.loads(text).items() if group != "contacts" for key in keys
    }
    secrets = {("slack", "bot_token"), ("slack", "app_token"), ("slack", "signing_secret")}
    assert keys | secrets | {("contacts",)} == set(NAMES.keys)  # secrets belong into the environment
    path = tmp_path / "all.toml"
    path.write_text(text, encoding="utf-8")
    load({"CHATBOT_CONFIG": str(path)}, cwd=tmp_path)
