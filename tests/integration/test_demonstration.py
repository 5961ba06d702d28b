"""`interlock up --demo`: it lives within moments, its books agree, faults do what they say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from interlock.core import cli
from interlock.core.demo.opening import OPENINGS
from interlock.core.demo.plays import SCRIPTS
from interlock.core.demo.scenes import SCENES
from interlock.core.services import launching
from interlock.core.services.launching import Launch
from interlock.core.store import engine as engines
from tests.books import find_faults

WAIT_S = 120
PAST = 60  # threads of the week before
CLI = (sys.executable, "-P", "-m", "interlock.core.cli")
pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("demonstration")]


class Demo:
    """One `interlock up --demo` in a folder, stopped at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data_dir = folder, folder / "data"
        own = {k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")}
        env = own | {"INTERLOCK_DEMO_PAST": str(PAST), "INTERLOCK_GALLERY_LATENCY_S": "0.002"}
        self._err = folder / "err"
        with (folder / "out").open("w") as out, self._err.open("a") as err:
            self.process = subprocess.Popen(
                [
                    *(*CLI, "up", "--demo", "--demo-rate", "30", "--no-browser", "--json"),
                    *("--port", "0", "--data-dir", str(self.data_dir)),
                ],
                cwd=folder,
                env=env,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def told(self) -> str:
        return self._err.read_text(encoding="utf-8")[-4000:]

    def stop(self) -> list[psutil.Process]:
        if self.process.poll() is not None:
            return []
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        return children


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    started = Demo(tmp_path_factory.mktemp("demo"))
    yield started
    for child in started.stop():
        if child.is_running():
            child.kill()


@pytest.fixture
def ask(demo, capsys, monkeypatch):
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        monkeypatch.delenv(name)

    def run(*args: str):
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(demo.data_dir), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def wait_for(condition: Callable[[], object], told: Callable[[], str]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_S} s; it says: {told()}"
        time.sleep(0.1)


def test_a_demonstration_from_its_first_moment_to_its_second_start(demo, ask):
    """One long way, as each start costs seconds: begin, play, fail, mend, stop, go on."""
    database = demo.data_dir / "app.db"
    wait_for(database.exists, demo.told)
    wait_for(lambda: ask("demo", "show")[0] == 0, demo.told)
    wait_for(lambda: ask("demo", "show")[1]["opened_at"], demo.told)
    wait_for(lambda: ask("demo", "show")[1]["filled_at"], demo.told)

    runs = ask("runs", "--limit", "1000")[1]
    own = [run for run in runs if run["created_at"] >= ask("demo", "show")[1]["begun_at"]]
    assert len({run["thread_id"] for run in own}) >= 38
    assert {run["status"] for run in own} >= {"done", "waiting", "failed", "cancelled", "paused"}
    assert {run["kind"] for run in own} >= {"start", "resume", "rewind", "copy"}
    assert len(runs) - len(own) > PAST
    cards = ask("inbox")[1]
    assert len(cards) >= 5
    wait_for(lambda: any(is_overdue(card) for card in ask("inbox")[1]), demo.told)
    published = {w["name"]: set(w["nodes"]) for w in ask("workflows")[1]}
    named = {scene.workflow for scene in SCENES} | {opening.workflow for opening in OPENINGS}
    assert named == set(published)
    for script in SCRIPTS:
        steps = [*script.steps, *script.refused]
        played = {beat.path for step in steps for beat in step}
        assert played <= published[script.workflow], f"{script.workflow} has other nodes by now"

    assert ask("demo", "fail", "payments", "--as", "ann")[1]["faults"] == ["payments"]
    faults = demo.data_dir / "faults.json"
    wait_for(lambda: json.loads(faults.read_text()) == {"payments": True}, demo.told)
    small = '{"requests": [{"order": "%d", "amount": 20.0}]}'
    for order in range(3):
        ask("launch", "refund_desk", "--input", small % order)
    wait_for(lambda: state_of(ask, "bank") == "open", demo.told)
    assert ask("demo", "mend", "payments", "--as", "ann")[1]["faults"] == []
    ask("demo", "rate", "0")

    children = demo.stop()
    assert demo.process.returncode == 0
    assert all(not child.is_running() for child in children)
    assert sound(database) == []
    again = Demo(demo.folder)
    try:
        wait_for(lambda: ask("demo", "show")[1]["per_minute"] == 30, again.told)
        ask("demo", "rate", "0")
        before = ask("demo", "show")[1]["opened_at"]
        wait_for(lambda: (demo.folder / "out").read_text().endswith("}\n"), again.told)
        assert ask("demo", "show")[1]["opened_at"] == before
    finally:
        again.stop()
    assert sound(database) == []
    assert "Traceback" not in again.told()


def is_overdue(card) -> bool:
    return bool(card["deadline_at"]) and datetime.fromisoformat(card["deadline_at"]) < datetime.now(
        UTC
    )


def state_of(ask, name: str) -> str:
    return next((b["state"] for b in ask("breakers")[1] if b["name"] == name), "")


def sound(database: Path) -> list[str]:
    engine = engines.open_engine(f"sqlite:///{database}")
    try:
        with engines.read(engine) as conn:
            return find_faults(conn)
    finally:
        engine.dispose()


@pytest.mark.parametrize("given", [("--config", "x.json"), ("--database", "sqlite:///x.db")])
def test_a_demonstration_is_of_the_shipped_workflows_in_a_folder_of_its_own(
    given, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("x.json").write_text('{"dependencies": ["."], "graphs": {"g": "./g.py:graph"}}')
    assert cli.main(["up", "--demo", "--no-browser", *given]) == 2
    assert "--demo plays the shipped workflows" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_folder_with_real_work_is_not_played_in(app, capsys):
    run = launching.make_run(Launch(workflow="w", input={}), actor="ann", now=app.clock.now())
    with engines.write(app.engine) as conn:
        launching.add(conn, app, run)
    folder = str(app.settings.data_dir)
    assert cli.main(["up", "--demo", "--no-browser", "--port", "0", "--data-dir", folder]) == 3
    assert "real work" in capsys.readouterr().err
