"""Where it happens: a Postgres that is stopped and killed, and the cables that lead to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import postgres
import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

from interlock.core.store import engine as engines
from interlock.core.store import migrating

HERE = Path(__file__).parent
WAIT_S = 300.0  # far beyond what anything takes on a busy machine
TIMES = {"track_commit_timestamp": "on"}  # when each row of a checkpoint became durable
# Of a server of our own, whose crash must not lose what it said was kept.
DURABLE = postgres.OPTIONS | TIMES | {"log_min_messages": "panic"}


class Late(RuntimeError):
    """Something did not happen in time."""


def wait_until(is_so: Callable[[], Any], what: str, *, pause_s: float = 0.05) -> Any:
    """Poll until something is so, and give it back."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = is_so()
        if found:
            return found
        time.sleep(pause_s)
    raise Late(f"{what} did not happen within {WAIT_S:g} s.")


class Database:
    """The database all work on, asked directly, past all cables."""

    def __init__(self, url: str, server: postgres.Stoppable | None) -> None:
        """`server`: of our own, so that it can be stopped."""
        self._server = server
        self.url = make_url(url)
        self._conn: psycopg.Connection[Any] | None = None

    @property
    def can_stop(self) -> bool:
        """Whether the server is ours to stop."""
        return self._server is not None

    @property
    def upstream(self) -> str:
        """Where a cable leads: the path of a socket, or host and port."""
        host = str(self.url.query.get("host", self.url.host or "127.0.0.1"))
        port = self.url.port or 5432
        return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"

    def through(self, port: int) -> str:
        """The URL of the database at the other end of a cable."""
        behind = self.url.set(drivername="postgresql", host="127.0.0.1", port=port, query={})
        return behind.render_as_string(hide_password=False)

    def prepare(self) -> None:
        """Make our tables."""
        engine = engines.open_engine(self.url.render_as_string(hide_password=False))
        migrating.upgrade(engine)
        engine.dispose()

    def ask(self, query: str, values: Any = None) -> list[dict[str, Any]]:
        """What a query finds; waits for a server that is away."""

        def attempt() -> list[list[dict[str, Any]]]:
            try:
                return [self._ask(query, values)]
            except psycopg.OperationalError:
                if self._conn is not None:
                    self._conn.close()
                self._conn = None
                return []

        found: list[dict[str, Any]] = wait_until(attempt, "The database")[0]
        return found

    def is_there(self) -> bool:
        """Whether it answers just now."""
        try:
            self._ask("SELECT 1", None)
        except psycopg.OperationalError:
            return False
        return True

    def _ask(self, query: str, values: Any) -> list[dict[str, Any]]:
        if self._conn is None or self._conn.closed:
            plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._conn = psycopg.connect(
                plain, autocommit=True, row_factory=dict_row, application_name="chaos"
            )
        found = self._conn.execute(query, values)
        return found.fetchall() if found.description else []

    def stop(self, how: int) -> None:
        """SIGINT: fast, sessions are ended; SIGQUIT: at once, as if the power went."""
        assert self._server is not None
        self._server.stop(how)

    def start(self) -> None:
        """Start it again."""
        assert self._server is not None
        self._server.start()

    def end_sessions(self, names: str = "%", *, but_every: int = 0) -> int:
        """End the sessions of these application names, all or but every n-th; how many."""
        found = self.ask(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE %s AND pid <> pg_backend_pid() ORDER BY pid",
            (names,),
        )
        ended = [row["pid"] for n, row in enumerate(found) if not but_every or n % but_every]
        self.ask("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", (ended,))
        return len(ended)

    def kill_session(self, names: str) -> bool:
        """Kill -9 the server's process of one session; the server then starts all anew."""
        found = self.ask(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE %s AND pid <> pg_backend_pid() LIMIT 1",
            (names,),
        )
        for row in found:
            os.kill(row["pid"], signal.SIGKILL)
        return bool(found)

    def close(self) -> None:
        """Ask no more."""
        if self._conn is not None:
            self._conn.close()


@contextmanager
def open_database(url: str | None) -> Iterator[Database]:
    """The named one, or one on a server of our own that can be stopped."""
    if url is not None:
        database = Database(url, None)
        database.prepare()
        yield database
        database.close()
        return
    with postgres.stoppable(DURABLE) as server:
        server.start()
        database = Database(server.url, server)
        database.prepare()
        yield database
        database.close()


class Network:
    """The cables between the processes and the database."""

    def __init__(self, upstream: str, names: Iterable[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "proxy.py"), upstream, *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.ports: dict[str, int] = json.loads(self._process.stdout.readline())

    def order(self, what: str, name: str) -> None:
        """Cut, stall or heal a cable; it has happened when this returns."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what} {name}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def close(self) -> None:
        """Take all cables away."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def open_folder(kept: Path | None) -> Iterator[Path]:
    """Where journals and logs lie; a named one stays."""
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="interlock-chaos-") as folder:
        yield Path(folder)
