"""What only one `up` can have at a time: its data folder and its port."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from interlock.core import private
from interlock.core.errors import Conflict, InvalidInput, StoreUnavailable

PORT_WAIT_S = 3.0  # the children of an `up` that was killed are gone after 2 s
UP_LOCK, WORKER_LOCK = "up.lock", "worker.lock"
LOOK_WAIT_S = 0.5  # whoever looks with `is_held` has the lock for microseconds


@contextlib.contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[Callable[[str], None]]:
    """
    Hold the data folder; the operating system lets go of it when this process dies, however.

    Yields:
        What notes where this one is, for whoever is refused.

    Raises:
        Conflict: Another `up` has it; the message says where that one is.
        StoreUnavailable: The folder cannot be written.
    """
    path = data_dir / UP_LOCK
    try:
        private.make_folder(data_dir)
        descriptor = private.open_file(path, os.O_RDWR)
    except OSError as exc:
        raise StoreUnavailable(
            f"The data folder {data_dir} cannot be written: {exc.strerror}.",
            hint="Name another with --data-dir.",
        ) from exc
    try:
        _lock(descriptor, path, data_dir)
        os.ftruncate(descriptor, 0)
        yield lambda url: _note(descriptor, url)
    finally:
        os.close(descriptor)


def is_held(data_dir: Path, name: str = UP_LOCK) -> bool:
    """Whether an `up` runs on this data folder, or a worker with `WORKER_LOCK`."""
    try:
        descriptor = os.open(data_dir / name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def hold_port(host: str, port: int, *, wait_s: float = PORT_WAIT_S) -> int:
    """
    See that a port can be listened on, waiting a little for its last user to leave.

    Returns:
        The port; a free one for 0.

    Raises:
        Conflict: Another program listens there.
        InvalidInput: This machine cannot listen on that address or port.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return _bind(host, port)
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                raise InvalidInput(
                    f"Nothing can listen on {host}:{port}: {exc.strerror or exc}.",
                    hint="Set another with --port or INTERLOCK_HOST.",
                ) from exc
            if time.monotonic() >= deadline:
                raise Conflict(
                    f"Port {port} of {host} is in use by another program.",
                    hint="Take another with --port, or --port 0 for any free one.",
                ) from None
        time.sleep(0.1)


def _bind(host: str, port: int) -> int:
    [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        trial.bind(address)
        return int(trial.getsockname()[1])


def _note(descriptor: int, url: str) -> None:
    with contextlib.suppress(OSError):  # of a full disk: who is refused is told less
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)


def _lock(descriptor: int, path: Path, data_dir: Path) -> None:
    deadline = time.monotonic() + LOOK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Conflict(
                    f"Interlock is already running on {data_dir}{_name_holder(path)}.",
                    hint="Open that one, stop it with Ctrl-C, or name another folder with --data-dir.",
                ) from None
        except OSError as exc:
            raise StoreUnavailable(f"{path} cannot be locked: {exc.strerror}.") from exc
        else:
            return
        time.sleep(0.01)


def _name_holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f", process {int(holder['pid'])}, {holder['url']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
