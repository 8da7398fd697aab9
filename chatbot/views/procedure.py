"""What a person does when the bot cannot: the manual procedure, and whom to call."""

import re
import shlex

from chatbot.views.blocks import Block, preformatted, section
from chatbot.views.markup import NAME_SHOWN, escape, outside, person
from config.settings import Contact

CONTACTS_SHOWN = 20

_LINK = re.compile(r"https?://[^\s<>|\"']{1,500}")


def manual_procedure(coordinator_url: str) -> tuple[Block | None, Block, Block | None]:
    """How to stop the fleet by hand, from the coordinator down to the exchange."""
    base = coordinator_url.rstrip("/")
    kill, status = shlex.quote(f"{base}/kill-switch"), shlex.quote(f"{base}/status")
    commands = (
        f"curl -m 5 -X POST {kill} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -d \'{"action": "activate", "reason": "manual stop"}\'\n'
        f"curl -m 5 {status}"
    )
    return (
        section(
            "*Stop it by hand now*",
            "1. Send the stop from any machine that reaches the coordinator, and read what it says "
            "(add your `Authorization: Bearer` header if it wants a token):",
        ),
        preformatted(commands),
        section(
            "2. For each bot that is not seen stopped: stop its process on its own host, with the service "
            "manager it runs under.",
            "3. On the exchange: cancel all open orders; where a bot cannot be reached, revoke its API key.",
            "4. Look at the open positions, then press Close on this card and write what you did.",
        ),
    )


def contact_line(contact: Contact) -> str:
    """One contact in markup: role, name or mention, telephone number, link."""
    who = [person(contact.slack)] if contact.slack else []
    if contact.name:
        who.insert(0, outside(contact.name, NAME_SHOWN))
    if contact.phone:
        who.append(f"tel. {outside(contact.phone, NAME_SHOWN)}")
    if contact.link:
        plain = _LINK.fullmatch(contact.link)
        who.append(f"<{escape(contact.link)}>" if plain else outside(contact.link, 300))
    return f"*{outside(contact.role, NAME_SHOWN)}*: {', '.join(who) or 'nothing configured'}"


def contact_lines(contacts: tuple[Contact, ...]) -> tuple[str, ...]:
    """All contacts, or one line that says that there are none."""
    if not contacts:
        return ("No emergency contacts are configured: an admin adds them under `contacts` in the settings.",)
    return tuple(contact_line(contact) for contact in contacts[:CONTACTS_SHOWN])


def mentions(contacts: tuple[Contact, ...]) -> str:
    """Everybody among the contacts whom Slack can notify, each once; "" for nobody."""
    return " ".join(dict.fromkeys(person(contact.slack) for contact in contacts if contact.slack))
