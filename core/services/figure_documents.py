"""The JSON documents of threads, figures, breakers, caches and rewinds; `documents` has the others."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from interlock.core.model import rewind_json
from interlock.core.model.breaker import Breaker, count_recent
from interlock.core.model.caches import CacheFigures
from interlock.core.model.figures import Metrics
from interlock.core.model.runs import Run
from interlock.core.model.thread_lists import ThreadLine
from interlock.core.services.staging import Staged
from interlock.core.types import Json


def of_thread(line: ThreadLine) -> dict[str, Json]:
    """One entry of `thread list`."""
    thread = line.thread
    return {
        "thread_id": thread.thread_id,
        "workflow": thread.workflow,
        "status": None if line.status is None else str(line.status),
        "waiting": line.waiting_count,
        "points": line.point_count,
        "bytes": line.size_bytes,
        "is_counted": line.is_counted,
        "head_checkpoint_id": thread.head_checkpoint_id,
        "last_run_id": thread.last_run_id,
        "origin": str(thread.origin),
        "from_thread_id": thread.from_thread_id,
        "from_checkpoint_id": thread.from_checkpoint_id,
        "trouble": thread.trouble,
        "created_at": thread.created_at.isoformat(),
        "updated_at": thread.updated_at.isoformat(),
    }


def of_metrics(found: Metrics) -> Json:
    """The document of `metrics`; durations in ms, waits in s, ratios from 0 to 1."""
    window = found.window
    return {
        "window": {
            "start": window.start.isoformat(),
            "end": window.end.isoformat(),
            "workflow": window.workflow,
            "variant": window.variant,
        },
        "totals": asdict(found.totals),
        "before": asdict(found.before),
        "nodes": [asdict(node) for node in found.nodes],
        "workflows": [asdict(one) for one in found.workflows],
        "variants": [asdict(one) for one in found.variants],
        "errors": [{**asdict(one), "last_at": one.last_at.isoformat()} for one in found.errors],
        "reviewers": [asdict(one) for one in found.reviewers],
        "series": {
            "span_s": found.series.span_s,
            "points": [
                {**asdict(one), "start": one.start.isoformat()} for one in found.series.points
            ],
        },
        "is_whole": found.is_whole,
    }


def of_breaker(each: Breaker, now: datetime) -> dict[str, Json]:
    """One entry of `breakers`; `forced` is the state an operator holds it in, or null."""
    return {
        "name": each.name,
        "state": str(each.state),
        "failures": len(count_recent(each, now)),
        "opened_at": each.opened_at and each.opened_at.isoformat(),
        "retry_at": each.retry_at and each.retry_at.isoformat(),
        "short_circuited": each.short_circuited,
        "forced": each.forced and str(each.forced),
        "rules": each.rules.model_dump(mode="json", exclude={"name"}),
        "serves": [
            {"workflow": at.workflow, "node": at.path, "tool": at.tool or None}
            for at in each.serves
        ],
    }


def of_cache(figures: CacheFigures) -> dict[str, Json]:
    """One entry of `caches`."""
    counts = figures.counts
    return {
        "workflow": figures.place.workflow,
        "node": figures.place.path,
        "hits": counts.hits,
        "misses": counts.misses,
        "hit_ratio": counts.hit_ratio,
        "entries": figures.entries,
        "max_entries": figures.max_entries,
        "bytes": figures.size_bytes,
        "stores": counts.stores,
        "evictions": counts.evictions,
        "saved_ms": counts.saved_ms,
        "saved_cost": counts.saved_cost,
        "tiers": {
            "memory": counts.memory_hits,
            "database": counts.database_hits,
            "redis": counts.redis_hits,
            "semantic": counts.semantic_hits,
        },
    }


def of_rewind(
    staged: Staged, thread_id: str, last: Run | None, run_id: str | None
) -> dict[str, Json]:
    """The document of `rewind`; of a dry run there is no run."""
    told = rewind_json.as_json(staged.preview, staged.problems)
    left = staged.preview.left_head_id
    return {
        "run_id": run_id,
        "thread_id": thread_id,
        "checkpoint_id": staged.intention.checkpoint_id,
        "verb": str(staged.intention.verb),
        "as_node": staged.preview.as_node,
        "certain": told["certain"],
        "will_rerun": told["will_rerun"],
        "warnings": list(staged.warnings),
        "consequences": [staged.certain, *staged.consequences],
        "asked_again": told["decisions"]["asked_again"],
        "kept": told["decisions"]["kept"],
        "superseded": told["superseded"],
        "left_head_id": left,
        "head_id": staged.head_id,
        "status": str(last.status) if last is not None else None,
    }
