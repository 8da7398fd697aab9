"""The people and channels every sandbox begins with: one of each kind, named by role."""

from chatbot.sandbox.slack.model import BOT_USER, OTHER_TEAM, Channel, Person

PEOPLE = (
    Person(id="U0ADMIN1", name="admin"),
    Person(id="U0ADMIN2", name="second-admin"),
    Person(id="U0ADMIN3", name="third-admin"),
    Person(id="U0OPER01", name="operator"),
    Person(id="U0VIEW01", name="viewer"),
    Person(id="U0NOROLE", name="no-role"),
    Person(id="U0GUEST1", name="guest", is_restricted=True),
    Person(id="U0GUEST2", name="single-channel-guest", is_restricted=True, is_ultra_restricted=True),
    Person(id="U0DELETED", name="deleted", deleted=True),
    Person(id="U0BOTUSER", name="another-bot", is_bot=True),
    Person(id="U0FOREIGN", name="stranger", team=OTHER_TEAM),
    Person(id=BOT_USER, name="fleet-bot", is_bot=True),
)

_OURS = frozenset(person.id for person in PEOPLE if not person.deleted and not person.is_stranger)

CHANNELS = (
    Channel(id="C0OPS", name="fleet-ops", members=_OURS),
    Channel(id="C0ALERTS", name="fleet-alerts", members=_OURS),
    Channel(id="C0APPROVE", name="fleet-approvals", members=_OURS),
    Channel(id="C0RANDOM", name="random", members=_OURS),
    Channel(id="C0SHARED", name="shared-with-partner", members=_OURS | {"U0FOREIGN"}, is_ext_shared=True),
    Channel(id="C0ARCHIVE", name="old-fleet-ops", members=_OURS, is_archived=True),
    Channel(id="C0PRIVATE", name="board", members=_OURS - {BOT_USER}, is_private=True),
    Channel(id="C0LOBBY", name="lobby", members=_OURS - {BOT_USER}),
)

GROUPS = {"S0ADMINS": ("fleet-admins", frozenset({"U0ADMIN1", "U0ADMIN2"}))}
"""User groups: id -> handle and members."""

SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:read",
        "pins:write",
        "reactions:write",
        "usergroups:read",
        "users:read",
    }
)
"""What the app was granted at installation, unless a test grants less."""
