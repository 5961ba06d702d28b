"""
What an `interlock.toml` may ask for: per workflow, per node and per tool, and the rules around them.

Shapes and bounds only; `core.policy` reads the file and says what is wrong with it (DESIGN.md section 5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from interlock.core.model import conditions, routes
from interlock.core.model.notice_rules import NoticeRule, Webhook
from interlock.core.model.variants import MAX_NAME_CHARS, MAX_VARIANTS
from interlock.core.types import Json

MAX_WAIT_S = 86_400.0
Seconds = Annotated[float, Field(gt=0, le=MAX_WAIT_S)]
Name = Annotated[str, Field(min_length=1, max_length=300)]
ESCALATE = "escalate:group:"
_ON_TIMEOUT = re.compile(rf"approve|reject|{ESCALATE}[\w.-]{{1,100}}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Retry(_Part):
    """
    Tries of a node, the first included, and the waits between them (MISSION R1).

    `on`: "transient" tries again what may pass by itself, "any" whatever is no answer, no interrupt
    and no cancellation; names of exception classes add to the transient ones. `permanent` names
    classes that are never tried again. `jitter_s` is added to each wait, evenly from 0.
    `longer` multiplies the time limit of a node after each try that ran out of it.
    """

    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    initial_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S)] = 1.0
    backoff: Annotated[float, Field(ge=1, le=100)] = 2.0
    max_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S)] = 60.0
    jitter_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S)] = 1.0
    on: Literal["transient", "any"] | tuple[Name, ...] = "transient"
    permanent: tuple[Name, ...] = ()
    longer: Annotated[float, Field(ge=1, le=100)] = 2.0


class Timeout(_Part):
    """`run_s` is for a whole try, `idle_s` for the time without any sign of one (async nodes only)."""

    run_s: Seconds | None = None
    idle_s: Seconds | None = None


class BreakerRules(_Part):
    """
    When a breaker opens: `failures` within the last `window_s`; after `reset_s` one probe is let through.

    `counts`: "failures" counts time-outs, network and server errors, and those that nobody knows;
    "any" every error. `name` joins several nodes and tools to one breaker; None is one of its own.
    """

    name: Name | None = None
    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    window_s: Seconds = 60.0
    reset_s: Seconds = 60.0
    counts: Literal["failures", "any"] = "failures"


class CacheRules(_Part):
    """
    How long a node's result is used again, and for what it counts as the same.

    `key`: fields of the node's input; empty is all of it. `scope`: whose results are shared:
    "user" by who launched, "context" by all of the run's context, both by default, "tenant" by its
    `tenant` alone. `semantic` is the similarity from which texts count as the same. `once`: of
    several that compute the same at the same time, one does and the others wait. `events`: names by
    which it is cleared.
    """

    ttl_s: Annotated[float, Field(gt=0, le=366 * MAX_WAIT_S)] | None = 3600.0
    key: tuple[Name, ...] = ()
    scope: tuple[Literal["user", "tenant", "context"], ...] = ("user", "context")
    semantic: Annotated[float, Field(gt=0, le=1)] | None = None
    max_entries: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    once: bool = False
    events: tuple[Name, ...] = ()


class RateRules(_Part):
    """Starts of a node: for one user within an hour, for everybody within a minute."""

    per_user_hour: Annotated[int, Field(ge=1)] | None = None
    per_minute: Annotated[int, Field(ge=1)] | None = None


class Fallback(_Part):
    """One thing used in a node's place: another node of the same graph, or a state update."""

    node: Name | None = None
    value: Json = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Fallback:
        if (self.node is None) is ("value" not in self.model_fields_set):
            raise ValueError("must have either node or value")
        return self


class SandboxRules(_Part):
    """Bounds of a tool that runs in a process of its own (MISSION R6)."""

    cpu_s: Seconds = 10.0
    wall_s: Seconds = 30.0
    memory_mb: Annotated[int, Field(ge=16, le=1_048_576)] = 512
    network: bool = False


class _Called(_Part):
    """What a node and a tool have in common."""

    timeout: Timeout | None = None
    breaker: BreakerRules | None = None
    cache: CacheRules | None = None
    rate: RateRules | None = None
    side_effects: bool | None = None

    @model_validator(mode="after")
    def _is_cached_without_effects(self) -> Self:
        if self.cache is not None and self.side_effects:
            raise ValueError(
                "cannot have a cache and side_effects = true: what is served from a cache does not run"
            )
        return self


