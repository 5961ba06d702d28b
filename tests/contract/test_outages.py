"""What may have been written, or not, when the database went away: written again it is there once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from interlock.core.graphs.describing import describe_failure
from interlock.core.model.delivery import HANDED_OVER
from interlock.core.model.people import LOCAL, Person, Role
from interlock.core.model.runs import RunStatus
from interlock.core.model.usage import Usage
from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.services import claiming, durability, observing, permitting
from interlock.core.services.context import App
from interlock.core.services.recording import Batch, Ending, record
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.store import events, workflows
from interlock.core.store.schema import runs
from tests.published import published


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


@pytest.fixture
def claimed(app, make):
    """A run that this worker was handed."""
    with engines.write(app.engine) as conn:
        make.put_run(conn)
        job = NewJob(job_id="j1", kind=JobKind.RUN, lock="t1", payload={"run_id": "r1"})
        app.queue.enqueue(conn, job, now=app.clock.now())
    (found,) = claiming.claim_jobs(app, "w1", limit=5).runs
    return found


def ending(claimed, status):
    used = Usage(tokens_in=7, tokens_out=5, cost=0.5)
    return Ending(run=claimed.run, job=claimed.job, status=status, usage=used, last_seq=1)


def stored(app):
    with engines.read(app.engine) as conn:
        query = select(runs.c.status, runs.c.tokens_in)
        return tuple(conn.execute(query).one())


def test_an_end_that_is_written_again_counts_once(app, claimed, make):
    batch = Batch(
        nodes=[make.node_run("task")],
        events=[make.event(1)],
        endings=[ending(claimed, RunStatus.DONE)],
    )

    first, second = record(app, batch), record(app, batch, again=True)

    assert first == second == {"r1": RunStatus.DONE}
    assert stored(app) == (RunStatus.DONE, 7)
    with engines.read(app.engine) as conn:
        kinds = [event.kind for event in events.fetch_for_run(conn, "r1")]
    assert kinds.count("status") == 1


def test_an_end_that_was_not_written_is_when_tried_again(app, claimed):
    batch = Batch(endings=[ending(claimed, RunStatus.DONE)])

    assert record(app, batch, again=True) == {"r1": RunStatus.DONE}

    assert stored(app) == (RunStatus.DONE, 7)


def test_a_run_that_was_handed_over_and_claimed_since_is_left_to_whoever_has_it(app, claimed):
    batch = Batch(endings=[ending(claimed, RunStatus.RUNNING)])
    assert record(app, batch) == {"r1": RunStatus.QUEUED}
    (anew,) = claiming.claim_jobs(app, "w1", limit=5).runs

    assert record(app, batch, again=True) == {"r1": RunStatus.RUNNING}

    assert anew.job.deliveries == 2
    assert claiming.claim_jobs(app, "w1", limit=5).runs == ()


def test_what_was_claimed_unheard_goes_back_and_counts_as_no_death(app, claimed):
    assert claiming.put_back_unheard(app, "w1", ["j1"]) == 0
    assert claiming.put_back_unheard(app, "w2", []) == 0
    assert claiming.put_back_unheard(app, "w1", ["j0"]) == 1

    (anew,) = claiming.claim_jobs(app, "w1", limit=5).runs

    assert anew.job.progress == HANDED_OVER
    assert anew.run.run_id == claimed.run.run_id


def test_a_run_that_went_on_in_memory_is_marked_while_it_is_its_workers(app, claimed):
    assert claiming.come_back(app, "w1", claimed, steps=0)
    assert durability.read_mark(app, "r1") == (0, False)
    assert claiming.come_back(app, "w1", claimed, steps=3)
    assert claiming.come_back(app, "w1", claimed, steps=2)  # a mark is never taken back
    assert durability.read_mark(app, "r1") == (3, False)
    assert not claiming.come_back(app, "w2", claimed, steps=9)
    claiming.put_back_unheard(app, "w1", [])
    claiming.claim_jobs(app, "w1", limit=5)
    assert not claiming.come_back(app, "w1", claimed, steps=9)  # handed out anew
    assert durability.read_mark(app, "r1") == (3, False)


@pytest.mark.parametrize("steps", [0, 3])
def test_a_run_whose_worker_died_is_marked_beside_what_was_stored_late(app, claimed, steps):
    claiming.come_back(app, "w1", claimed, steps=steps)
    for _ in range(2):
        claiming.mark_repeated(app, claimed.run.run_id)
        assert durability.read_mark(app, "r1") == (steps, True)
    for found in (observing.get_run(app, "r1"), observing.list_runs(app, limit=5)[0]):
        assert (found.steps_in_memory, found.may_have_repeated) == (steps, True)
    for more in (1, 5):
        assert claiming.come_back(app, "w1", claimed, steps=more)
        assert durability.read_mark(app, "r1") == (max(more, steps), True)
    assert durability.read_mark(app, "unknown") == (0, False)


def test_what_goes_on_without_the_database_is_known_while_it_is_away(app, frozen, database_url):
    shared = replace(app, settings=app.settings.model_copy(update={"database": database_url}))
    with engines.write(app.engine) as conn:
        policies = {"desk": {"outage": {"on": "memory"}}, "held": {"outage": {"on": "hold"}}}
        names = ("bare", "desk", "held")
        cards = [describe_failure(n, "", "no graph", frozen.now()) for n in names]
        workflows.replace_all(conn, [replace(c, policy=policies.get(c.name)) for c in cards])
    assert durability.list_going_on(shared) == ()

    durability.remember(shared)
    durability.remember(shared)

    is_shared = not shared.settings.is_embedded
    assert durability.list_going_on(shared) == (("desk",) if is_shared else ())


def test_what_one_visitor_learned_of_it_every_other_knows_who_sees_the_workflow(
    app, monkeypatch, tmp_path
):
    monkeypatch.setattr(durability, "_known", type(durability._known)())
    policies = {
        "ours": {"tenant": "emea", "outage": {"on": "memory"}},
        "theirs": {"tenant": "apac", "outage": {"on": "memory"}},
        "held": {"outage": {"on": "hold"}},
    }
    with engines.write(app.engine) as conn:
        at = app.clock.now()
        found = [published(name, at=at, policy=policy) for name, policy in policies.items()]
        workflows.replace_all(conn, found)
    served = replace(app, settings=Settings(data_dir=tmp_path, database="postgresql://x/y"))
    emea = Person(name="eva", role=Role.VIEWER, tenants=frozenset({"emea"}))
    first = permitting.see(permitting.bind(served, LOCAL, address="10.0.0.1"), emea)
    durability.remember(first)
    other = permitting.bind(served, LOCAL, address="10.0.0.2")
    assert sorted(durability.list_going_on(other)) == ["ours", "theirs"]
    assert durability.list_going_on(first) == ("ours",)
