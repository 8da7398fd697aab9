"""`chatbot handbook`: the handbook as it is walked, from our runbooks and the operator's."""

import os
import sys

import click


@click.command("handbook")
def handbook() -> None:
    """Print the handbook of all runbooks, yours included, as Markdown."""
    from chatbot.handbook import handbook as written
    from chatbot.walking.loading import load_runbooks
    from commands.probes.signs import SIGNS
    from config.loading import SettingsError, load

    try:
        settings = load(os.environ)
        runbooks = load_runbooks(settings.recovery, settings.coordinator.bots)
    except SettingsError as error:
        for mistake in error.mistakes:
            click.echo(f"- {mistake}", err=True)
        sys.exit(2)
    click.echo(written(runbooks, SIGNS), nl=False)
