"""What the operator decided, as one frozen tree; `config.loading` reads it from environment and TOML file."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.kinds import (
    AppId,
    Approvers,
    Bots,
    ChannelId,
    ChannelIds,
    DatabaseUrl,
    GroupId,
    HttpUrl,
    Link,
    Lower,
    OptionalUrl,
    RaiseCommand,
    Rising,
    SlackApiUrl,
    SlashCommand,
    TeamId,
    Text,
    UserId,
    UserIds,
)


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Slack(_Group):
    """How Slack is reached; an app token means Socket Mode, else a signing secret means HTTP mode."""

    bot_token: SecretStr | None = Field(default=None, description="Bot token (xoxb-...).")
    app_token: SecretStr | None = Field(
        default=None, description="App-level token (xapp-...): turns Socket Mode on."
    )
    signing_secret: SecretStr | None = Field(default=None, description="Signing secret, for HTTP mode.")
    api_url: SlackApiUrl = Field(
        default="https://slack.com/api/", description="Base address of Slack's Web API."
    )
    root_command: SlashCommand = Field(
        default="/fleet", description="The one command that reaches all others."
    )
    team_id: TeamId | None = Field(
        default=None, description="Workspace whose requests are taken; default: the bot token's own."
    )
    app_id: AppId | None = Field(
        default=None, description="App whose requests are taken; default: any that is signed for us."
    )
    connections: int = Field(default=2, ge=1, le=10, description="Socket Mode connections.")


class Coordinator(_Group):
    """The back end that is commanded."""

    url: HttpUrl = Field(default="http://localhost:8000", description="Base address of the coordinator.")
    token: SecretStr | None = Field(default=None, description="Sent as a bearer token where set.")
    bots: Bots = Field(
        default=("ndax", "quantum", "shadowforge"),
        description="Names of the bots, in the order in which they depend.",
    )
    poll_seconds: float = Field(
        default=10.0, ge=1, le=3600, description="Seconds between two looks at the fleet."
    )
    connect_timeout: float = Field(default=2.0, gt=0, le=60, description="Seconds to connect.")
    read_timeout: float = Field(default=3.0, gt=0, le=60, description="Seconds for an answer.")


class Monitor(_Group):
    """The health monitor beside the coordinator."""

    url: OptionalUrl = Field(
        default="http://localhost:8080",
        description="Base address of the health monitor; `none`: there is none.",
    )
    token: SecretStr | None = Field(default=None, description="Sent as a bearer token where set.")


class DatabaseSettings(_Group):
    """Where durable state lives."""

    url: DatabaseUrl = Field(
        default="sqlite:///var/chatbot.db",
        repr=False,  # it may carry a password
        description="sqlite:///PATH, or postgresql+psycopg://USER:PASSWORD@HOST/NAME for replicas.",
    )


class JournalSettings(_Group):
    """Where a stop is written while the database does not answer."""

    path: Text = Field(
        default="var/journal.jsonl",
        description="File of the emergency journal; best on another disk than the database.",
    )


class Roles(_Group):
    """Who may do what: deny by default; a user group can only narrow."""

    admins: UserIds = Field(default=(), description="Slack user ids of admins.")
    operators: UserIds = Field(default=(), description="Slack user ids of operators: may stop.")
    viewers: UserIds = Field(default=(), description="Slack user ids of viewers: may look.")
    admin_group: GroupId | None = Field(
        default=None, description="User group that admins must be in as well."
    )
    operator_group: GroupId | None = Field(
        default=None, description="User group that operators must be in as well."
    )
    viewer_group: GroupId | None = Field(
        default=None, description="User group that viewers must be in as well."
    )


def _ops(known: dict[str, str | None]) -> str | None:
    return known.get("ops")


class Channels(_Group):
    """Where the bot speaks and listens."""

    ops: ChannelId | None = Field(default=None, description="Channel of the cards of stops.")
    alerts: ChannelId | None = Field(default_factory=_ops, description="Channel of alerts; default: ops.")
    approvals: ChannelId | None = Field(
        default_factory=_ops, description="Channel of approvals; default: ops."
    )
    allowed: ChannelIds = Field(
        default=(),
        description="Channels in which commands are taken; empty: all. Stops are taken everywhere.",
    )


class Http(_Group):
    """The bot's own HTTP face: /healthz, /readyz, /metrics and, in HTTP mode, /slack/events."""

    host: Text = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=3000, ge=1, le=65535, description="Port to listen on.")


