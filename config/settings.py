"""What the operator decided, as one frozen tree; `config.loading` reads it from environment and TOML file."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.kinds import (
    ActionName,
    AppId,
    Approvers,
    Argv,
    Bots,
    ChannelId,
    ChannelIds,
    DatabaseUrl,
    GroupId,
    HookSecret,
    HttpUrl,
    Link,
    Lower,
    OptionalUrl,
    ProbedUrl,
    QuietHours,
    RaiseCommand,
    Rising,
    SeverityWord,
    SlackApiUrl,
    SlashCommand,
    TeamId,
    Text,
    UserId,
    UserIds,
    Zone,
    http_link,
    none_word,
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
    """What is an alert, who is told of it when, and what it takes to make it quiet."""

    poll_seconds: float = Field(
        default=30,
        ge=1,
        le=3600,
        description="Seconds between two reads of the monitor's alerts and metrics.",
    )
    failure_threshold: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Failed reads in a row after which a back end counts as unreachable.",
    )
    success_threshold: int = Field(
        default=2, ge=1, le=100, description="Good reads in a row after which something counts as over."
    )
    approaching_percent: float = Field(
        default=80, gt=0, lt=100, description="Per cent of a limit from which it counts as approached."
    )
    health_below: float = Field(
        default=50, ge=0, le=100, description="Health of a trading bot below which it is an alert."
    )
    error_rise: int = Field(
        default=3, ge=1, le=10_000, description="New errors of a bot within five minutes that are an alert."
    )
    group_seconds: float = Field(
        default=300, gt=0, le=86_400, description="Seconds in which similar alerts become one message."
    )
    group_from: int = Field(
        default=3, ge=2, le=100, description="The how many-th similar alert begins that message."
    )
    flap_changes: int = Field(
        default=4, ge=2, le=100, description="Changes in the window below that make an alert a flapping one."
    )
    flap_minutes: float = Field(default=10, gt=0, le=1440, description="Minutes of that window.")
    per_minute: int = Field(
        default=10,
        ge=4,
        le=40,
        description="Calls of Slack a minute for alerts; two more where one is critical.",
    )
    per_hour: int = Field(
        default=100, ge=10, le=2000, description="Messages an hour for alerts that are not critical."
    )
    escalate_minutes: Rising = Field(
        default=(2.0, 5.0),
        description="Minutes after which an unowned critical alert calls the on-call person, then everybody.",
    )
    escalate_every_minutes: float = Field(
        default=10, gt=0, le=1440, description="Minutes between the calls after those."
    )
    ack_minutes: float = Field(
        default=30,
        gt=0,
        le=1440,
        description="Minutes after which the owner of a critical alert is asked again.",
    )
    ack_grace_minutes: float = Field(
        default=10, gt=0, le=1440, description="Minutes the owner has to answer before it escalates anew."
    )
    quiet_hours: QuietHours = Field(
        default=None, description="Hours such as 22:00-07:00 in which info and warning wait; none: never."
    )
    zone: Zone = Field(default="UTC", description="Time zone of quiet hours, digest and typed times.")
    digest_hour: Annotated[int, Field(ge=0, le=23)] | None = Field(
        default=8, description="Hour of the daily digest; `none`: no digest."
    )
    severities: Mapping[str, SeverityWord] = Field(
        default={}, description="Severity by kind of alert, where ours is not yours."
    )
    handbook_url: Link | None = Field(
        default=None, description="Address of your recovery handbook; alerts link to its scenarios."
    )
    ping_url: SecretStr | None = Field(
        default=None,
        description="Address that is asked for each minute while all is well: a dead man's switch.",
    )

    @field_validator("digest_hour", mode="before")
    @classmethod
    def _no_digest(cls, value: object) -> object:
        return none_word(value)

    @field_validator("ping_url")
    @classmethod
    def _askable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            http_link(value.get_secret_value())
        return value


class Windows(_Group):
    """Monitoring windows: how long, and what ends them."""

    after_start_minutes: float = Field(
        default=30,
        ge=0,
        le=10_080,
        description="Minutes of the window that an approved start opens; 0: none.",
    )
    health_below: float = Field(
        default=50, ge=0, le=100, description="Health of a bot below which its window ends as unstable."
    )
    error_rise: int = Field(
        default=3,
        ge=1,
        le=10_000,
        description="New errors within five minutes that end a window as unstable.",
    )
    on_unstable: Annotated[Literal["offer", "stop"], Lower] = Field(
        default="offer",
        description="What follows an unstable window: `offer` the stop, or `stop` at once what still moves.",
    )
    safe_mode_minutes: float = Field(
        default=120, gt=0, le=10_080, description="Minutes of safe mode after which somebody has to decide."
    )


class Endpoint(_Group):
    """An address that the fleet needs: a web address, or tcp://host:port."""

    name: Text
    url: ProbedUrl


class HostAction(_Group):
    """A program on the fleet's host that a person may have run, always with these very words."""

    name: ActionName
    argv: Argv
    timeout_seconds: float = Field(default=60, gt=0, le=3600)
    risk: Annotated[Literal["lower", "raise"], Lower] = "raise"
    releases: bool = False  # it makes the coordinator forget a kill, so it counts as a release
    summary: Text


class Recovery(_Group):
    """Guided recovery: where the fleet lives, what it needs, and what may be done on its host."""

    home: Text | None = Field(
        default=None,
        description="Directory of the fleet where the bot runs on its host; without it no file or host is looked at.",
    )
    logs: Text = Field(default="logs", description="Directory of the fleet's logs, inside its home.")
    config: Text = Field(
        default="config", description="Directory of the fleet's JSON files, inside its home."
    )
    backups: Text = Field(default="backups", description="Directory of the backups, inside its home.")
    evidence: Text = Field(
        default="var/evidence", description="Directory in which evidence is kept, on this bot's own host."
    )
    runbooks: Text | None = Field(
        default=None,
        description="Directory of your own runbooks; one with the name of ours takes its place.",
    )
    endpoints: tuple[Endpoint, ...] = Field(
        default=(),
        description="Addresses that the fleet needs, each with a name and a url (https://... or tcp://host:port).",
    )
    host_actions: tuple[HostAction, ...] = Field(
        default=(),
        description="Programs that may be run on the fleet's host, each with name, argv, summary and risk.",
    )
    fresh_minutes: float = Field(
        default=15, gt=0, le=1440, description="Minutes for which what was verified counts as fresh."
    )
    third_hours: float = Field(
        default=24,
        gt=0,
        le=720,
        description="Hours in which the third recovery of the same bot takes a second admin.",
    )
    disk_percent: float = Field(
        default=90,
        gt=0,
        le=100,
        description="Per cent of the home's disk in use from which it counts as short.",
    )
    memory_percent: float = Field(
        default=90, gt=0, le=100, description="Per cent of memory in use from which it counts as short."
    )

    @model_validator(mode="after")
    def _names_once(self) -> "Recovery":
        for what, names in (
            ("endpoints", [each.name for each in self.endpoints]),
            ("host_actions", [each.name for each in self.host_actions]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"must name each of its {what} once")
        return self


class Hooks(_Group):
    """The doors for other programs' alerts; each is shut until its secret is set."""

    coordinator_secret: HookSecret | None = Field(
        default=None, description="Secret of the signatures on POST /hooks/coordinator."
    )
    alertmanager_token: HookSecret | None = Field(
        default=None, description="Bearer token of POST /hooks/alertmanager."
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
    windows: Windows = Windows()
    recovery: Recovery = Recovery()
    hooks: Hooks = Hooks()
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
