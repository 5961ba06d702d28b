"""
One side of the history rows, in a process of its own, so that its memory is its own.

Run as `python opening.py ours|other DATA_DIR DATABASE THREAD`: prints the milliseconds of each look,
the least processor time of one, the megabytes that what was read takes, and how many points it is.
DATABASE may be empty.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from interlock.core.settings import Settings

LOOKS = 20


Look = Callable[[], Sequence[object]]


def main(side: str, data_dir: str, database: str, thread_id: str) -> None:
    """Open the history of a thread and say what it took."""
    settings = Settings(data_dir=Path(data_dir), database=database or None)
    with {"ours": _ours, "other": _other}[side](settings, thread_id) as look:
        spent: list[float] = []
        worked: list[float] = []
        gc.collect()
        before = psutil.Process().memory_info().rss
        held = _take(look, spent, worked)
        grown = psutil.Process().memory_info().rss - before
        count = len(held)
        del held
        for _ in range(LOOKS - 1 if side == "ours" else 0):
            _take(look, spent, worked)
    print(json.dumps({"ms": spent, "worked_ms": min(worked), "mb": grown / 1e6, "count": count}))


def _take(look: Look, spent: list[float], worked: list[float]) -> Sequence[object]:
    begun, worked_before = time.perf_counter(), time.process_time()
    found = look()
    spent.append((time.perf_counter() - begun) * 1000)
    worked.append((time.process_time() - worked_before) * 1000)
    return found


@contextmanager
def _ours(settings: Settings, thread_id: str) -> Iterator[Look]:
    """As the page does it."""
    from interlock.core.bootstrap import build_app
    from interlock.core.model import branching, folding
    from interlock.core.services import history

    app = build_app(settings)

    kept: dict[str, object] = {}  # what the page holds besides

    def look() -> Sequence[object]:
        found = history.open_history(app, thread_id)
        tree = branching.grow(found.points)
        kept["page"] = found, tree, folding.lay_out(tree)
        return found.points

    yield look
    app.engine.dispose()


@contextmanager
def _other(settings: Settings, thread_id: str) -> Iterator[Look]:
    """As whoever has nothing but LangGraph does it."""
    sys.path.insert(0, str(Path(__file__).parent / "project"))
    from graphs import long
    from langgraph.checkpoint.postgres import PostgresSaver
    from langgraph.checkpoint.sqlite import SqliteSaver

    if settings.is_embedded:
        opened = SqliteSaver.from_conn_string(str(settings.checkpoints_path))
    else:
        plain = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        opened = PostgresSaver.from_conn_string(plain)
    with opened as saver:
        graph = long.copy({"checkpointer": saver})
        yield lambda: list(graph.get_state_history({"configurable": {"thread_id": thread_id}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