class Policy(_Group):
    """The rules the back ends do not keep."""

    cooldown_minutes: float = Field(
        default=60, ge=0, le=1440, description="Minutes after a kill before it may be released."
    )
    breaker_kills: int = Field(
        default=3, ge=1, le=100, description="Kills in the window that open the circuit breaker."
    )
    breaker_hours: float = Field(default=24, gt=0, le=720, description="Hours of that window.")
    approval_minutes: float = Field(
        default=15, gt=0, le=1440, description="Minutes after which a request that nobody decided expires."
    )
    approvers: Mapping[RaiseCommand, Approvers] = Field(
        default={},
        description="Admins besides the requester that a command takes; default: 1, and 2 to end a lockdown.",
    )
    step_up: tuple[RaiseCommand, ...] = Field(
        default=(), description="Commands whose approval also takes a code from the approver's authenticator."
    )
    new_admin_hours: float = Field(
        default=24, ge=0, le=8760, description="Hours after which an admin who was added may approve."
    )
    solo: bool = Field(
        default=False,
        description="Lets the only admin there is bring the fleet back alone, after a wait in sight of all.",
    )
    solo_wait_minutes: float = Field(
        default=5, gt=0, le=1440, description="Minutes of that wait, in which everybody can cancel."
    )
    reassert: bool = Field(
        default=True,
        description="Sends the kill again when the coordinator forgets it or a bot moves against it.",
    )
    start_gap_seconds: float = Field(
        default=5, ge=0, le=600, description="Seconds between two good reads and between two starts."
    )
    start_timeout_seconds: float = Field(
        default=60, gt=0, le=3600, description="Seconds after which a start that is not seen to run failed."
    )


class Totp(_Group):
    """The codes of authenticator apps, for step-up and for approving at a terminal."""

    key: SecretStr | None = Field(
        default=None, description="Key that encrypts the codes' secrets; `chatbot totp key` makes one."
    )


class Alerts(_Group):
    """Alerts of the health monitor."""

    poll_seconds: float = Field(
        default=30, ge=1, le=3600, description="Seconds between two reads of the monitor's alerts."
    )


class Kill(_Group):
    """How a kill warns and watches."""

    warn_seconds: Rising = Field(
        default=(3.0, 10.0, 30.0),
        description="Seconds without confirmation after which the card raises its voice.",
    )
    watch_seconds: float = Field(
        default=60.0, ge=0, le=3600, description="Seconds a verified stop is re-read."
    )
    storage_timeout_ms: int = Field(
        default=400,
        ge=50,
        le=2000,
        description="Milliseconds a stop grants the database and the journal together.",
    )


class Contact(_Group):
    """Somebody to call in an emergency, by role."""

    role: Text
    name: str | None = None
    slack: UserId | None = None
    phone: str | None = None
    link: Link | None = None

    @model_validator(mode="after")
    def _reachable(self) -> "Contact":
        if not (self.name or self.slack or self.phone or self.link):
            raise ValueError("must have a name, slack, phone or link beside its role")
        return self


class Log(_Group):
    """How the program logs, to standard error."""

    format: Annotated[Literal["json", "console"], Lower] | None = Field(
        default=None, description="json or console; default: by the terminal."
    )
    level: Annotated[Literal["debug", "info", "warning", "error"], Lower] = Field(
        default="info", description="The least level that is logged."
    )


class Settings(BaseSettings):
    """Everything; each group is named as in the environment variables and the TOML file."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix="CHATBOT_",
        env_nested_delimiter="__",
    )

    slack: Slack = Slack()
    coordinator: Coordinator = Coordinator()
    monitor: Monitor = Monitor()
    database: DatabaseSettings = DatabaseSettings()
    journal: JournalSettings = JournalSettings()
    roles: Roles = Roles()
    channels: Channels = Channels()
    http: Http = Http()
    policy: Policy = Policy()
    totp: Totp = Totp()
    alerts: Alerts = Alerts()
    kill: Kill = Kill()
    contacts: tuple[Contact, ...] = ()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: `config.loading` reads the rest, so that all mistakes come at once."""
        return (init_settings,)
