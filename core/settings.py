"""
Typed settings, read once at start from the environment (`INTERLOCK_*`) and the command line.

`interlock doctor` lists them with their source; a wrong one is refused by name before anything starts.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from interlock.core import ciphers, masking
from interlock.core.access_settings import AccessSettings
from interlock.core.environments import Environment, EnvironmentDefaults
from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.masking import mask_text

ENV_PREFIX = "INTERLOCK_"
GRAPH_STORE_CONNECTIONS = 4  # a store does one operation at a time; the rest is for its sweeper
MOST_CHECKPOINT_CONNECTIONS = 22  # 20 runs save at once, two for questions; more gained nothing
_NEVER_SHOWN = {"encryption_keys", "notify"}  # not even where they are wrong
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)


class Settings(AccessSettings):
    """Everything that can be set. Each field's description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    environment: Environment | None = Field(
        default=None,
        description="What this is: development, staging or production; other defaults hold in each of them.",
    )
    config: Path | None = Field(
        default=None, description="The project's langgraph.json; unset serves the shipped gallery."
    )
    data_dir: Path = Field(
        default=Path(".interlock"),
        description="Folder of the embedded databases, the worker's lock and the logs.",
    )
    database: str | None = Field(
        default=None,
        description="postgresql:// or sqlite:/// URL; unset keeps SQLite in the data folder.",
    )
    attach: str | None = Field(
        default=None,
        description="postgresql:// URL or SQLite file of checkpoints that another application fills.",
    )
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Keys that encrypt what is kept, the newest first, with blanks between them or as a JSON list.",
    )
    encryption_keys_file: Path | None = Field(
        default=None,
        description="File of further such keys, one a line, as a secret is mounted.",
    )
    host: str = Field(default="127.0.0.1", description="Address the web process listens on.")
    port: int = Field(
        default=8501, ge=0, le=65535, description="Port of the web process; 0 picks one."
    )
    allow_remote: bool = Field(
        default=False,
        description="Listen beyond loopback although nobody has to sign in. Anyone who reaches the port can approve.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Further host names the web process answers to, as a JSON list.",
    )
    operator: str = Field(
        default="local operator",
        min_length=1,
        max_length=200,
        description="Name under which decisions are recorded where nobody signs in.",
    )
    token: SecretStr | None = Field(
        default=None,
        description="Token under which the command line acts where one has to sign in.",
    )
    session_hours: float = Field(
        default=12.0,
        gt=0,
        le=24 * 30,
        description="Hours after which whoever signed in has to do so again.",
    )
    claim_s: float = Field(
        default=900.0,
        ge=10.0,
        le=86_400.0,
        description="Seconds for which somebody has a card that they claimed; longer while they have it open.",
    )
    agent_server_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Other sites whose pages may use the Agent Server API, as a JSON list of origins;"
        " agent-inbox's page is one.",
    )
    api_rate: int = Field(
        default=3000,
        ge=0,
        le=10_000_000,
        description="Requests to the HTTP API a minute, of each token and each browser; 0 is any number.",
    )
    max_queue: int = Field(
        default=20_000,
        ge=0,
        le=10_000_000,
        description="Runs that may wait for a worker; a launch beyond is refused for a while. 0 is any number.",
    )
    concurrency: int = Field(
        default=20, ge=1, le=500, description="Runs one worker carries at the same time."
    )
    pool_size: int = Field(
        default=10,
        ge=1,
        le=500,
        description="Connections to Postgres that each process keeps for its own tables.",
    )
    pool_overflow: int = Field(
        default=20,
        ge=0,
        le=500,
        description="Further ones that it opens under load and closes again.",
    )
    checkpoint_pool: int = Field(
        default=0,
        ge=0,
        le=500,
        description="Connections of a worker for checkpoints; 0 means runs + 2, at most 22.",
    )
    max_threads: int = Field(
        default=0,
        ge=0,
        le=2000,
        description="Threads for sync nodes; 0 means runs x 4 + 16.",
    )
    recursion_limit: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="Supersteps a run may take unless its launch or its graph says otherwise.",
    )
    drain_s: float = Field(
        default=10.0,
        ge=0,
        le=600,
        description="Seconds a stopping worker waits for supersteps to end.",
    )
    heartbeat_s: float = Field(
        default=2.0, gt=0, le=60, description="Seconds between two signs of life of a worker."
    )
    worker_dead_after_s: float = Field(
        default=7.0,
        ge=1,
        le=3600,
        description="Seconds of silence after which other workers take over, on Postgres; at least three heartbeats.",
    )
    worker_workflows: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The only workflows a worker loads and takes, as a list with commas; empty means all.",
    )
    worker_tenants: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The only tenants whose workflows a worker loads, as a list with commas; empty means all.",
    )
    queue_events: int = Field(
        default=5000,
        ge=10,
        le=1_000_000,
        description="Events held in memory before the graphs are slowed.",
    )
    max_snapshot_bytes: int = Field(
        default=2_000_000,
        ge=10_000,
        description="Bytes of JSON state kept for the screens; larger values are cut and marked.",
    )
    max_text_chars: int = Field(
        default=10_000,
        ge=0,
        description="Characters one text of a launch's input may have; 0 means any number.",
    )
    refuse_scripts: bool = Field(
        default=True,
        description="Refuse launch inputs that hold a script element, a javascript: or a data:text/html address.",
    )
    trim_texts: bool = Field(
        default=True,
        description="Take the blanks off the ends of the texts of a launch's input.",
    )
    batch_max_rows: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Rows one file of inputs may have."
    )
    batch_max_bytes: int = Field(
        default=20_000_000,
        ge=1000,
        le=200_000_000,
        description="Bytes one file of inputs may have.",
    )
    max_media_bytes: int = Field(
        default=5_000_000,
        ge=0,
        le=5_000_000,
        description="Bytes of one picture, sound, film or file that are shown on a card; larger ones are named.",
    )
    max_step_bytes: int = Field(
        default=300_000,
        ge=10_000,
        description="Bytes of JSON of a step's input, its output, and all it asked and sent; more is cut and marked.",
    )
    masked_fields: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Fields masked in audit, log, notices and kept failures, as a JSON list of paths such as *.iban.",
    )
    mask_cards: bool = Field(
        default=False,
        description="Mask those fields on cards as well; what is masked cannot be edited there.",
    )
    max_memory_mb: int = Field(
        default=1000,
        ge=0,
        le=10_000_000,
        description="Megabytes beyond which a worker takes no further run beside those it carries; 0 is no bound.",
    )
    retention_days: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Days after which a thread that has not moved is deleted for good; 0 keeps threads for ever.",
    )
    retention_max_threads_per_workflow: int = Field(
        default=0,
        ge=0,
        description="Threads of one workflow beyond which those that moved first are deleted for good; 0 is no bound.",
    )
    retention_statuses: Annotated[tuple[Literal["done", "failed", "cancelled"], ...], NoDecode] = (
        Field(
            default=("done", "failed", "cancelled"),
            description="What the last run of a thread must have become for it to be deleted, as a JSON list.",
        )
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="How log lines are written: text for people, json for machines."
    )
    worker_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port of a worker's own /metrics, /healthz and /readyz; unset opens none, 0 picks one.",
    )
    external: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses that /readyz asks and tells of, as a JSON list of http://, https:// or tcp:// URLs.",
    )
    notify: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Who is told of alerts: Apprise URLs with blanks between them, or a JSON list of them.",
    )
    public_url: str | None = Field(
        default=None,
        description="Address under which people open the dashboard, for links in what they are sent.",
    )
    redis_url: str | None = Field(
        default=None,
        description="redis:// URL of the last tier of the caches; unset does without. Needs the extra `redis`.",
    )
    embedder: str | None = Field(
        default=None,
        description="module:function that turns texts into vectors for caches by meaning; unset uses the shipped one.",
    )
    cache_memory_bytes: int = Field(
        default=64_000_000,
        ge=0,
        description="Bytes of cached results that a worker holds in memory, before the database.",
    )
    model: str | None = Field(
        default=None,
        description="Model the gallery uses, as init_chat_model names it; unset uses the deterministic local one.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The usual ones, and after them what the environment says."""
        usual = (init_settings, env_settings, dotenv_settings, file_secret_settings)
        return (*usual, EnvironmentDefaults(settings_cls))

    @field_validator("database")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value is None or value.startswith(("postgresql://", "postgresql+psycopg://")):
            return value
        if not value.startswith("sqlite:///"):
            raise ValueError("must start with postgresql:// or sqlite:///")
        if value.removeprefix("sqlite:///") in ("", ":memory:"):
            raise ValueError("must name a file: several processes share the database")
        return value

    @field_validator("attach")
    @classmethod
    def _known_source(cls, value: str | None) -> str | None:
        if value is None or value.startswith(("postgresql://", "postgresql+psycopg://")):
            return value
        path = value.removeprefix("sqlite:///")
        if "://" in path or path in ("", ":memory:"):
            raise ValueError("must be a postgresql:// URL or the path of a SQLite file")
        return value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _listed_hosts(cls, value: object) -> object:
        names = _read_list(value) if isinstance(value, str) else value
        if not isinstance(names, list | tuple):
            # Not a TypeError, as ruff's TRY004 would have it: pydantic lets that one through.
            raise ValueError('must be a JSON list, for example ["control.example.com"]')  # noqa: TRY004
        if not all(isinstance(name, str) and _is_host(name) for name in names):
            raise ValueError("must hold names or addresses alone, without scheme, port or path")
        return tuple(names)

    @field_validator("agent_server_origins", mode="before")
    @classmethod
    def _listed_origins(cls, value: object) -> object:
        given = _read_list(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(map(_is_origin, given)):
            raise ValueError('must be a JSON list, for example ["https://dev.agentinbox.ai"]')
        return tuple(given)

    @field_validator("worker_workflows", "worker_tenants", mode="before")
    @classmethod
    def _listed_with_commas(cls, value: object) -> object:
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(isinstance(n, str) for n in given):
            raise ValueError("must be names with commas between them")
        return tuple(name.strip() for name in given if name.strip())

    @field_validator("retention_statuses", mode="before")
    @classmethod
    def _listed_statuses(cls, value: object) -> object:
        given = _read_list(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            raise ValueError('must be a JSON list, for example ["done", "cancelled"]')  # noqa: TRY004
        return tuple(given)

    @field_validator("external", mode="before")
    @classmethod
    def _listed_addresses(cls, value: object) -> object:
        given = _read_list(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            raise ValueError('must be a JSON list, for example ["https://api.example.com"]')  # noqa: TRY004
        if not all(isinstance(address, str) and _is_address(address) for address in given):
            raise ValueError("must hold http:// or https:// URLs, or tcp://host:port")
        return tuple(given)

    @field_validator("notify", mode="before")
    @classmethod
    def _listed_people(cls, value: object) -> object:
        given = _read_list(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            given = value.split() if isinstance(value, str) else ()
        return tuple(item if isinstance(item, SecretStr) else str(item) for item in given)

    @field_validator("masked_fields", mode="before")
    @classmethod
    def _listed_fields(cls, value: object) -> object:
        given = _read_list(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            raise ValueError('must be a JSON list, for example ["*.iban", "customer.phone"]')  # noqa: TRY004
        if not all(isinstance(field, str) and masking.is_field(field) for field in given):
            raise ValueError("must hold names of fields with dots between them; a star is any name")
        return tuple(given)

    @field_validator("encryption_keys", mode="before")
    @classmethod
    def _listed_keys(cls, value: object) -> object:
        given = _read_list(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            given = value.split() if isinstance(value, str) else ()
        keys = tuple(k.get_secret_value() if isinstance(k, SecretStr) else str(k) for k in given)
        if not all(ciphers.is_key(key) for key in keys):
            raise ValueError("must hold keys as `interlock keys new` makes them")
        return keys

    @field_validator("operator")
    @classmethod
    def _printable_operator(cls, value: str) -> str:
        if not value.isprintable() or not value.strip():
            raise ValueError("must be a name of printable characters")
        return value

    @property
    def is_production(self) -> bool:
        """Whether what is only for trying things out is refused."""
        return self.environment == "production"

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the app tables."""
        if self.database is None:
            return f"sqlite:///{(self.data_dir / 'app.db').absolute()}"
        if self.database.startswith("postgresql://"):
            return self.database.replace("postgresql://", "postgresql+psycopg://", 1)
        return self.database

    @property
    def is_embedded(self) -> bool:
        """Whether the database is a SQLite file of ours, which upgrades itself."""
        return self.database_url.startswith("sqlite")

    @property
    def checkpoints_path(self) -> Path:
        """The SQLite file of the checkpoints; unused on Postgres."""
        return self.data_dir / "checkpoints.db"

    @property
    def attached_url(self) -> str | None:
        """The Postgres that another application fills, as libpq reads its URL; None if it is a file."""
        if self.attach is None or not self.attach.startswith("postgresql"):
            return None
        return self.attach.replace("postgresql+psycopg://", "postgresql://", 1)

    @property
    def attached_path(self) -> Path | None:
        """The SQLite file that another application fills."""
        if self.attach is None or self.attached_url is not None:
            return None
        return Path(self.attach.removeprefix("sqlite:///"))

    @property
    def checkpoint_connections(self) -> int:
        """Size of a worker's pool for checkpoints on Postgres."""
        return self.checkpoint_pool or min(self.concurrency + 2, MOST_CHECKPOINT_CONNECTIONS)

    @property
    def thread_count(self) -> int:
        """Size of the pool that LangGraph's sync nodes and savers share (facts: langgraph 4)."""
        return self.max_threads or self.concurrency * 4 + 16

    @property
    def dead_after_s(self) -> float:
        """Seconds of silence after which a worker is dead to the others; a slow heart has its time."""
        return max(self.worker_dead_after_s, 3 * self.heartbeat_s)


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """
    Read the settings; `overrides` come from the command line and win over the environment.

    Raises:
        InvalidInput: One or more settings are wrong; each is named with its variable.
    """
    given = {k: v for k, v in (overrides or {}).items() if v is not None}
    try:
        return Settings(**given)
    except ValidationError as exc:
        problems = [_problem(error, given) for error in exc.errors()]
        raise InvalidInput(
            "These settings are wrong:",
            problems=problems,
            hint="Run `interlock doctor` to see all.",
        ) from exc


def _problem(error: Any, given: Mapping[str, Any]) -> FieldProblem:
    name = str(error["loc"][0]) if error["loc"] else "?"
    where = f"--{name.replace('_', '-')}" if name in given else f"{ENV_PREFIX}{name.upper()}"
    value = mask_text(str(given.get(name, os.environ.get(f"{ENV_PREFIX}{name.upper()}", ""))))
    message = str(error["msg"]).removeprefix("Value error, ")
    if name in _NEVER_SHOWN:
        return FieldProblem(where, message)
    return FieldProblem(where, f"{message} (it is {value!r})")


def _read_list(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    has_scheme = parts.scheme in {"http", "https"} or (parts.scheme == "tcp" and port is not None)
    return has_scheme and bool(parts.hostname)


def _is_origin(value: object) -> bool:
    """Whether it is what a browser sends as `Origin`: scheme, host and port, nothing after them."""
    if not isinstance(value, str):
        return False
    scheme, mark, rest = value.partition("://")
    return scheme in {"http", "https"} and bool(mark and rest) and not set(rest) & set("/?#@* ")


def _is_host(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return _HOST_NAME.fullmatch(name) is not None
    return True
