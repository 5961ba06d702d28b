"""Run in processes of their own by test_decisions: several operators decide one card at once."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from interlock.core.bootstrap import build_app
from interlock.core.errors import Conflict
from interlock.core.model.approvals import Intent, Verb
from interlock.core.services import deciding
from interlock.core.settings import Settings

given = globals()["given"]  # by the test that runs this file
folder = Path(given["folder"])


def decide(name: str) -> None:
    """Wait for the start, decide, say what came of it."""
    (folder / f"{name}.ready").touch()
    while not (folder / "go").exists():
        time.sleep(0.001)
    intent = Intent(verb=Verb.ANSWER, value=name)
    try:
        decided = deciding.decide(app, given["card"], intent, version=1, actor=name)
        told = {"won": True, "run_id": decided.run_id}
    except Conflict as exc:
        told = {"won": False, "winner": dict(exc.winner or {})}
    part = folder / f"{name}.part"
    part.write_text(json.dumps(told))
    part.rename(folder / f"{name}.json")


app = build_app(Settings(data_dir=Path(given["data_dir"])))
threads = [threading.Thread(target=decide, args=(name,)) for name in given["names"]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
app.engine.dispose()
