"""`interlock up` as a newcomer runs it: real processes, real signals, the shipped gallery."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from interlock.core import cli

WAIT_S = 90
pytestmark = pytest.mark.timeout(300)  # each starts several processes of several seconds
CLI = (sys.executable, "-m", "interlock.core.cli")
GRAPH = """
from typing import TypedDict
from langgraph.graph import START, StateGraph

class State(TypedDict):
    text: str

graph = StateGraph(State).add_node("{node}", lambda state: state).add_edge(START, "{node}").compile()
"""


class Up:
    """One `interlock up` in its own folder."""

    def __init__(self, folder: Path, *options: str, number: int) -> None:
        self.folder = folder
        self._out, self._err = folder / f"out{number}", folder / f"err{number}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")}
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [*CLI, "up", "--port", "0", "--no-browser", "--json", *options],
                cwd=folder,
                env=environment,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.family: dict[int, psutil.Process] = {}

    def ready(self) -> dict[str, object]:
        wait_for(lambda: self._out.read_text().endswith("}\n"), self.told)
        return json.loads(self._out.read_text())

    def told(self) -> str:
        return self._err.read_text()

    def children(self) -> dict[str, psutil.Process]:
        found = psutil.Process(self.process.pid).children()
        self.family.update({child.pid: child for child in found})
        named = {}
        for child in found:
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                line = child.cmdline()
                if "interlock.core.cli" in line:
                    named[line[line.index("interlock.core.cli") + 1]] = child
        return named

    def close(self) -> None:
        if self.process.poll() is None:
            self.children()
            self.process.kill()
        self.process.wait()
        for child in self.family.values():
            if child.is_running():
                child.kill()
        psutil.wait_procs(self.family.values(), timeout=10)


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(*options: str) -> Up:
        started.append(Up(tmp_path, *options, number=len(started)))
        return started[-1]

    yield begin
    for one in started:
        one.close()


def wait_for(condition: Callable[[], object], told: Callable[[], str]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_S} s; it says: {told()}"
        time.sleep(0.05)


@pytest.fixture
def ask(tmp_path, capsys, monkeypatch):
    """Give a command on the folder's database; in this process, since starting one takes a second."""
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        monkeypatch.delenv(name)

    def run(*args: str):
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(tmp_path / ".interlock"), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_run_is_launched_held_and_released_and_a_second_up_is_refused(start, ask):
    up = start()
    url = up.ready()["url"]
    code, launched = ask(
        "launch", "essay_writer", "--input", '{"topic": "Interlocks"}', "--wait", "60"
    )
    assert (code, launched["status"]) == (0, "waiting")
    [card] = launched["approvals"]
    code, document = ask("up", "--no-browser")
    assert code == 3
    assert str(url) in document["error"]

    code, decided = ask("decide", card["approval_id"], "--approve")
    assert code == 0
    wait_for(lambda: ask("run", decided["run_id"])[1]["status"] in {"done", "failed"}, up.told)
    run = ask("run", decided["run_id"])[1]
    assert (run["status"], run["error"]) == ("done", None)
    assert ask("run", launched["run_id"])[1]["status"] == "continued"
    assert ask("state", run["thread_id"])[1]["next"] == []
    assert ask("history", run["thread_id"])[1][0]["is_head"] is True
    assert ask("doctor")[0] == 0

    children = up.children()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(WAIT_S) == 0
    assert all(is_gone(child) for child in children.values())
    assert "Traceback" not in up.told()


def test_killed_children_come_back_and_a_killed_parent_takes_them_along(start, ask):
    up = start()
    up.ready()
    before = up.children()
    assert set(before) == {"web", "worker"}
    for child in before.values():
        child.kill()
    wait_for(
        lambda: (
            set(up.children()) == {"web", "worker"}
            and {c.pid for c in up.children().values()}.isdisjoint(c.pid for c in before.values())
        ),
        up.told,
    )
    children = up.children()
    up.process.kill()
    up.process.wait()
    wait_for(lambda: all(is_gone(child) for child in children.values()), up.told)
    again = start()
    again.ready()
    assert {w["name"] for w in ask("workflows")[1]} >= {"essay_writer", "refund_desk"}
    again.process.terminate()
    assert again.process.wait(WAIT_S) == 0


def test_reload_follows_the_project_and_not_what_it_writes(start, tmp_path, ask):
    project = tmp_path / "my project"
    project.mkdir()
    (project / "graph.py").write_text(GRAPH.format(node="first"))
    config = project / "langgraph.json"
    config.write_text(json.dumps({"dependencies": ["."], "graphs": {"g": "./graph.py:graph"}}))
    up = start("--reload", "--config", str(config))
    up.ready()
    worker = up.children()["worker"].pid
    (project / "result.json").write_text("{}")
    (project / "graph.py").write_text(GRAPH.format(node="second"))
    wait_for(lambda: ask("workflows")[1][0]["nodes"] == ["second"], up.told)
    assert "Files have changed" in up.told()
    assert up.told().count("Files have changed") == 1
    assert up.children()["worker"].pid != worker


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--config", "nowhere/langgraph.json"), "nowhere"),
        (("--database", "postgresql://nobody@127.0.0.1:1/none"), "database"),
    ],
    ids=["project", "database"],
)
def test_what_can_never_start_is_said_once_and_ends_with_1(start, options, said):
    up = start(*options)
    assert up.process.wait(WAIT_S) == 1
    assert said in up.told()
    assert "Traceback" not in up.told()
    assert "started again" not in up.told()


def test_an_open_door_is_refused_by_the_web_process_and_up_ends(tmp_path):
    done = subprocess.run(
        [*CLI, "up", "--port", "0", "--no-browser"],
        cwd=tmp_path,
        env={**os.environ, "INTERLOCK_HOST": "0.0.0.0"},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 1
    assert "INTERLOCK_ALLOW_REMOTE" in done.stderr
    assert "Traceback" not in done.stderr
