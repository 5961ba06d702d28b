"""Examples of figures, breakers, caches and what is set back; `examples` has the others, and says how."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from interlock.core.model.breaker import Breaker, BreakerState, Served
from interlock.core.model.caches import CacheFigures, Counts, Place
from interlock.core.model.figures import (
    ErrorFigures,
    NodeFigures,
    Point,
    ReviewerFigures,
    Totals,
    WorkflowFigures,
)
from interlock.core.model.policies import BreakerRules
from interlock.core.services import figure_documents
from interlock.core.types import CheckpointId, Json, RunId
from interlock.dashboard.http.api.described import ID, page_of, show

_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_LATER = _AT + timedelta(seconds=2)
_RUN_ID = RunId(ID)
_CHECKPOINT_ID = CheckpointId("1f0c7a9e-0000-6000-8002-000000000001")

_breaker = Breaker(
    name="payments",
    rules=BreakerRules(name="payments"),
    serves=(Served("refund_desk", "pay"), Served("refund_desk", "pay", "charge")),
    state=BreakerState.OPEN,
    forced=BreakerState.OPEN,
    opened_at=_AT,
    retry_at=_LATER,
)
BREAKER = show(
    "Breaker",
    figure_documents.of_breaker(_breaker, _AT),
    figure_documents.of_breaker(replace(_breaker, forced=None, opened_at=None, retry_at=None), _AT),
)
_cache = CacheFigures(
    place=Place("help_desk", "classify"),
    counts=Counts(memory_hits=7, misses=3, stores=3, saved_ms=8400.5, saved_cost=0.01),
    entries=3,
    size_bytes=900,
    max_entries=1000,
)
CACHE = show(
    "Cache",
    figure_documents.of_cache(_cache),
    figure_documents.of_cache(replace(_cache, counts=Counts(), max_entries=None)),
)
CLEARED = show("Cleared", {"cleared": 3})


def _floats(made: dict[str, Json]) -> list[Json]:
    """A document as it is where nothing was counted, and with a number wherever one may come."""
    return [{key: 0.5 if value is None else value for key, value in made.items()}, made]


_totals = _floats(asdict(Totals()))
_points = [{**each, "start": _AT.isoformat()} for each in _floats(asdict(Point(start=_AT)))]
_error = asdict(
    ErrorFigures(
        error_type="TimeoutError",
        workflow="refund_desk",
        path="pay",
        count=2,
        last_at=_AT,
        message="no answer",
        run_ids=(_RUN_ID,),
    )
)
_reviewer = ReviewerFigures(
    actor="ann",
    decided=9,
    approved=7,
    approve_ratio=0.78,
    median_s=41.5,
    overdue=0,
    is_hasty=False,
)
_metrics: dict[str, Json] = {
    "window": {
        "start": _AT.isoformat(),
        "end": _LATER.isoformat(),
        "workflow": "refund_desk",
        "variant": "b",
    },
    "totals": _totals[0],
    "before": _totals[1],
    "nodes": _floats(asdict(NodeFigures(workflow="refund_desk", node="pay", path="pay"))),
    "workflows": _floats(asdict(WorkflowFigures(workflow="refund_desk"))),
    "variants": _floats(asdict(WorkflowFigures(workflow="refund_desk", variant="b"))),
    "errors": [{**_error, "last_at": _AT.isoformat(), "run_ids": [_RUN_ID]}],
    "reviewers": [asdict(_reviewer)],
    "series": {"span_s": 60, "points": _points},
    "is_whole": True,
}
METRICS = show(
    "Metrics",
    _metrics,
    {
        **_metrics,
        "window": {**_metrics["window"], "workflow": None, "variant": None},
        "totals": _totals[1],
        "before": _totals[0],
    },
)

_rewound: dict[str, Json] = {
    "run_id": ID,
    "thread_id": ID,
    "checkpoint_id": _CHECKPOINT_ID,
    "verb": "rerun",
    "as_node": "review",
    "certain": ["pay"],
    "will_rerun": [{"node": "pay", "times": 1, "side_effects": True}],
    "warnings": ["pay has side effects: they happen again."],
    "consequences": ["pay runs again."],
    "asked_again": [],
    "kept": [],
    "superseded": [ID],
    "left_head_id": _CHECKPOINT_ID,
    "head_id": _CHECKPOINT_ID,
    "status": "queued",
}
REWOUND = show(
    "Rewound",
    _rewound,
    {
        **_rewound,
        "run_id": None,
        "as_node": None,
        "certain": None,
        "will_rerun": [{"node": "pay", "times": None, "side_effects": None}],
        "left_head_id": None,
        "head_id": None,
        "status": None,
    },
)
BREAKERS, CACHES = page_of(BREAKER), page_of(CACHE)
