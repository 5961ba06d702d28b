"""A real PgBouncer before the tests' Postgres, as long as a block lasts."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

START_S = 15
TICK_S = 0.05
PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))  # Debian's, in no user's path
CONFIG = """
[databases]
* = host={host} port={server_port} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {pool_size}
max_client_conn = 200
query_wait_timeout = 20
logfile = {folder}/log
pidfile =
"""


def find() -> str | None:
    """Where the program is."""
    return shutil.which("pgbouncer", path=PLACES)


@contextmanager
def before(url: str, *, mode: str, pool_size: int = 60) -> Iterator[str]:
    """Give the URL under which the pooler serves the database of `url`."""
    program = find()
    assert program is not None
    server = make_url(url)
    with tempfile.TemporaryDirectory(prefix="interlock-pgb-") as name:
        folder = Path(name)
        port = _free_port()
        config = folder / "pgbouncer.ini"
        config.write_text(
            CONFIG.format(
                host=server.host or server.query.get("host"),
                server_port=server.port or 5432,
                user=server.username,
                password=f"password='{server.password}'" if server.password else "",
                port=port,
                mode=mode,
                pool_size=pool_size,
                folder=folder,
            )
        )
        folder.chmod(0o777)  # as root it goes on as `nobody`, who writes its log there
        as_whom = ["-u", "nobody"] if os.getuid() == 0 else []
        process = subprocess.Popen(
            [program, *as_whom, "-q", str(config)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        own = server.set(host="127.0.0.1", port=port, query={}, password=None)
        try:
            _wait_until_there(process, own.set(drivername="postgresql"), folder)
            yield own.render_as_string(hide_password=False)
        finally:
            process.kill()
            process.communicate()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_until_there(process: subprocess.Popen[bytes], url: object, folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(str(url)).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = folder / "log"
                told = log.read_text() if log.exists() else ""
                raise RuntimeError(f"PgBouncer does not serve: {error} {told[-2000:]}") from error
            time.sleep(TICK_S)
        else:
            return
