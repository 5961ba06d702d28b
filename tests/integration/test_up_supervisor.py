"""The supervisor with stand-in children: real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

WAIT_S = 60
BUSY_S = 6  # the promise is 2 s; the rest is what a busy machine may add

PARENT = """
    import sys
    from pathlib import Path
    from interlock.core.cli.supervisor import ChildSpec, Supervisor

    def look(pid):
        Path(sys.argv[1], "looked").touch()
        return not Path(sys.argv[1], "silent").exists()

    specs = [
        ChildSpec(
            name=name,
            command=(sys.executable, "-c", code),
            env={"FOLDER": sys.argv[1]},
            stop_grace_s=float(sys.argv[2]),
            look=look if name == "watched" else None,
            silent_s=1,
            is_taken=lambda: Path(sys.argv[1], "taken").exists(),
        )
        for name, code in zip(sys.argv[3::2], sys.argv[4::2])
    ]
    supervisor = Supervisor(specs, say=lambda text: print(text, flush=True))
    sys.exit(supervisor.run())
"""

# Writes one line a start to <folder>/<name>; ends tidily on SIGTERM.
QUIET = """
    import os, signal, sys, time
    from interlock.core.parent import watch_parent
    def stop(*_):
        open(os.path.join(os.environ["FOLDER"], "drained"), "a").write("x")
        sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    watch_parent()
    with open(os.path.join(os.environ["FOLDER"], "starts"), "a") as file:
        file.write(f"{os.getpid()}\\n")
    while True:
        time.sleep(0.05)
