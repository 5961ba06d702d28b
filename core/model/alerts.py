"""
Alerts: what is wrong at this moment, since when, and who has seen it.

The nouns and the bounds of the rules; what fires is told in `alert_rules`, what becomes of an alert
in `alert_moves`. Nothing here reads a clock or a table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.policies import AlertRule

MAX_OBJECT_CHARS = 500
_MARK_CHARS = 10
HOLD_OFF_S = (
    600.0  # a cause that comes back within this is the same alert, and nobody is told again
)


class Severity(StrEnum):
    """How much it matters: `info` is told on the page alone."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertStatus(StrEnum):
    """`pending`: it has not lasted long enough yet; `acknowledged`: somebody looks after it."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


SEEN = frozenset({AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED})  # what holds now and has fired
SEVERITY_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


class RuleName(StrEnum):
    """The rules, as `[alerts.<name>]` calls them."""

    ERROR_RATE = "error_rate"
    LATENCY = "latency"
    TRAFFIC = "traffic"
    ERROR_ANOMALY = "error_anomaly"
    DEGRADED = "degraded"
    BREAKER = "breaker"
    PERMANENT_FAILURE = "permanent_failure"
    UNKNOWN_FAILURE = "unknown_failure"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    NO_WORKER = "no_worker"
    STORE_OUTAGE = "store_outage"


@dataclass(frozen=True)
class Rule:
    """
    A rule with its bounds.

    `threshold` is a share (`error_rate`, `traffic`, `degraded`), ms (`latency`) or nothing; `for_s`
    is how long the cause must last before it fires, `hold_off_s` how long after its end it is the
    same alert if it comes back.
    """

    name: RuleName
    severity: Severity
    meaning: str
    _: KW_ONLY
    threshold: float | None = None
    for_s: float = 0.0
    hold_off_s: float = HOLD_OFF_S
    enabled: bool = True


_DEFAULTS = (
    Rule(
        RuleName.ERROR_RATE,
        Severity.CRITICAL,
        "A larger share of a workflow's runs failed than this, within 5 minutes.",
        threshold=0.05,
    ),
    Rule(
        RuleName.LATENCY,
        Severity.WARNING,
        "A workflow's runs took longer than this on average, in ms, within 5 minutes.",
        threshold=5000.0,
    ),
    Rule(
        RuleName.TRAFFIC,
        Severity.WARNING,
        "Fewer runs than this share of what is usual were launched within 15 minutes.",
        threshold=0.5,
    ),
    Rule(
        RuleName.ERROR_ANOMALY,
        Severity.WARNING,
        "The share that failed is above the 95th percentile of the workflow's own hours.",
    ),
    Rule(
        RuleName.DEGRADED,
        Severity.CRITICAL,
        "More than this share failed, and the average run took over 10 s.",
        threshold=0.1,
    ),
    Rule(
        RuleName.BREAKER,
        Severity.CRITICAL,
        "A circuit breaker is open; one that an operator opened is told as info.",
    ),
    Rule(
        RuleName.PERMANENT_FAILURE,
        Severity.WARNING,
        "A node failed in a way that no retry mends, within 15 minutes.",
    ),
    Rule(
        RuleName.UNKNOWN_FAILURE,
        Severity.INFO,
        "A node failed with an error that belongs to no kind, within 15 minutes.",
    ),
    Rule(RuleName.OVERDUE, Severity.WARNING, "A card waits although its deadline is over."),
    Rule(
        RuleName.ESCALATED,
        Severity.WARNING,
        "A card was escalated to a group at its deadline, and waits.",
    ),
    Rule(
        RuleName.NO_WORKER,
        Severity.CRITICAL,
        "No worker has given a sign of life for 40 s.",
        for_s=30.0,
    ),
    Rule(RuleName.STORE_OUTAGE, Severity.CRITICAL, "The database does not answer.", for_s=30.0),
)
Rules = Mapping[RuleName, Rule]
RULES: Rules = {rule.name: rule for rule in _DEFAULTS}


def rules_with(changes: Mapping[str, AlertRule]) -> Rules:
    """The rules with what a policy file says otherwise; names that are no rule's count for nothing."""
    return {name: _changed(rule, changes.get(name.value)) for name, rule in RULES.items()}


