"""What the handbook says to an alert: the first thing to do on its card, all steps for whoever asks."""

import re

from chatbot.views.alert_state import AlertCard
from chatbot.views.alert_words import headline
from chatbot.views.blocks import Message, actions, button, context, header, message, section
from chatbot.views.markup import NAME_SHOWN, escape, line, outside
from commands.alerting.handbook import Scenario, scenario_for
from commands.alerting.model import Kind

NOT_SEEN_TO_STOP = (
    "Treat it as trading: type /kill now, or stop its process on its own host; then look with /status."
)
FLEET = "fleet"
STEP_SHOWN = 400
STEPS_SHOWN = 20
STEPS_A_SECTION = 5  # so that the longest lines stay below the limit of a section
READ_OF_A_MESSAGE = 1000  # characters in which the scenario is looked for

# ASCII only: other characters can make an address look like another one.
_LINK = re.compile(r"https?://(?:(?![\"'<>|])[!-~]){1,500}")


def to_do(state: AlertCard) -> tuple[str, ...]:
    """The first step, and where the others stand."""
    scenario, bot = _found(state)
    first = NOT_SEEN_TO_STOP if state.kind == Kind.STOP_NOT_VERIFIED else scenario.steps[0]
    return (f"*What to do*: {_step(first, bot)}", f"More: {link(scenario, state.handbook_url)}")


def link(scenario: Scenario, url: str) -> str:
    """The scenario's name, as a link where the handbook has an address."""
    name = f"Scenario {scenario.number}: {scenario.title}" if scenario.number else scenario.title
    if not _LINK.fullmatch(url):
        return f"{outside(name, 100)}, in the handbook"
    return f"<{escape(url.partition('#')[0])}#{scenario.anchor}|{outside(name, 100)}>"


def recover_plan(state: AlertCard) -> Message:
    """The steps of the scenario for whoever pressed Recover: nothing is done by that."""
    scenario, bot = _found(state)
    steps = [
        f"{number}. {_step(step, bot)}" for number, step in enumerate(scenario.steps[:STEPS_SHOWN], start=1)
    ]
    return message(
        header(f"Recover: {scenario.title}"),
        section(
            f"This is for *{outside(headline(state), 150)}*.",
            "*Nothing was done yet*: these are the steps in short. Recover opens a recovery that leads through all of "
            "them together, in the ops channel.",
        ),
        actions(
            button("Recover", "walk.open", value=f"{state.bot or FLEET}:{scenario.number}", style="primary")
        ),
        *(section(*steps[at : at + STEPS_A_SECTION]) for at in range(0, len(steps), STEPS_A_SECTION)),
        section(
            "*Every start needs a second admin*: what you ask for waits until another one approves. A stop never does: "
            "if money is being lost, type `/kill` first and read on afterwards."
        ),
        context(f"#{state.number} · {link(scenario, state.handbook_url)}"),
    )


def plain_link(url: str) -> str:
    """An outside address as a link, as text where it is no plain one; "" for none."""
    return f"<{escape(url)}>" if _LINK.fullmatch(url) else outside(url, 300)


def _found(state: AlertCard) -> tuple[Scenario, str]:
    bot = line(state.bot or "", NAME_SHOWN)
    return scenario_for(state.kind, state.message[:READ_OF_A_MESSAGE], bot or None), bot


def _step(step: str, bot: str) -> str:
    """One step, with what is to be typed made to stand out."""
    subjects = "|".join(re.escape(each) for each in (outside(bot, NAME_SHOWN), "&lt;bot&gt;", "on") if each)
    typed = re.compile(rf"(?<!\S)/[a-z][a-z-]+(?: (?:{subjects})(?!\w))?")
    return typed.sub(lambda found: f"`{found[0]}`", outside(step, STEP_SHOWN))
