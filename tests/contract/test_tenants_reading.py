"""Whatever reads by an id, asked for what is of another tenant, finds nothing and asks no worker."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from interlock.core import services
from interlock.core.errors import InterlockError, NotFound
from interlock.core.model.people import Person, Role
from interlock.core.model.rewinding import Intention, RewindVerb
from interlock.core.services import observing, permitting, presence
from interlock.core.services.context import App
from interlock.core.services.forking import ForkRequest
from interlock.core.store import approvals, checkpoints, decisions, runs, snapshots, threads
from interlock.core.store import engine as engines
from interlock.core.store.schema import jobs
from tests.published import published

OTHERS = {
    "thread_id": "t2",
    "run_id": "r2",
    "approval_id": "a2",
    "checkpoint_id": "c2",
    "one": "c2",
    "other": "c2",
    "task_id": "task",
    "wait_s": 0.0,
    "timeout_s": 0.0,
    "request": ForkRequest(verb=RewindVerb.RERUN, checkpoint_id="c2"),
    "intention": Intention(verb=RewindVerb.RERUN, checkpoint_id="c2"),
}
IDS = {"thread_id", "run_id", "approval_id"}
# Called by workers, which serve everybody, with ids that they have from the database.
OF_WORKERS = {
    "attaching.store_index",
    "claiming.fetch_attempts",
    "claiming.mark_repeated",
    "leveling.store",
    "tripping.claim_probe",
    "tripping.tell",
    "transferred_past.add",
    "standing.act",  # the part of commands that carries them out
}


def readers() -> dict[str, Callable[..., Any]]:
    """Services that take an id and no actor."""
    found = {}
    for each in pkgutil.iter_modules(services.__path__):
        module = importlib.import_module(f"{services.__name__}.{each.name}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            taken = inspect.signature(value).parameters if inspect.isfunction(value) else {}
            if "actor" not in taken and next(iter(taken), "") == "app" and IDS & set(taken):
                found[f"{each.name}.{name}"] = value
    return {name: value for name, value in found.items() if name not in OF_WORKERS}


READERS = readers()


@pytest.fixture
def house(app, make, frozen) -> App:
    """Everything there is of a thread that waits, of a tenant, and a worker that is alive."""
    presence.publish(app, [published("refunds", at=frozen.now(), policy={"tenant": "apac"})])
    with engines.write(app.engine) as conn:
        threads.insert(conn, make.thread("t2", head_checkpoint_id="c2", last_run_id="r2"))
        runs.insert(conn, make.run("r2", thread_id="t2"))
        approvals.insert(conn, make.approval("a2", thread_id="t2", run_id="r2"), "q2")
        checkpoints.insert_many(conn, [make.checkpoint("c2", thread_id="t2", run_id="r2")])
        snapshots.put(conn, make.snapshot(thread_id="t2", checkpoint_id="c2"))
        decisions.insert(conn, make.decision("a2", run_id="r2"))
    return app


@pytest.fixture
def stranger(house) -> App:
    person = Person(name="ann", role=Role.OPERATOR, tenants=frozenset({"emea"}))
    return permitting.see(house, person)


def ask(name: str, app: App) -> Any:
    taken = inspect.signature(READERS[name]).parameters.values()
    needed = {
        p.name: OTHERS.get(p.name)
        for p in taken
        if p.name != "app" and (p.default is p.empty or p.name in OTHERS)
    }
    return READERS[name](app, **needed)


@pytest.mark.parametrize("name", sorted(READERS))
def test_nothing_is_found_by_the_id_of_another_tenants_thing(name, house, stranger):
    try:
        found = ask(name, stranger)
    except InterlockError as refused:
        found = [] if isinstance(refused, NotFound) else refused
    assert _is_empty(found), found
    with engines.read(house.engine) as conn:
        assert conn.execute(select(func.count()).select_from(jobs)).scalar_one() == 0


def test_it_is_there_for_those_of_no_tenant(house):
    assert observing.get_run(house, "r2").thread_id == "t2"
    assert len(READERS) > 25


def _is_empty(found: Any) -> bool:
    if not found:
        return True
    told = repr(found)
    return not any(word in told for word in ("'t2'", "'r2'", "'a2'", "'c2'", "700"))
