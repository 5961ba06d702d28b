"""The tests' own Postgres: shared by a session's processes, gone when the last of them is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

SCRIPT = Path(__file__).parents[1] / "postgres.py"
USER = """
import runpy, sys
postgres = runpy.run_path(sys.argv[1])
with postgres["server"](sys.argv[2]) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def users(monkeypatch):
    """Two processes of one test session that each use the server; their URL is read."""
    monkeypatch.delenv("INTERLOCK_TEST_POSTGRES_URL", raising=False)
    command = [sys.executable, "-c", USER, str(SCRIPT), uuid4().hex]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_the_server_ends_with_its_last_user_even_a_killed_one(users):
    urls = {process.stdout.readline().strip() for process in users}
    assert len(urls) == 1
    folder = Path(urls.pop().partition("?host=")[2])
    users[0].kill()
    users[0].wait()
    psycopg.connect(f"host={folder} user=interlock dbname=postgres").close()

    users[1].kill()
    users[1].wait()
    _wait_until_gone(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_the_server_ends_with_its_guardian(users):
    urls = {process.stdout.readline().strip() for process in users}
    folder = Path(urls.pop().partition("?host=")[2])
    server = int((folder / "ready").read_text())
    guardian = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(guardian, 9)
    _wait_until_gone(Path(f"/proc/{server}/cwd"))
    shutil.rmtree(folder)


def _wait_until_gone(path: Path) -> None:
    deadline = time.monotonic() + 20
    while path.exists():
        assert time.monotonic() < deadline, f"{path} is still there"
        time.sleep(0.05)
