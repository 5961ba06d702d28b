"""
Figures as Prometheus reads them: the same text from any web process or worker, plus its own process.

Names without a prefix are those that dashboards for agents already use; `agent_name` is a workflow's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from interlock.core.model.runs import RunStatus
from interlock.core.model.totals import (
    EXECUTION_BOUNDS_S,
    NODE_BOUNDS_S,
    Standing,
    Tally,
    Totals,
)
from interlock.core.services.context import App
from interlock.core.services.totalling import Counter

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BREAKER_STATES = ("closed", "half_open", "open")
_RAN = frozenset({"ok", "error"})


class Exposition:
    """The text of `/metrics` of one process; `own` are the collectors of what only it knows."""

    def __init__(self, app: App, *, own: Sequence[Collector] = ()) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Shared(Counter(app)))
        for collector in own:
            self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        """
        All figures as of now.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        return generate_latest(self._registry)


class _Shared(Collector):
    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """One reading."""
        counted = self._counter.read()
        return families_of(counted.totals, counted.standing)


def families_of(totals: Totals, standing: Standing) -> list[Metric]:
    """Everything that is of the whole installation, in the order in which it is printed."""
    return [
        *_executions(totals),
        *_nodes(totals),
        *_work(totals, standing),
        _tools(standing),
        *_safety(totals, standing),
    ]


def _executions(totals: Totals) -> Iterable[Metric]:
    ended = CounterMetricFamily(
        "agent_executions",
        "Executions of a workflow that ended, by how: done, failed or cancelled.",
        labels=["agent_name", "status"],
    )
    took: dict[str, Tally] = {}
    for key, tally in sorted(totals.executions.tallies.items()):
        ended.add_metric([key.workflow, key.status], tally.count)
        if key.status != RunStatus.CANCELLED.value:
            took[key.workflow] = took.get(key.workflow, Tally()) + tally
    duration = HistogramMetricFamily(
        "agent_duration_seconds",
        "Seconds an execution worked until it was done or failed; what a human took is not in it.",
        labels=["agent_name"],
    )
    for name, tally in took.items():
        duration.add_metric([name], _buckets(tally, EXECUTION_BOUNDS_S), tally.total_s)
    return ended, duration


def _nodes(totals: Totals) -> Iterable[Metric]:
    labels = ["agent_name", "node"]
    steps = CounterMetricFamily(
        "agent_steps",
        "Times a node was due, by how that ended; `retried` are failed tries that another, or a "
        "fallback, followed, and one that was then refused by its breaker is an error and short_circuited.",
        labels=[*labels, "status"],
    )
    tokens = CounterMetricFamily(
        "reasoning_tokens", "Tokens of the model calls within a node, in and out.", labels=labels
    )
    cost = CounterMetricFamily(
        "interlock_model_cost", "Cost of those calls, by the price table.", labels=labels
    )
    ran: dict[tuple[str, str], Tally] = {}
    spent: dict[tuple[str, str], Tally] = {}
    for key, tally in sorted(totals.nodes.tallies.items()):
        place = (key.workflow, key.path)
        steps.add_metric([*place, key.status], tally.count)
        spent[place] = spent.get(place, Tally()) + tally
        if key.status in _RAN:
            ran[place] = ran.get(place, Tally()) + tally
    latency = HistogramMetricFamily(
        "latency_node_seconds",
        "Seconds a node ran, all its tries together; one that waited for a human or came from a cache did not run.",
        labels=labels,
    )
    for place, tally in ran.items():
        latency.add_metric([*place], _buckets(tally, NODE_BOUNDS_S), tally.total_s)
    for place, tally in spent.items():
        tokens.add_metric([*place], tally.tokens)
        cost.add_metric([*place], tally.cost)
    return steps, latency, tokens, cost


def _work(totals: Totals, standing: Standing) -> Iterable[Metric]:
    decisions = CounterMetricFamily(
        "interlock_decisions", "Decisions of humans, by what they chose.", labels=["verb"]
    )
    waited = CounterMetricFamily(
        "interlock_decision_wait_seconds",
        "Seconds that decided cards had waited for a human.",
        labels=["verb"],
    )
    for verb, tally in sorted(totals.decisions.tallies.items()):
        decisions.add_metric([verb], tally.count)
        waited.add_metric([verb], tally.total_s)
    return (
        _gauge("active_workflows", "Runs in a worker now.", "agent_name", standing.running),
        _gauge(
            "interlock_runs_queued", "Runs that wait for a worker.", "agent_name", standing.queued
        ),
        _gauge("interlock_queue_jobs", "Jobs to do and being done.", "status", standing.jobs),
        GaugeMetricFamily(
            "interlock_queue_oldest_seconds",
            "How long the job that is due longest has waited for a worker.",
            standing.oldest_due_s,
        ),
        _gauge("interlock_approvals_pending", "Cards that wait.", "agent_name", standing.waiting),
        GaugeMetricFamily(
            "interlock_approvals_oldest_seconds",
            "How long the oldest card has waited.",
            standing.oldest_waiting_s,
        ),
        decisions,
        waited,
        _gauge("interlock_workers", "Workers that are alive.", "status", standing.workers),
        GaugeMetricFamily(
            "interlock_worker_slots", "Runs they carry at once together.", standing.slots
        ),
    )


def _tools(standing: Standing) -> Metric:
    calls = CounterMetricFamily(
        "tool_invocations",
        "Calls of tools that ended, by how; one that waits for a human has not ended.",
        labels=["agent_name", "tool", "status"],
    )
    for key, count in sorted(standing.tools.items()):
        calls.add_metric([key.workflow, key.tool, key.status], count)
    return calls


def _safety(totals: Totals, standing: Standing) -> Iterable[Metric]:
    state = GaugeMetricFamily(
        "interlock_breaker_state", "1 for the state a breaker is in.", labels=["name", "state"]
    )
    refused = CounterMetricFamily(
        "interlock_breaker_short_circuited",
        "Calls that an open breaker refused.",
        labels=["name"],
    )
    for breaker in standing.breakers:
        refused.add_metric([breaker.name], breaker.short_circuited)
        for name in BREAKER_STATES:
            state.add_metric([breaker.name, name], float(breaker.state == name))
    lookups = CounterMetricFamily(
        "interlock_cache_lookups",
        "Lookups in the cache of a node, by the tier that had it, or miss.",
        labels=["agent_name", "node", "outcome"],
    )
    for key, tally in sorted(totals.caches.tallies.items()):
        lookups.add_metric([key.workflow, key.path, key.outcome], tally.count)
    return (
        state,
        refused,
        lookups,
        GaugeMetricFamily(
            "interlock_cache_entries", "Entries in the shared cache.", standing.cache_entries
        ),
        GaugeMetricFamily("interlock_cache_bytes", "Bytes they take.", standing.cache_bytes),
        _gauge("interlock_alerts_open", "Alerts that are open.", "severity", standing.alerts),
        GaugeMetricFamily(
            "interlock_holds", "Holds in force, on a workflow or on everything.", standing.holds
        ),
    )


def _gauge(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _buckets(tally: Tally, bounds: Sequence[float]) -> list[tuple[str, float]]:
    within = tally.within or (0,) * len(bounds)
    counted = [(str(bound), float(n)) for bound, n in zip(bounds, within, strict=True)]
    return [*counted, ("+Inf", float(tally.count))]
