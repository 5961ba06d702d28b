"""Two releases on one Postgres: there and back, while runs are launched and cards are decided."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import psycopg
import pytest

from interlock.core.model.runs import RunStatus
from interlock.core.services import observing
from interlock.core.settings import ENV_PREFIX
from interlock.core.store import engine as engines
from interlock.core.store import schema, workers
from tests.books import find_faults
from tests.integration import next_release

ROOT = Path(__file__).parents[2]
DEAD_S = 60.0  # nobody dies here, however slow the machine is
PAUSE_S = 0.3  # between two rounds: there are to be some at any time, not as many as there can be


class Traffic:
    """Launches a run, decides its card, waits for its end, and again; by this release, like a web process."""

    def __init__(self, desk) -> None:
        self._desk = desk
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self.books = []  # of the rounds that ended well
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def last_hand(self) -> int:
        """Which worker did the last step of the newest round."""
        return int((self.books[-1].folder / "after.done").read_text())

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        if self._errors:
            raise self._errors[0]

    def has_failed(self) -> bool:
        return bool(self._errors)

    def _go(self) -> None:
        try:
            while not self._stop.wait(PAUSE_S):
                book = self._desk.open_book()
                run = self._desk.launch("one", book)
                assert self._desk.wait(run).status is RunStatus.WAITING
                decided = self._desk.decide(self._desk.card(run), "yes")
                assert self._desk.wait(decided.run_id).status is RunStatus.DONE
                self.books.append(book)
        except BaseException as exc:
            self._errors.append(exc)


@pytest.fixture
def desk(postgres_url, make_desk):
    return make_desk(postgres_url)


@pytest.fixture
def release(desk, tmp_path):
    """The release after this one, on the same database."""
    path = next_release.make(ROOT, tmp_path / "next", before=schema.REVISION)
    given = {
        "DATABASE": desk.app.settings.database_url.replace("+psycopg", ""),
        "CONFIG": str(desk.config),
        "DATA_DIR": str(tmp_path / "next" / "data"),
        "HEARTBEAT_S": "0.5",
        "WORKER_DEAD_AFTER_S": str(DEAD_S),
    }
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith(ENV_PREFIX)}
    made = next_release.Release(
        path, {**surroundings, **{f"{ENV_PREFIX}{name}": value for name, value in given.items()}}
    )
    yield made
    made.close()


def test_a_release_comes_in_beside_the_one_before_and_goes_again(desk, release, wait_until):
    old = desk.spawn(worker_dead_after_s=DEAD_S)
    traffic = Traffic(desk)

    def goes_on(hand: int | None = None) -> None:
        """Some more rounds end well, the last of them by the hand of a worker."""
        seen = len(traffic.books)
        wait_until(
            lambda: (
                traffic.has_failed()
                or (len(traffic.books) > seen + 1 and hand in (None, traffic.last_hand()))
            ),
            "more rounds",
        )
        assert not traffic.has_failed(), traffic.stop()

    goes_on(old.pid)
    assert release.run("db", "upgrade") == 0
    assert revision(desk) == next_release.REVISION
    goes_on(old.pid)

    new = release.start("worker")
    wait_until(lambda: ready(desk) == {old.pid, new}, "the new worker is ready")
    goes_on(new)
    old.terminate()
    assert old.wait() == 0
    goes_on(new)
    decide_each_others(desk, release)

    back = desk.spawn(worker_dead_after_s=DEAD_S)
    wait_until(lambda: ready(desk) == {back.pid, new}, "the worker of the way back is ready")
    os.kill(new, signal.SIGTERM)
    assert release.wait(new) == 0
    goes_on(back.pid)
    traffic.stop()

    for book in traffic.books:
        assert [book.count(what) for what in ("before", "after")] == [1, 1]
    with engines.read(desk.app.engine) as conn:
        assert find_faults(conn) == []
    assert written(desk) == {(None, 7), (next_release.NOTE, 8)}, "both releases have written runs"


def decide_each_others(desk, release) -> None:
    """What one release launches and asks, the other decides."""
    book = desk.open_book()
    given = json.dumps({"book": str(book.folder)})
    assert release.run("launch", "one", "--thread", "theirs", "--input", given) == 0
    theirs = wait_until_held(desk, "theirs")
    ours = desk.finish("one", desk.open_book())
    assert release.run("decide", desk.card(ours).approval_id, "--approve") == 0
    desk.decide(theirs, "yes")
    book.wait_for("after")
    (last,) = observing.list_runs(desk.app, thread_id=ours.thread_id, limit=1)
    assert desk.wait(last.run_id).status is RunStatus.DONE


def wait_until_held(desk, thread_id: str):
    (run,) = observing.list_runs(desk.app, thread_id=thread_id)
    assert desk.wait(run.run_id).status is RunStatus.WAITING
    return desk.card(run)


def ready(desk) -> set[int]:
    with engines.read(desk.app.engine) as conn:
        return {w.pid for w in workers.fetch_all(conn) if w.status == "ready"}


def revision(desk) -> str:
    return ask(desk, "SELECT max(version_num) FROM alembic_version").pop()[0]


def written(desk) -> set[tuple]:
    return set(ask(desk, "SELECT DISTINCT next_note, next_rank FROM runs"))


def ask(desk, query: str) -> list[tuple]:
    url = desk.app.settings.database_url.replace("+psycopg", "")
    with psycopg.connect(url) as conn:
        return conn.execute(query).fetchall()
