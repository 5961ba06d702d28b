"""Run in processes of their own by test_crowd: some operators of a team clear one inbox, each with a token."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from pathlib import Path

from interlock.core.bootstrap import build_app
from interlock.core.errors import Conflict, NotAllowed
from interlock.core.model import people
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.people import Caller, CallerKind
from interlock.core.services import deciding, permitting, sifting
from interlock.core.settings import Settings

given = globals()["given"]  # by the test that runs this file
SHOWN = 50


def work(name: str) -> None:
    """Decide cards out of the first that are listed, as everybody else does, until none is left."""
    caller = Caller(CallerKind.TOKEN, people.hash_secret(f"secret of {name}"))
    mine, drawn = permitting.enter(app, caller), random.Random(name)
    while cards := sifting.list_cards(mine, InboxFilter(), limit=SHOWN):
        for card in drawn.sample(cards, min(5, len(cards))):
            verb = drawn.choice([Verb.APPROVE, Verb.REJECT])
            try:
                deciding.decide(
                    mine,
                    card.approval_id,
                    Intent(verb=verb, reason=name),
                    version=card.version,
                    actor=name,
                )
            except Conflict as exc:
                told[name]["told who was first" if exc.winner else "told nothing"] += 1
            except NotAllowed:
                told[name]["refused"] += 1
                return
            else:
                told[name]["decided"] += 1


app = build_app(Settings(data_dir=Path(given["data_dir"]), database=given["database"]))
told = {name: Counter() for name in given["names"]}
crowd = [threading.Thread(target=work, args=(name,)) for name in told]
for one in crowd:
    one.start()
for one in crowd:
    one.join()
app.engine.dispose()
Path(given["file"]).write_text(json.dumps(told))
