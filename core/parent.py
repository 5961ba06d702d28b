"""
A child process ends when its parent is gone, however the parent died (DESIGN.md section 1).

`up` hands its process id down; the child asks the kernel for a signal where there is one (Linux)
and looks at its parent's id everywhere. Must not import anything slow: it runs first.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PARENT_VARIABLE = "INTERLOCK_PARENT_PID"
POLL_S = 0.5
GRACE_S = 1.0  # with the poll it stays below the 2 s within which a new `up` may start
ORPHAN_EXIT_CODE = 76
_PR_SET_PDEATHSIG = 1
_WATCHER = "interlock-parent"


def watch_parent(*, grace_s: float = GRACE_S) -> bool:
    """
    Make this process end within 2 s of its parent's death; call it first, from the main thread.

    The process gets SIGTERM, and a hard exit `grace_s` later if it is still there.

    Returns:
        Whether there is a parent to watch: False for a process that was started by hand.
    """
    # Taken out of the environment: what this process starts has another parent.
    given = os.environ.pop(PARENT_VARIABLE, "")
    if not given.isdecimal():
        return False
    parent_pid = int(given)
    _ask_kernel_for_signal()
    watcher = threading.Thread(
        target=_watch, args=(parent_pid, grace_s), name=_WATCHER, daemon=True
    )
    watcher.start()
    return True


def is_child() -> bool:
    """Whether this process watches a parent, as a child of `up` does."""
    return any(thread.name == _WATCHER for thread in threading.enumerate())


def _watch(parent_pid: int, grace_s: float) -> None:
    while os.getppid() == parent_pid:
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_s)
    os._exit(ORPHAN_EXIT_CODE)


def _ask_kernel_for_signal() -> None:
    """Ask Linux to send SIGTERM at the parent's death: sooner than the poll, which also covers failure."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    except (OSError, AttributeError):  # a libc without prctl: the poll alone does it
        return