def _changed(rule: Rule, change: AlertRule | None) -> Rule:
    if change is None:
        return rule
    return replace(
        rule,
        enabled=change.enabled,
        threshold=rule.threshold if change.threshold is None else change.threshold,
        for_s=rule.for_s if change.for_s is None else change.for_s,
        hold_off_s=rule.hold_off_s if change.hold_off_s is None else change.hold_off_s,
        severity=rule.severity if change.severity is None else Severity(change.severity),
    )


@dataclass(frozen=True, kw_only=True)
class Finding:
    """
    Something that a rule finds wrong now.

    `object` is what it is about: a workflow, a breaker. `link` leads to the cause, as a page of
    ours and its parameters: "runs?status=failed". Texts hold what agents wrote: they are made as a
    database keeps them here, so that what is found again is known to be the same.
    """

    rule: RuleName
    object: str
    severity: Severity
    title: str
    advice: str
    link: str
    value: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        """Make the texts storable, and the object short enough to be told by."""
        for name in ("object", "title", "advice", "link"):
            object.__setattr__(self, name, _storable(getattr(self, name)))
        object.__setattr__(self, "object", _cut(self.object))


def _storable(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _cut(text: str) -> str:
    """A long one keeps its beginning and gets a mark of the whole, as two may begin alike."""
    if len(text) <= MAX_OBJECT_CHARS:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:_MARK_CHARS]
    return f"{text[: MAX_OBJECT_CHARS - _MARK_CHARS - 1]}~{mark}"


@dataclass(frozen=True, kw_only=True)
class Alert(Finding):
    """
    A finding that is kept, with what people did about it.

    `fired_at` is when it began, `seen_at` when it was last true, `notified_at` when people were last
    told (of its end, if that was later than `resolved_at`); `note` is what was said on acknowledging.
    """

    alert_id: str
    status: AlertStatus
    fired_at: datetime
    seen_at: datetime
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str = ""
    notified_at: datetime | None = None
    silenced: bool = False

    @property
    def is_calling(self) -> bool:
        """Whether it still asks for somebody: it is counted in the menu."""
        return self.status is AlertStatus.OPEN and not self.silenced


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Until when a rule tells nobody; an empty `object` is whatever the rule is about."""

    silence_id: str
    rule: str
    object: str
    until: datetime
    created_at: datetime
    created_by: str
    reason: str = ""

    def covers(self, rule: str, object_: str, *, now: datetime) -> bool:
        """Whether it keeps this quiet now."""
        return self.rule == rule and self.object in ("", object_) and now < self.until


@dataclass(frozen=True, kw_only=True)
class WorkflowReading:
    """
    One workflow at this moment: runs that ended within 5 minutes, and launches within 15.

    `mean_ms` is None where none ended.
    """

    workflow: str
    ended: int = 0
    failed: int = 0
    mean_ms: float | None = None
    started: int = 0


@dataclass(frozen=True, kw_only=True)
class WorkflowHistory:
    """
    What is usual for a workflow; None where too little is known to say.

    `usual_started` is how many are launched within 15 minutes at such a time of the day,
    `error_p95` the share of failed runs that 95 % of its hours stayed under or at.
    """

    usual_started: float | None = None
    error_p95: float | None = None


@dataclass(frozen=True, kw_only=True)
class BreakerReading:
    """A breaker that is not closed; `is_forced`: an operator opened it."""

    name: str
    is_forced: bool = False
    short_circuited: int = 0


@dataclass(frozen=True, kw_only=True)
class FailureReading:
    """Failures of one kind and type at one node within 15 minutes; `run_id` is the newest run with it."""

    workflow: str
    path: str
    error_type: str
    kind: FailureKind
    count: int
    run_id: str


@dataclass(frozen=True, kw_only=True)
class CardsReading:
    """Pending cards of one workflow that are overdue, or were escalated to a group."""

    workflow: str
    count: int
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class AlertFigures:
    """All that the rules look at, at one moment."""

    at: datetime
    workflows: tuple[WorkflowReading, ...] = ()
    history: Mapping[str, WorkflowHistory] = field(default_factory=dict)
    breakers: tuple[BreakerReading, ...] = ()
    failures: tuple[FailureReading, ...] = ()
    overdue: tuple[CardsReading, ...] = ()
    escalated: tuple[CardsReading, ...] = ()
    workers_alive: int = 0
    newest_heartbeat_at: datetime | None = None
