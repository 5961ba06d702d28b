"""Odd folders, odd files and files that vanish: said in a sentence, and private to their owner."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from interlock.core import bootstrap
from interlock.core.errors import InvalidInput, StoreUnavailable
from interlock.core.services import observing
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.store import runs
from interlock.core.types import RunId

PYTHON = (sys.executable, "-P", "-m", "interlock.core.cli")


@pytest.fixture
def open_app():
    """Applications on any folder, closed at the end."""
    opened = []

    def open_one(data_dir, **settings):
        app = bootstrap.build_app(Settings(data_dir=data_dir, **settings))
        opened.append(app)
        return app

    yield open_one
    for app in opened:
        app.engine.dispose()


def ask(folder, *arguments, **streams):
    """Run a command; what it said and its exit code."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")}
    return subprocess.run(
        [*PYTHON, *arguments],
        env={**environment, "INTERLOCK_DATA_DIR": str(folder)},
        capture_output=not streams,
        timeout=60,
        check=False,
        **streams,
    )


def modes_of(folder):
    return {path: path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]}


def test_the_data_folder_is_its_owners_alone(tmp_path, open_app):
    before = os.umask(0)
    try:
        app = open_app(tmp_path / "new" / "data")
        with engines.write(app.engine) as conn:
            runs.fetch(conn, RunId("none"))
        found = modes_of(app.settings.data_dir)
    finally:
        os.umask(before)
    names = {path.name for path in found}
    assert {"app.db", "app.db-wal", "checkpoints.db"} <= names
    assert set(found.values()) == {0}


def test_a_database_file_that_vanishes_is_missed_and_no_new_one_is_begun(tmp_path, open_app):
    app = open_app(tmp_path)
    path = tmp_path / "app.db"
    path.rename(tmp_path / "elsewhere.db")

    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"app\.db is gone"):
            observing.overview(app)
    app.engine.dispose()  # so that the next one connects anew
    with pytest.raises(StoreUnavailable, match=r"app\.db is gone"):
        observing.overview(app)

    assert not path.exists()
    (tmp_path / "elsewhere.db").rename(path)
    assert observing.overview(app).waiting == 0


def test_a_database_file_put_in_place_of_another_is_read_instead(tmp_path, open_app):
    app, other = open_app(tmp_path / "one"), open_app(tmp_path / "other")
    with engines.write(other.engine) as conn:
        conn.exec_driver_sql("INSERT INTO topics (name, head) VALUES ('inbox', 7)")
    other.engine.dispose()
    assert observing.heads(app) == {}

    for name in ("app.db-wal", "app.db-shm"):
        (tmp_path / "one" / name).unlink(missing_ok=True)
    shutil.move(tmp_path / "other" / "app.db", tmp_path / "one" / "app.db")

    assert observing.heads(app) == {"inbox": 7}


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_data_folder_that_is_a_file_is_said(tmp_path, open_app, inside):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        open_app(tmp_path / "file" / inside)


def test_a_data_folder_behind_a_link_is_as_good(tmp_path, open_app):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert observing.list_runs(open_app(tmp_path / "link")) == []
    assert (tmp_path / "real" / "app.db").is_file()


def test_a_port_that_is_no_number_is_said_without_the_password(tmp_path, open_app):
    with pytest.raises(StoreUnavailable) as refused:
        open_app(tmp_path, database="postgresql://ann:hunter2@h:port/d")
    assert "is not a database URL" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_half_a_character_in_an_id_is_refused_not_crashed_on(tmp_path, open_app):
    app = open_app(tmp_path)
    with pytest.raises(InvalidInput, match="surrogate"):
        observing.get_run(app, "\udcff")


def test_a_value_nested_beyond_reading_is_never_stored(tmp_path, open_app):
    deep: object = 1
    for _ in range(300):
        deep = {"in": deep}
    app = open_app(tmp_path)
    with pytest.raises(InvalidInput, match="nested too deeply"), engines.write(app.engine) as conn:
        app.queue.finish(conn, "job", result=deep)


def test_closed_streams_end_no_command_with_a_surprise(tmp_path, open_app):
    open_app(tmp_path)
    code = "import os, sys; os.close(0); os.close(1); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", code, *PYTHON, "runs", "--data-dir", str(tmp_path), "--json"]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_ids_of_any_bytes_are_refused_in_a_sentence(tmp_path, open_app):
    open_app(tmp_path)
    done = ask(tmp_path, "run", b"\xff")
    assert done.returncode == 1
    assert b"surrogate" in done.stderr
    assert not (tmp_path / "logs").exists()
