"""Reads the environment and the TOML file into one mapping; judges names and form, not values."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from config.mistakes import Mistake, nearest, unknown

PREFIX = "CHATBOT_"
FILE_VARIABLE = "CHATBOT_CONFIG"
DEFAULT_FILE = "chatbot.toml"

PLAIN: Mapping[tuple[str, ...], str] = {
    ("slack", "bot_token"): "SLACK_BOT_TOKEN",
    ("slack", "app_token"): "SLACK_APP_TOKEN",
    ("slack", "signing_secret"): "SLACK_SIGNING_SECRET",
    ("slack", "api_url"): "SLACK_API_URL",
}
"""Settings that have the names Slack's own documents use."""

# Kubernetes puts these into every container when a service is called "chatbot".
_OF_KUBERNETES = re.compile(r"CHATBOT_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_\w+)?)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of all settings: (group, key), or (key,) where a setting stands in no group."""

    keys: tuple[tuple[str, ...], ...]
    groups: frozenset[str]

    @classmethod
    def of(cls, tree: type[BaseSettings]) -> "Names":
        """The names in a tree of settings."""
        keys: list[tuple[str, ...]] = []
        groups = set()
        for name, field in tree.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                groups.add(name)
                keys += [(name, key) for key in field.annotation.model_fields]
            else:
                keys.append((name,))
        return cls(keys=tuple(keys), groups=frozenset(groups))

    def variable(self, key: tuple[str, ...]) -> str:
        """The environment variable of a setting or group."""
        return PLAIN.get(key) or PREFIX + "__".join(key).upper()

    def shown(self, key: tuple[str, ...]) -> str:
        """A setting by its variable and its place in the TOML file."""
        return f"{self.variable(key)} ({'.'.join(key)} in TOML)"

    def nearest(self, name: str) -> tuple[str, ...] | None:
        """The setting that somebody who wrote this variable or TOML key may have meant."""
        wanted = name.upper() if name.upper().startswith(PREFIX) else PREFIX + name.replace(".", "__").upper()
        return nearest(wanted, {PREFIX + "__".join(key).upper(): key for key in self.keys})


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was found; ``file_was_read`` is False when a file that should be there could not be used."""

    values: Mapping[str, object]
    from_environment: Mapping[str, Any]
    mistakes: tuple[Mistake, ...]
    file_was_read: bool


class Environment(EnvSettingsSource):
    """The given variables, not the process's; text that is no JSON stays text, for validation to judge."""

    def __init__(self, tree: type[BaseSettings], variables: Mapping[str, str]) -> None:
        super().__init__(tree)
        self.env_vars = {name.lower(): value for name, value in variables.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The JSON value, or the text as it is."""
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value


def collect(tree: type[BaseSettings], environ: Mapping[str, str], cwd: Path) -> Collected:
    """Everything that is set, environment before TOML file."""
    names = Names.of(tree)
    variables, mistakes = _variables(names, environ)
    from_file, wrong = _file(environ, cwd)
    from_environment = Environment(tree, variables)()
    values: dict[str, object] = dict(from_file)
    for name, value in from_environment.items():
        below = values.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            values[name] = {**below, **value}
        else:
            values[name] = value
    return Collected(
        values=values,
        from_environment=from_environment,
        mistakes=tuple(mistakes) if wrong is None else (wrong, *mistakes),
        file_was_read=wrong is None,
    )


def _variables(names: Names, environ: Mapping[str, str]) -> tuple[dict[str, str], list[Mistake]]:
    """Our variables by their nested names, without empty ones: a line left blank in a form sets nothing."""
    known = {names.variable(key): PREFIX + "__".join(key).upper() for key in names.keys}
    variables: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for name, value in sorted(environ.items()):
        if name in known:
            if value.strip():
                variables[known[name]] = value.strip()
        elif name == FILE_VARIABLE or _OF_KUBERNETES.fullmatch(name) or not name.upper().startswith(PREFIX):
            continue
        elif name.removeprefix(PREFIX).lower() in names.groups:
            group = name.removeprefix(PREFIX).lower()
            example = names.variable(next(key for key in names.keys if key[0] == group))
            told = f"{name} is a group, not a setting; set its keys one by one, such as {example}."
            mistakes.append(Mistake(key=(group,), sentence=told))
        else:
            mistakes.append(unknown(name, names))
    return variables, mistakes


def _file(environ: Mapping[str, str], cwd: Path) -> tuple[dict[str, Any], Mistake | None]:
    named = environ.get(FILE_VARIABLE)
    if named is not None and not named.strip():
        return {}, None  # set to nothing: no file is wanted, not even the one that is there
    path = cwd / (named.strip() if named else DEFAULT_FILE)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), None
    except FileNotFoundError:
        if named is None:
            return {}, None
        told = f"{FILE_VARIABLE} names {path}, which is not there: correct the path or unset the variable."
    except OSError as error:
        told = f"The settings file {path} cannot be read ({error.strerror}): correct it or {FILE_VARIABLE}."
    except UnicodeDecodeError:
        told = f"The settings file {path} is not UTF-8 text: save it as UTF-8."
    except tomllib.TOMLDecodeError as error:
        # the place alone: the parser's words may repeat what stands there
        place = re.search(r"at (line \d+, column \d+|end of document)", str(error))
        where = f" at {place[1]}" if place else ""
        told = f"The settings file {path} is not valid TOML{where}: correct it there."
    return {}, Mistake(key=(), sentence=told)
