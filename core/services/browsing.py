"""Looking through many: runs filtered, searched, counted, grouped by error; a run's log page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from interlock.core.model.nodes import RunEvent
from interlock.core.model.run_lists import FailureGroup, RunCount, RunFilter
from interlock.core.model.runs import RunStatus, RunSummary
from interlock.core.services.context import App
from interlock.core.store import engine, events, run_lists
from interlock.core.types import RunId

MAX_GROUPS = 20  # errors that are shown apart; the rarest of more are in the list alone


def list_runs(
    app: App,
    wanted: RunFilter,
    *,
    limit: int,
    offset: int = 0,
    before: tuple[datetime, RunId] | None = None,
) -> list[RunSummary]:
    """One page of runs, newest first, without what may be large; `before` is the last one's place."""
    with engine.read(app.engine) as conn:
        return run_lists.fetch_page(conn, wanted, limit=limit, offset=offset, before=before)


def count_runs(app: App, wanted: RunFilter) -> dict[RunStatus, RunCount]:
    """How many runs of each status fit, whatever statuses are wanted."""
    with engine.read(app.engine) as conn:
        return run_lists.count_by_status(conn, wanted)


def group_failed(app: App, wanted: RunFilter) -> list[FailureGroup]:
    """The errors of failed runs that nobody has gone on with yet, the most frequent first."""
    with engine.read(app.engine) as conn:
        return run_lists.group_failed(conn, wanted, limit=MAX_GROUPS)


def list_newest_events(
    app: App,
    run_id: str,
    *,
    before_seq: int | None = None,
    limit: int = 300,
    kinds: Sequence[str] = (),
) -> list[RunEvent]:
    """The newest entries of a run's log, or the newest before one, oldest first."""
    with engine.read(app.engine) as conn:
        return events.fetch_newest(
            conn, RunId(run_id), before_seq=before_seq, limit=limit, kinds=tuple(kinds)
        )


def find_failed(app: App, wanted: RunFilter, *, limit: int) -> list[RunId]:
    """The failed runs that nobody has gone on with yet, oldest first."""
    with engine.read(app.engine) as conn:
        return run_lists.fetch_failed_ids(conn, wanted, limit=limit)
