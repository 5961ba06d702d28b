"""
Run as a script: somebody who launches and decides as told on the input, and notes what was answered.

Nothing is done twice because an answer got lost: what nobody can know is looked up, as a person would.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from interlock.core.bootstrap import build_app
from interlock.core.errors import Conflict, OutcomeUnknown, StoreUnavailable
from interlock.core.model.approvals import Intent, Verb
from interlock.core.services import deciding, launching, observing
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings

RETRY_S = 0.2


def launch(app: App, order: dict[str, Any], name: str) -> dict[str, Any]:
    """Launch a thread that is not there yet."""
    if order["may_be_there"] and is_there(app, order["thread_id"]):
        return {"told": "was there"}
    request = Launch(
        workflow=order["workflow"], input={"pace_s": order["pace_s"]}, thread_id=order["thread_id"]
    )
    run = launching.launch(app, request, actor=name)
    return {"told": "launched", "run_id": run.run_id}


def is_there(app: App, thread_id: str) -> bool:
    """Whether somebody launched it."""
    return bool(observing.list_runs(app, thread_id=thread_id, limit=1))


def decide(app: App, order: dict[str, Any], name: str) -> dict[str, Any]:
    """Answer a card with what nobody else answers."""
    intent = Intent(verb=Verb.ANSWER, value=f"{name} on {order['approval_id']}")
    try:
        decided = deciding.decide(
            app, order["approval_id"], intent, version=order["version"], actor=name
        )
    except Conflict as exc:
        return {"told": "lost", "winner": (exc.winner or {}).get("actor")}
    assert isinstance(decided, deciding.Decided)
    return {"told": "won", "run_id": decided.run_id}


def carry_out(app: App, order: dict[str, Any], name: str) -> dict[str, Any]:
    """Do one thing however often the database has to be asked."""
    do = {"launch": launch, "decide": decide}[order["do"]]
    unknown = 0
    while True:
        try:
            return {**do(app, order, name), "unknown": unknown}
        except OutcomeUnknown:
            order, unknown = order | {"may_be_there": True}, unknown + 1
        except StoreUnavailable:
            time.sleep(RETRY_S)


def main(name: str, database: str, folder: Path) -> None:
    """Carry out what is told until the input ends."""
    app = open_app(Settings(data_dir=folder / name, database=database))
    told = os.open(folder / f"{name}.told", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for line in sys.stdin:
        order = json.loads(line)
        answered = {**order, **carry_out(app, order, name), "client": name, "at": time.time()}
        os.write(told, (json.dumps(answered) + "\n").encode())
    app.engine.dispose()


def open_app(settings: Settings) -> App:
    """The parts, once the database answers."""
    while True:
        try:
            return build_app(settings)
        except StoreUnavailable:
            time.sleep(RETRY_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
