"""Reads the settings; every mistake is reported at once, and a stop goes on in spite of most of them."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from config.mistakes import Mistake, SettingsError, sentence
from config.settings import Settings
from config.sources import Collected, Names, collect

__all__ = ["SettingsError", "load", "load_for_stopping", "serve_mistakes"]

PACE = frozenset({"poll_seconds", "connect_timeout", "read_timeout"})
"""What a stop can take the default of although the coordinator's group is concerned."""


def load(environ: Mapping[str, str], *, cwd: Path = Path(), to_serve: bool = False) -> Settings:
    """The settings; SettingsError with all mistakes, with those of `serve_mistakes` if ``to_serve``."""
    found = collect(Settings, environ, cwd)
    settings, mistakes = _settle(found)
    if to_serve and found.file_was_read:  # without the file all would seem to be missing
        concerned = {mistake.key for mistake in mistakes}
        mistakes += tuple(each for each in _lacking(settings) if each.key not in concerned)
    if mistakes:
        raise SettingsError(tuple(mistake.sentence for mistake in mistakes))
    return settings


def load_for_stopping(environ: Mapping[str, str], *, cwd: Path = Path()) -> tuple[Settings, tuple[str, ...]]:
    """The settings and what is wrong with them, for a stop that goes on with defaults where it safely can.

    SettingsError only when it is not sure which coordinator to stop, with what token, and which bots are
    behind it: a stop sent to the wrong place and read back there would look verified.
    """
    found = collect(Settings, environ, cwd)
    settings, mistakes = _settle(found)
    fatal = [each for each in mistakes if each.key[:1] == ("coordinator",) and not PACE & set(each.key)]
    if not found.file_was_read and "url" not in found.from_environment.get("coordinator", {}):
        fatal += [each for each in mistakes if each.key == ()]
    if fatal:
        raise SettingsError(tuple(mistake.sentence for mistake in fatal))
    return settings, tuple(mistake.sentence for mistake in mistakes)


def serve_mistakes(settings: Settings) -> tuple[str, ...]:
    """What stands in the way of serving, one sentence each, in settings that are right in themselves."""
    return tuple(mistake.sentence for mistake in _lacking(settings))


def _settle(found: Collected) -> tuple[Settings, tuple[Mistake, ...]]:
    """The settings with defaults in place of whatever is wrong, and all that is wrong."""
    values, mistakes = dict(found.values), list(found.mistakes)
    names = Names.of(Settings)
    while True:  # ends: each round takes away at least one key
        try:
            return Settings.model_validate(values), tuple(mistakes)
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                # a default that rests on a wrong setting: that one is told
                if each["type"] != "default_factory_not_called":
                    mistakes.append(sentence(each, names))
                values = _without(values, each["loc"])


def _without(values: Mapping[str, object], loc: tuple[int | str, ...]) -> dict[str, object]:
    """The values without the key at fault; of a list nothing is kept."""
    name = str(loc[0])
    group = values.get(name)
    rest = {key: value for key, value in values.items() if key != name}
    if len(loc) > 1 and isinstance(group, Mapping):
        rest[name] = {key: value for key, value in group.items() if key != loc[1]}
    return rest


def _lacking(settings: Settings) -> tuple[Mistake, ...]:
    slack, names = settings.slack, Names.of(Settings)
    found: list[tuple[str, str, str]] = []
    if not settings.roles.admins:
        found.append(
            ("roles", "admins", 'names no admin; write a list of Slack user ids such as ["U012AB3CD"]')
        )
    if not settings.channels.ops:
        found.append(("channels", "ops", "is missing; write the id of the channel for reports, as C012AB3CD"))
    if slack.bot_token is None:
        found.append(("slack", "bot_token", "is missing; copy the bot token (xoxb-...) of the Slack app"))
    elif not slack.bot_token.get_secret_value().startswith("xoxb-"):
        found.append(("slack", "bot_token", "does not begin with xoxb-; copy the bot token of the Slack app"))
    if slack.app_token is None and slack.signing_secret is None:
        told = (
            "is missing; write an app-level token (xapp-...), or SLACK_SIGNING_SECRET if Slack comes by HTTP"
        )
        found.append(("slack", "app_token", told))
    elif slack.app_token is not None and not slack.app_token.get_secret_value().startswith("xapp-"):
        found.append(("slack", "app_token", "does not begin with xapp-; copy an app-level token of the app"))
    return tuple(
        Mistake(key=(group, key), sentence=f"{names.shown((group, key))} {what}.")
        for group, key, what in found
    )
