"""
The benchmark: what the design says it must cost, measured here, the other side in the same call.

    python tests/bench [ROW ...]     all rows but the last by default

    throughput, throughput-sqlite    supervised runs against bare LangGraph
    hold                             launch to card and decision to done, against `langgraph dev`
    browser                          a click on Approve to the start of the next node
    inbox                            ten thousand pending cards
    live                             fifty open inboxes
    tabs                             a hundred open browsers, sessions and all
    metrics                          the metrics page over a million node runs in seven days
    history                          a thread of 1 000 and 10 000 points opened, states compared
    attach                           3 000 threads of another application followed
    policies                         what each policy adds to a node's run
    big                              every page's services over 100 000 runs, on both databases, and what grows
    heavy                            a state of ten megabytes; an urgent run behind a long queue
    people                           what it costs to ask who it is, and to see one tenant alone
    pages                            each page of the menu, from its address to all drawn
    demo                             a demonstration from its command to the whole of it
    api                              decisions a second through the API, by twenty people
    soak                             memory over ten thousand runs; whatever the API's description allows

Absolute figures belong to the machine; ratios are taken pair by pair.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import api  # noqa: E402
import attach  # noqa: E402
import big  # noqa: E402
import browser  # noqa: E402
import demo  # noqa: E402
import figures  # noqa: E402
import heavy  # noqa: E402
import history  # noqa: E402
import live  # noqa: E402
import pages  # noqa: E402
import permits  # noqa: E402
import policies  # noqa: E402
import postgres  # noqa: E402
import psycopg  # noqa: E402
import rows  # noqa: E402
import sealing  # noqa: E402
import tabs  # noqa: E402
from measuring import WIDTHS, Row  # noqa: E402

SOAK_RUNS = 10_000


def main(names: list[str]) -> int:
    """Measure the named rows, all but the long one by default; 1 if a bar is missed."""
    print(f"{rows.cores()}\n")
    head = ("figure", "measured", "bar", "verdict")
    print("  ".join(h.ljust(w) for h, w in zip(head, WIDTHS, strict=True)).rstrip())
    missed = False
    for name in names or [n for n in MEASURES if n != "soak"]:
        with _folder() as folder:
            for row in MEASURES[name](folder):
                print(row, flush=True)
                missed |= row.ok is False
    return int(missed)


def _throughput_postgres(folder: Path) -> list[Row]:
    with _databases() as make_database:
        return rows.throughput_postgres(folder, make_database)


def _history(folder: Path) -> Iterator[Row]:
    with _databases() as make_database:
        yield from history.measure(folder, make_database)


def _attach(folder: Path) -> Iterator[Row]:
    with _databases() as make_database:
        yield from attach.measure(folder, make_database)


def _big(folder: Path) -> Iterator[Row]:
    with _databases() as make_database:
        yield from big.measure(folder, make_database)


def _heavy(folder: Path) -> Iterator[Row]:
    with _databases() as make_database:
        yield from heavy.measure(folder, make_database)


def _people(folder: Path) -> Iterator[Row]:
    with _databases() as make_database:
        yield from permits.measure(folder, make_database)


def _keys(folder: Path) -> Iterator[Row]:
    with _databases() as make_database:
        yield from sealing.measure(folder, make_database)


def _soak(folder: Path) -> Iterator[Row]:
    yield from rows.memory(folder, runs=SOAK_RUNS)
    yield from api.soak(folder)


@contextmanager
def _databases() -> Iterator[Callable[[], str]]:
    """Databases of a Postgres that writes as one in production does."""
    with postgres.server(f"bench-{uuid4().hex[:8]}", durable=True) as url:

        def make_database() -> str:
            plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
            name = f"bench_{uuid4().hex[:8]}"
            with psycopg.connect(plain, autocommit=True) as conn:
                conn.execute(f'CREATE DATABASE "{name}"')
            return _with_database(plain, name)

        yield make_database


def _with_database(url: str, name: str) -> str:
    conninfo = psycopg.conninfo.conninfo_to_dict(url)
    host = str(conninfo.get("host", ""))
    user = conninfo.get("user", "")
    return f"postgresql://{user}@/{name}?host={host}"


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="interlock-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


MEASURES: dict[str, Callable[[Path], Iterable[Row]]] = {
    "throughput": _throughput_postgres,
    "throughput-sqlite": rows.throughput_sqlite,
    "hold": rows.hold,
    "browser": lambda folder: [rows.show_decision_times(browser.measure(folder))],
    "inbox": rows.inbox,
    "live": live.measure,
    "tabs": tabs.measure,
    "metrics": figures.read,
    "history": _history,
    "attach": _attach,
    "big": _big,
    "heavy": _heavy,
    "people": _people,
    "keys": _keys,
    "policies": policies.measure,
    "pages": pages.measure,
    "demo": demo.measure,
    "api": api.measure,
    "soak": _soak,
}

if __name__ == "__main__":
    unknown = [n for n in sys.argv[1:] if n not in MEASURES]
    if unknown:
        print(f"There is no row {unknown[0]!r}; the rows are {', '.join(MEASURES)}.")
        sys.exit(2)
    sys.exit(main(sys.argv[1:]))