class ToolPolicy(_Called):
    """One tool of a tool node."""

    sandbox: SandboxRules | None = None


class NodePolicy(_Called):
    """One node, named by its path ("team/researcher"); a node without one runs as LangGraph runs it."""

    retry: Retry | None = None
    fallback: tuple[Fallback, ...] = ()
    on_failure: Literal["fail", "ask"] = "fail"
    tool: Mapping[Name, ToolPolicy] = Field(default_factory=dict)


def _read_approvers(value: Any) -> tuple[str, ...] | str | None:
    """
    Names of people and `group:` names; or the path to them: kept as it is, and read with each card.

    Raises:
        ValueError: It is neither.
    """
    if value is None:
        return None
    if isinstance(value, str) and value.startswith("$"):
        routes.path_of(value)
        return value
    named = () if value in ([], ()) else routes.read_approvers(value)
    if named is None or isinstance(value, str):
        raise ValueError(
            'must be a list of names such as "ann" and "group:finance",'
            ' or a path such as "$.approvers" or "$state.approvers"'
        )
    return named


def _read_condition(text: str) -> str:
    """
    A condition, as it is written.

    Raises:
        ConditionError: It is none; with the column.
    """
    return conditions.parse(text).text


Approvers = Annotated[Any, AfterValidator(_read_approvers)]
Quorum = Annotated[int, Field(ge=1, le=routes.MAX_QUORUM)]
CardPriority = Annotated[int, Field(ge=-1000, le=1000)]
CardRisk = Literal["", "low", "medium", "high"]


class RoutingRule(_Part):
    """What changes for the cards for which `when` holds; see `core.model.routing`."""

    when: Annotated[str, AfterValidator(_read_condition)]
    approvers: Approvers = None
    quorum: Quorum = 1
    self_approval: bool = True
    risk: CardRisk = ""
    priority: CardPriority = -1000

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.model_fields_set <= {"when"}:
            raise ValueError("says when, and not what then")
        return self


class ApprovalPolicy(_Part):
    """
    The cards of one node: who decides them, and what a team wants to know and to bound about them.

    `answers` are what a plain yes or no sends, and a revision, where the text "$reason" stands for the
    comment. `on_timeout` is what happens at the deadline if nobody has decided: "approve", "reject",
    "escalate:group:NAME", or the answer that is given, as any JSON but text. `warn_s` is how long before
    it the card says that its time is running out; a fifth of `deadline_s` if it is not given.
    """

    risk: CardRisk = ""
    priority: CardPriority = 0
    approvers: Approvers = None
    quorum: Quorum = 1
    self_approval: bool = True
    one_rejects: bool = True
    rules: Annotated[tuple[RoutingRule, ...], Field(max_length=100)] = ()
    answers: Mapping[Literal["approve", "reject", "revise"], Any] = Field(default_factory=dict)
    deadline_s: Seconds | None = None
    warn_s: Seconds | None = None
    on_timeout: Any = None

    @model_validator(mode="after")
    def _can_be_decided(self) -> Self:
        named, quorum = self.approvers, self.quorum
        if isinstance(named, tuple) and not routes.is_reachable(named, quorum):
            raise ValueError(f"has a quorum of {quorum} and names fewer people than that")
        return self

    @model_validator(mode="after")
    def _belongs_to_a_deadline(self) -> Self:
        if self.deadline_s is None and (self.on_timeout is not None or self.warn_s is not None):
            raise ValueError("has on_timeout or warn_s without the deadline_s that they belong to")
        if self.deadline_s is not None and (self.warn_s or 0) > self.deadline_s:
            raise ValueError("has a warn_s that is longer than its deadline_s")
        if isinstance(self.on_timeout, str) and not _ON_TIMEOUT.fullmatch(self.on_timeout):
            raise ValueError(
                'has an on_timeout that is none: it is "approve", "reject", "escalate:group:NAME",'
                " or the answer that is given, which is no text"
            )
        return self


class OutageRules(_Part):
    """
    What a run does while its checkpoint store does not answer (MISSION R7): it waits, or it goes on
    with what it does kept in the memory of its worker, which is not durable.
    """

    on: Literal["hold", "memory"] = "hold"


class Defaults(_Part):
    """What may stand in `[defaults]`: it holds for every workflow that does not say otherwise itself."""

    tenant: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s,]+$")] | None = None
    priority: int | None = None
    step_s: Seconds | None = None
    on_failure: Literal["fail", "ask"] = "fail"
    rate: RateRules | None = None
    outage: OutageRules | None = None
    default: NodePolicy | None = None  # for nodes that `node` does not name


