"""The answer to /help: all commands, or one in full."""

from collections.abc import Iterable

from chatbot.views.blocks import Message, context, header, message, section
from chatbot.views.markup import escape, line, outside
from commands.policy import may
from commands.spec import Command, Risk, Role

_RISK = {
    Risk.READ: "It changes nothing.",
    Risk.LOWER: "It works at once: no second person, no question, no waiting time.",
    Risk.RAISE: "It needs a second admin; a reason goes on the card.",
}


def help_message(
    commands: Iterable[Command], *, topic: str | None, role: Role | None, root_command: str
) -> Message:
    """Every command with one line each, or all about ``topic`` when there is a command of that name."""
    table = tuple(commands)
    plain = line(root_command, 40)
    root = outside(plain, 40)
    for command in table:
        if command.name == topic:
            return _one(command, role, plain)
    return message(
        header("Commands"),
        section(*(_line(command, role, plain) for command in table)),
        section(
            f"Each works as `{root} <name>` too, with the same words: `{root} kill bad fills`. In a thread, where "
            "Slack takes no commands, mention this bot instead.".replace("<name>", escape("<name>"))
        ),
        context(f"Your role: {role.value if role else 'none'}", "More: /help and the name of a command"),
    )


def _one(command: Command, role: Role | None, root: str) -> Message:
    return message(
        header(command.typed(root)),
        section(f"`{_typed(command, root)}`", outside(command.help, 2000)),
        section(_risk(command)),
        context(
            f"Also: {outside(root, 40)} {command.name}" if command.typed(root) == f"/{command.name}" else "",
            f"Needs the role {command.role.value}; yours is {role.value if role else 'none'}",
        ),
    )


def _risk(command: Command) -> str:
    if command.risk is Risk.READ and command.raising is not None:
        return "To look changes nothing; what changes something says so, and takes a second admin where it raises risk."
    return _RISK[command.risk]


def _line(command: Command, role: Role | None, root: str) -> str:
    needs = "" if may(role, command) else f" (needs the role {command.role.value})"
    return f"`{_typed(command, root)}`  {outside(command.summary, 200)}{needs}"


def _typed(command: Command, root: str) -> str:
    return outside(f"{command.typed(root)} {command.usage}", 200)
