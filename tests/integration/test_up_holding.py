from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from interlock.core.cli import holding, up
from interlock.core.errors import Conflict, InvalidInput, StoreUnavailable
from interlock.core.worker import holding as worker_holding


def test_a_second_holder_is_told_who_has_the_folder(tmp_path):
    with holding.hold_data_dir(tmp_path) as note_url:
        note_url("http://127.0.0.1:8501")
        with pytest.raises(Conflict) as failure, holding.hold_data_dir(tmp_path):
            pass
    assert str(os.getpid()) in str(failure.value)
    assert "http://127.0.0.1:8501" in str(failure.value)


def test_the_folder_is_free_again_after_its_holder(tmp_path):
    with holding.hold_data_dir(tmp_path):
        assert holding.is_held(tmp_path)
    assert not holding.is_held(tmp_path)
    with holding.hold_data_dir(tmp_path):
        pass


def test_a_look_never_keeps_a_starting_one_out(tmp_path):
    code = """if True:
        import sys
        from pathlib import Path
        from interlock.core.cli import holding
        print("looking", flush=True)
        while True:
            holding.is_held(Path(sys.argv[1]))
    """
    with holding.hold_data_dir(tmp_path):
        pass  # the lock's file is there
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as looker:
        assert looker.stdout.readline() == b"looking\n"
        try:
            for _ in range(300):
                with holding.hold_data_dir(tmp_path):
                    pass
        finally:
            looker.kill()


def test_a_second_worker_is_told_which_process_has_the_database(app, monkeypatch):
    monkeypatch.setattr(worker_holding, "WAIT_S", 0)
    with (
        worker_holding.hold_place(app, "w1"),
        pytest.raises(Conflict, match=rf"process {os.getpid()}, already works"),
        worker_holding.hold_place(app, "w2"),
    ):
        pass
    with worker_holding.hold_place(app, "w1"):
        assert holding.is_held(app.settings.data_dir, holding.WORKER_LOCK)
    assert not holding.is_held(app.settings.data_dir, holding.WORKER_LOCK)


def test_a_killed_holder_lets_go(tmp_path):
    code = """if True:
        import sys
        from pathlib import Path
        from interlock.core.cli import holding
        with holding.hold_data_dir(Path(sys.argv[1])):
            print("held", flush=True)
            sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert holding.is_held(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with holding.hold_data_dir(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreUnavailable, match="--data-dir"),
        holding.hold_data_dir(tmp_path / "file" / "below"),
    ):
        pass


def test_a_port_in_use_is_said_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=rf"Port {port} .*--port 0"):
            holding.hold_port("127.0.0.1", port, wait_s=0)


def test_a_port_whose_user_leaves_meanwhile_is_taken():
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    leave = threading.Timer(0.3, taken.close)
    leave.start()
    assert holding.hold_port("127.0.0.1", port, wait_s=30) == port
    leave.join()


def test_port_0_gives_a_free_one():
    assert holding.hold_port("127.0.0.1", 0) > 0


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(InvalidInput, match="Nothing can listen"):
        holding.hold_port("203.0.113.7", 8501, wait_s=0)


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "1 2 3 4"}, False),
    ],
)
def test_a_browser_is_opened_only_where_it_would_be_seen(
    monkeypatch, platform, environment, expected
):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert up.has_display() is expected
