"""A dump made while work goes on, restored beside the original: what waited waits, what ran goes on."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from interlock.core.model.runs import RunStatus
from interlock.core.store import engine as engines
from interlock.core.store import fencing
from tests.books import find_faults

WAIT_S = 120


def _find(program: str) -> str | None:
    """The newest that is installed: one that is older than its server refuses."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    return str(places[0]) if places else shutil.which(program)


needs_programs = pytest.mark.skipif(
    _find("pg_dump") is None or _find("pg_restore") is None,
    reason="pg_dump and pg_restore are not installed",
)


@pytest.fixture
def copy(tmp_path, postgres_url, empty_postgres_url) -> Callable[[], str]:
    """Dump the database and restore it into an empty one, as docs/backup.md says; its URL."""

    def copy() -> str:
        dump = str(tmp_path / "interlock.dump")
        for command in (
            [_find("pg_dump"), "--format=custom", f"--file={dump}", _libpq(postgres_url)],
            [
                _find("pg_restore"),
                "--no-owner",
                "--exit-on-error",
                f"--dbname={_libpq(empty_postgres_url)}",
                dump,
            ],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=WAIT_S)
        return empty_postgres_url

    return copy


@needs_programs
def test_a_restored_database_goes_on_where_the_dump_was_made(make_desk, postgres_url, copy):
    desk = make_desk(postgres_url)
    desk.spawn(worker_dead_after_s=1.0)
    held_book, busy_book = desk.open_book(), desk.open_book()
    held = desk.launch("one", held_book)
    assert desk.wait(held).status is RunStatus.WAITING
    busy_book.close("slow")
    busy = desk.launch("working", busy_book)
    busy_book.wait_for("slow")

    restored = make_desk(copy())
    card = restored.card(held)
    decided = restored.decide(card, "yes")
    busy_book.open("slow")
    restored.spawn(worker_dead_after_s=1.0)

    assert restored.wait(decided.run_id).status is RunStatus.DONE
    assert restored.wait(busy).status is RunStatus.DONE, "its worker was dead to the copy"
    assert desk.wait(busy).status is RunStatus.DONE, "and alive where it is"
    assert desk.card(held).approval_id == card.approval_id, "the original still waits"
    restored.close()
    with engines.read(restored.app.engine) as conn:
        assert find_faults(conn) == []


def test_the_embedded_files_are_copied_while_they_are_written(desk, make_desk, tmp_path):
    worker = desk.start()
    held = desk.launch("one", desk.open_book())
    assert desk.wait(held).status is RunStatus.WAITING
    folder = tmp_path / "backup"
    folder.mkdir()
    for name in ("app.db", "checkpoints.db"):  # in this order: the checkpoints may be newer
        with (
            closing(sqlite3.connect(desk.app.settings.data_dir / name)) as source,
            closing(sqlite3.connect(folder / name)) as target,
        ):
            source.backup(target)
        desk.finish("working", desk.open_book())
    worker.stop()
    ended = desk.app.settings.data_dir
    ended.rename(tmp_path / "lost")
    folder.rename(ended)

    restored = make_desk()
    restored.start()
    decided = restored.decide(restored.card(held), "yes")
    assert restored.wait(decided.run_id).status is RunStatus.DONE


def test_who_takes_over_in_a_copy_leaves_the_sessions_of_the_original_alone(
    postgres_url, clone_postgres
):
    opened = engines.open_engine(postgres_url, application_name=fencing.session_name("w"))
    with clone_postgres() as copied, closing(psycopg.connect(_libpq(postgres_url))) as look:
        beside = engines.open_engine(copied)
        try:
            with engines.read(opened) as conn:
                conn.exec_driver_sql("SELECT 1")
            with engines.statements(beside) as conn:
                assert fencing.end_sessions(conn, ["w"]) == ["w"]
            found = look.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s",
                (fencing.session_name("w"),),
            )
            assert found.fetchone() == (1,)
        finally:
            beside.dispose()
            opened.dispose()


def _libpq(url: str) -> str:
    return url.replace("+psycopg", "")
