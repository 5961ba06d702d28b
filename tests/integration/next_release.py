"""
A release after this one: a copy of the package whose tables are one step ahead, and a process to run it.

Run as a script, with the copy first on the path, it carries out commands of that release, each in a
process of its own that is forked from this one, which has imported all they need.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

REVISION = "9001"
MIGRATION = '''
"""What a next release adds: a table, a column that may be null, one with a default, an index."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table("next_things", sa.Column("thing", sa.String(10), primary_key=True))
    op.add_column("runs", sa.Column("next_note", sa.String(40)))
    op.add_column("runs", sa.Column("next_rank", sa.Integer(), nullable=False, server_default="7"))
    op.create_index("ix_runs_next", "runs", ["next_rank", "run_id"])
'''
NOTE = "by the next release"
COLUMNS = f"""
    Column("next_note", String(40), default="{NOTE}"),
    Column("next_rank", Integer, nullable=False, default=8, server_default="7"),
    Index("ix_runs_created","""


def make(source: Path, folder: Path, *, before: str) -> Path:
    """
    Copy the package and take it one release further.

    Args:
        source: The folder in which `core` and `dashboard` are.
        folder: Where the copy is made.
        before: The newest migration of this release.

    Returns:
        What has to be first on the path.
    """
    package = folder / "interlock"
    shutil.copytree(source / "core", package / "core")  # with what is compiled: times are kept
    (package / "dashboard").symlink_to(source / "dashboard")
    schema = package / "core" / "store" / "schema.py"
    text = schema.read_text()
    for old, new in (
        (f'REVISION = "{before}"', f'REVISION = "{REVISION}"'),
        ('\nSERVES_FROM = "', f'\nSERVES_FROM = "{before}"  # "'),
        ('\n    Index("ix_runs_created",', COLUMNS),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    schema.write_text(text)
    step = schema.parent / "migrations" / "versions" / f"{REVISION}_next.py"
    step.write_text(MIGRATION.format(revision=REVISION, before=before))
    return folder


class Release:
    """The process, as a test sees it."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**environment, "PYTHONPATH": str(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *args: str) -> int:
        """Begin a command; its process."""
        return self._ask({"args": args})

    def wait(self, pid: int) -> int:
        """Wait for the end of one; its exit code."""
        return self._ask({"wait": pid})

    def run(self, *args: str) -> int:
        """Carry a command out; its exit code."""
        return self.wait(self.start(*args))

    def close(self) -> None:
        """End it, and with it whatever it has begun."""
        self._process.kill()
        self._process.communicate()

    def _ask(self, question: Mapping[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


def serve(questions: IO[str], answers: IO[str]) -> None:
    """Carry out what is asked, until nothing is asked any more."""
    # All that commands import late, once for all of them.
    for name in (
        "alembic.command",
        "interlock.core.worker.main",
        "interlock.core.graphs.setting_up",
    ):
        importlib.import_module(name)
    from interlock.core import cli, parent
    from interlock.core.store import schema

    assert schema.REVISION == REVISION
    os.environ[parent.PARENT_VARIABLE] = str(os.getpid())
    for line in questions:
        question = json.loads(line)
        if "wait" in question:
            _, status = os.waitpid(question["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork() or _become(cli.main, question["args"])
        print(answer, file=answers, flush=True)


def _become(main: Any, args: Sequence[str]) -> int:
    os.dup2(2, 1)  # stdout is for answers
    os.close(0)
    try:
        code = main(args)
    except BaseException as exc:
        print(f"{args[0]}: {exc!r}", file=sys.stderr)
        code = 70
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