class WorkflowPolicy(Defaults):
    """
    One workflow. `step_s` bounds each superstep; `priority` and `variants` are for its launches, and
    `share` is its part of the room that workers have for runs.
    """

    share: Annotated[int, Field(ge=1, le=1000)] = 1
    variants: Mapping[
        Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=MAX_NAME_CHARS)],
        Annotated[float, Field(gt=0, le=1_000_000)],
    ] = Field(default_factory=dict, max_length=MAX_VARIANTS)
    node: Mapping[Name, NodePolicy] = Field(default_factory=dict)
    approval: Mapping[Name, ApprovalPolicy] = Field(default_factory=dict)
    # What `[models]` says of caches, as it holds for every workflow; no key of the file.
    model_caches: Mapping[Name, CacheRules] = Field(default_factory=dict)

    @property
    def goes_on_in_memory(self) -> bool:
        """Whether its runs go on while the database is away."""
        return self.outage is not None and self.outage.on == "memory"

    def publish(self, models: Mapping[str, ModelRules]) -> Json:
        """As JSON with the keys that the file sets, and the caches of models; None where it sets none."""
        caches = {name: rules.cache for name, rules in models.items() if rules.cache is not None}
        told = self.model_copy(update={"model_caches": caches}) if caches else self
        return told.model_dump(mode="json", exclude_unset=True) or None


class Price(_Part):
    """What a model costs per million tokens, in whatever currency the table is kept."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class StandIn(_Part):
    """
    A model that answers where the provider of another fails.

    In the file "provider:model" is short for it; without a provider it is of the other's class.
    """

    model: Name
    provider: Name | None = None
    base_url: Name | None = None
    key: Name | None = None  # name of an environment variable

    @model_validator(mode="before")
    @classmethod
    def _read_short(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        provider, mark, model = given.partition(":")
        return {"provider": provider, "model": model} if mark else {"model": given}

    @property
    def label(self) -> str:
        """As a person names it."""
        return self.model if self.provider is None else f"{self.provider}:{self.model}"


class ModelRules(_Part):
    """Calls to one model from all workers together, keys used in turn, and who answers in its place."""

    per_minute: Annotated[int, Field(ge=1)] | None = None
    in_flight: Annotated[int, Field(ge=1)] | None = None
    keys: tuple[Name, ...] = ()  # names of environment variables, never the keys themselves
    then: tuple[StandIn, ...] = ()
    cache: CacheRules | None = None


class AlertRule(_Part):
    """A rule of `core.model.alerts`, switched off or with other bounds."""

    enabled: bool = True
    threshold: float | None = None
    for_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S)] | None = None
    hold_off_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S)] | None = None
    severity: Literal["info", "warning", "critical"] | None = None


class Notify(_Part):
    """The key `notify`: Apprise URLs or names of variables that hold them."""

    notify: tuple[Name, ...] = ()


class Policies(_Part):
    """
    A whole file.

    `workflow` holds only those without a problem; `problems` the others, by name. Of one that
    `is_unreadable` nothing is known, and every workflow has the same problem.
    """

    path: str = ""
    workflow: Mapping[str, WorkflowPolicy] = Field(default_factory=dict)
    problems: Mapping[str, str] = Field(default_factory=dict)
    prices: Mapping[str, Price] = Field(default_factory=dict)
    models: Mapping[str, ModelRules] = Field(default_factory=dict)
    alerts: Mapping[str, AlertRule] = Field(default_factory=dict)
    notify: tuple[str, ...] = ()  # Apprise URLs or names of variables that hold them
    notices: tuple[NoticeRule, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    warnings: tuple[str, ...] = ()
    is_unreadable: bool = False

    @property
    def told(self) -> tuple[str, ...]:
        """All that is wrong with the file, a sentence each."""
        return (*dict.fromkeys(self.problems.values()), *self.warnings)

    def for_workflow(self, name: str) -> WorkflowPolicy:
        """The policy of a workflow; one that is not named has an empty one."""
        return self.workflow.get(name, WorkflowPolicy())

    def without(self, name: str, problem: str) -> Policies:
        """The same with one workflow refused, for what shows only once its graph is known."""
        kept = {each: policy for each, policy in self.workflow.items() if each != name}
        problems = {**self.problems, name: problem}
        return self.model_copy(update={"workflow": kept, "problems": problems})