"""
STUBBORN = QUIET.replace("sys.exit(0)", "pass")


def ending(code: int) -> str:
    return QUIET.split("while True", maxsplit=1)[0] + f"sys.exit({code})"


class Parent:
    def __init__(self, folder: Path, children: dict[str, str], *, grace_s: float = 10) -> None:
        self.folder = folder
        arguments = [
            part for name, code in children.items() for part in (name, textwrap.dedent(code))
        ]
        self.output = (folder / "output").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PARENT), str(folder), str(grace_s), *arguments],
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def starts(self) -> list[int]:
        path = self.folder / "starts"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def text(self) -> str:
        return (self.folder / "output").read_text()

    def close(self) -> None:
        with_children = [*self.starts(), self.process.pid]
        for pid in with_children:
            if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()


@pytest.fixture
def start(tmp_path):
    parents = []

    def begin(children: dict[str, str], **options) -> Parent:
        parents.append(Parent(tmp_path, children, **options))
        return parents[-1]

    yield begin
    for parent in parents:
        parent.close()


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_S} s: {what}"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_killed_child_is_started_again(start):
    parent = start({"one": QUIET})
    wait_for(lambda: len(parent.starts()) == 1, "first start")
    os.kill(parent.starts()[0], signal.SIGKILL)
    wait_for(lambda: len(parent.starts()) == 2, "second start")
    assert "killed by SIGKILL" in parent.text()


def test_the_other_child_is_left_alone(start):
    parent = start({"one": QUIET, "two": QUIET})
    wait_for(lambda: len(parent.starts()) == 2, "both starts")
    first, second = parent.starts()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(parent.starts()) == 3, "restart")
    assert not is_gone(second)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_drains_all_and_ends_with_0(start, number):
    parent = start({"one": QUIET, "two": QUIET})
    wait_for(lambda: len(parent.starts()) == 2, "both starts")
    parent.process.send_signal(number)
    assert parent.process.wait(WAIT_S) == 0
    assert (parent.folder / "drained").read_text() == "xx"
    assert all(is_gone(pid) for pid in parent.starts())


def test_a_second_ctrl_c_kills(start):
    parent = start({"one": STUBBORN}, grace_s=600)
    wait_for(parent.starts, "start")
    parent.process.send_signal(signal.SIGINT)
    wait_for((parent.folder / "drained").exists, "first Ctrl-C seen by the child")
    wait_for(lambda: parent.process.send_signal(signal.SIGINT) or parent.process.poll(), "end")
    assert parent.process.returncode == 130
    assert is_gone(parent.starts()[0])


def test_one_ctrl_c_that_arrives_twice_does_not_kill(start):
    parent = start({"one": QUIET})
    wait_for(parent.starts, "start")
    parent.process.send_signal(signal.SIGINT)
    parent.process.send_signal(signal.SIGINT)
    assert parent.process.wait(WAIT_S) == 0


def test_a_child_that_does_not_stop_in_time_is_killed(start):
    parent = start({"one": STUBBORN}, grace_s=0.2)
    wait_for(parent.starts, "start")
    parent.process.terminate()
    assert parent.process.wait(WAIT_S) == 0
    assert "did not stop in time" in parent.text()
    assert is_gone(parent.starts()[0])


def test_a_misconfigured_child_ends_everything_with_1(start):
    parent = start({"one": QUIET, "two": ending(78)})
    assert parent.process.wait(WAIT_S) == 1
    assert all(is_gone(pid) for pid in parent.starts())
    assert "started again" not in parent.text()


def test_a_child_whose_files_changed_is_started_again_at_once(start):
    slow_75 = ending(75).replace("sys.exit(75)", "time.sleep(1.1); sys.exit(75)")
    parent = start({"one": slow_75})
    wait_for(lambda: len(parent.starts()) == 2, "restart")
    assert "Files have changed" in parent.text()
    assert "started again in" not in parent.text()


def test_a_silent_child_is_restarted_even_if_it_is_stopped(start):
    parent = start({"watched": QUIET})
    wait_for(parent.starts, "start")
    wait_for((parent.folder / "looked").exists, "a first sign of life")
    os.kill(parent.starts()[0], signal.SIGSTOP)
    (parent.folder / "silent").touch()
    wait_for(lambda: "no sign of life" in parent.text(), "silence noticed")
    (parent.folder / "silent").unlink()
    wait_for(lambda: len(parent.starts()) == 2, "restart")


def test_children_end_within_two_seconds_of_a_killed_parent(start):
    parent = start({"one": STUBBORN, "two": QUIET})
    wait_for(lambda: len(parent.starts()) == 2, "both starts")
    parent.process.kill()
    killed_at = time.monotonic()
    wait_for(lambda: all(is_gone(pid) for pid in parent.starts()), "children gone")
    assert time.monotonic() - killed_at < BUSY_S


def test_the_poll_alone_is_enough_where_the_kernel_sends_no_signal(start):
    no_signal = STUBBORN.replace(
        "from interlock.core.parent import watch_parent",
        "from interlock.core import parent; parent._ask_kernel_for_signal = lambda: None\n"
        "    from interlock.core.parent import watch_parent",
    )
    parent = start({"one": no_signal})
    wait_for(parent.starts, "start")
    parent.process.kill()
    killed_at = time.monotonic()
    wait_for(lambda: is_gone(parent.starts()[0]), "child gone")
    assert time.monotonic() - killed_at < BUSY_S


def test_a_process_started_by_hand_has_no_parent_to_watch():
    code = "from interlock.core.parent import watch_parent; print(watch_parent())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_a_child_starts_itself_is_not_bound_to_its_grandparent():
    code = """if True:
        import os
        os.environ["INTERLOCK_PARENT_PID"] = str(os.getppid())
        from interlock.core.parent import watch_parent
        print(watch_parent(), "INTERLOCK_PARENT_PID" in os.environ)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


def test_a_child_that_finds_another_at_work_stands_by_and_says_so_once(start, tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    first, rest = QUIET.split("    while True", maxsplit=1)
    refused = (
        f"{first}    if os.path.exists(os.path.join(os.environ['FOLDER'], 'taken')): sys.exit(3)\n"
    )
    parent = start({"one": f"{refused}    while True{rest}", "two": QUIET})
    wait_for(lambda: len(parent.starts()) == 2, "both starts")
    wait_for(lambda: "while the other one works" in parent.text(), "standing by")
    taken.unlink()
    wait_for(lambda: len(parent.starts()) == 3, "its start once the other one is gone")
    assert parent.text().count("while the other one works") == 1
    assert "started again" not in parent.text()
