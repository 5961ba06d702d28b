"""Whoever belongs to tenants sees the workflows of these, and of nothing else even that it is there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from interlock.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from interlock.core.model import people
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.audit_lists import AuditFilter
from interlock.core.model.holds import EVERYTHING
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.people import (
    Caller,
    CallerKind,
    Operator,
    Permission,
    Role,
    Token,
)
from interlock.core.model.run_lists import RunFilter
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import (
    assigning,
    auditing,
    browsing,
    caching,
    deciding,
    explaining,
    holding,
    launching,
    metrics,
    observing,
    permitting,
    presence,
    running,
    sifting,
    signing_in,
    tripping,
)
from interlock.core.services import operators as accounts
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.services.signing_in import Elsewhere
from interlock.core.settings import Settings
from interlock.core.store import (
    approvals,
    operators,
    publications,
    runs,
    sight,
    threads,
    tokens,
    workers,
)
from interlock.core.store import engine as engines
from interlock.core.store.schema import metadata
from interlock.core.store.schema import runs as runs_table
from interlock.core.types import WorkerId
from tests.published import published

TENANTS = {"refunds": "emea", "trades": "apac", "shared": None}


@pytest.fixture
def house(engine, frozen, tmp_path, make) -> App:
    """One thread, run and card of each of three workflows: of two tenants, and of none."""
    app = App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)
    presence.publish(
        app,
        [
            published(
                name,
                nodes=("review",),
                at=frozen.now(),
                policy=None if tenant is None else {"tenant": tenant},
            )
            for name, tenant in TENANTS.items()
        ],
    )
    with engines.write(engine) as conn:
        for name in TENANTS:
            thread = make.thread(f"t-{name}", workflow=name, last_run_id=f"r-{name}")
            threads.insert(conn, thread)
            runs.insert(conn, make.run(f"r-{name}", thread_id=f"t-{name}", workflow=name))
            card = make.approval(
                f"a-{name}",
                thread_id=f"t-{name}",
                run_id=f"r-{name}",
                workflow=name,
            )
            approvals.insert(conn, card, f"q-{name}")
    return app


@pytest.fixture
def ann(house) -> App:
    """An operator of one tenant."""
    now = house.clock.now()
    with engines.write(house.engine) as conn:
        operators.insert(
            conn,
            Operator(
                name="ann", role=Role.ADMIN, tenants=("emea",), created_at=now, updated_at=now
            ),
            password_hash=None,
        )
        token = Token(
            token_id="t1",
            operator="ann",
            label="",
            scopes=tuple(Permission),
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        tokens.insert(conn, token, secret_hash=people.hash_secret("s"))
        operators.set_sign_in(conn, "local", by="test", now=now)
    return permitting.enter(house, Caller(CallerKind.TOKEN, people.hash_secret("s")))


def test_lists_hold_what_is_of_ones_tenants_alone(house, ann):
    assert [found.name for found in observing.list_workflows(ann)] == ["refunds"]
    assert [run.run_id for run in observing.list_runs(ann)] == ["r-refunds"]
    assert [run.run_id for run in browsing.list_runs(ann, RunFilter(), limit=10)] == ["r-refunds"]
    assert browsing.count_runs(ann, RunFilter()) != browsing.count_runs(house, RunFilter())
    assert [c.approval_id for c in sifting.list_cards(ann, InboxFilter(), limit=9)] == ["a-refunds"]
    assert observing.overview(ann).waiting == 1


def test_what_is_of_another_tenant_is_not_found_by_its_id(ann):
    for look in (
        lambda: observing.get_run(ann, "r-trades"),
        lambda: observing.get_card(ann, "a-trades"),
        lambda: observing.get_workflow(ann, "shared"),
        lambda: running.cancel(ann, "r-trades", actor="ann"),
        lambda: launching.launch(ann, Launch(workflow="trades", input={}), actor="ann"),
        lambda: deciding.decide(
            ann, "a-trades", Intent(verb=Verb.APPROVE), version=None, actor="ann"
        ),
        lambda: holding.hold(ann, "trades", actor="ann"),
    ):
        with pytest.raises(NotFound):
            look()


def test_nothing_is_told_of_a_workflow_of_another_tenant_that_no_worker_serves(house, ann):
    now = house.clock.now()
    with engines.write(house.engine) as conn:
        worker = Worker(
            worker_id=WorkerId("w"),
            host="h",
            pid=1,
            status=WorkerStatus.READY,
            concurrency=1,
            project="p",
            started_at=now,
            heartbeat_at=now,
        )
        workers.beat(conn, worker)
        publications.enter(conn, worker.worker_id, {"trades": "1"})
    system = permitting.enter(house, people.SYSTEM)
    launching.launch(system, Launch(workflow="trades", input={}), actor="rota")
    assert observing.overview(house).unserved == ("refunds", "shared")
    assert observing.overview(ann).unserved == ("refunds",)


def test_a_card_is_given_to_nobody_of_another_tenant(house, ann):
    now = house.clock.now()
    tenants = {"eve": ("emea",), "abe": ("apac",), "all": (), "ann": ("emea",)}
    with engines.write(house.engine) as conn:
        for name in ("eve", "abe", "all"):
            someone = Operator(
                name=name,
                role=Role.OPERATOR,
                tenants=tenants[name],
                created_at=now,
                updated_at=now,
            )
            operators.insert(conn, someone, password_hash=None)
    assert assigning.list_people(ann) == ("all", "ann", "eve")
    with pytest.raises(InvalidInput, match="nobody called 'abe'"):
        assigning.assign(ann, "a-refunds", to="abe", actor="ann")
    assert assigning.assign(ann, "a-refunds", to="eve", actor="ann").person == "eve"

    system = permitting.enter(house, people.SYSTEM)
    with pytest.raises(NotAllowed, match="abe does not see the workflow refunds"):
        assigning.assign(system, "a-refunds", to="abe", actor="rota", take_over=True)


def test_nothing_of_another_tenant_is_changed(house, ann):
    with pytest.raises(Conflict, match="is in use"):
        launching.launch(
            ann, Launch(workflow="refunds", input={}, thread_id="t-trades"), actor="ann"
        )
    assert observing.get_run(house, "r-trades").thread_id == "t-trades"
    assert len(observing.list_runs(house)) == 3


def test_what_is_of_ones_tenants_is_done_as_ever(house, ann):
    made = launching.launch(ann, Launch(workflow="refunds", input={}), actor="ann")
    assert observing.get_run(house, made.run_id).created_by == "ann"
    running.cancel(ann, "r-refunds", actor="ann")
    held = holding.hold(ann, "refunds", actor="ann")
    assert holding.list_holds(ann) == [held]


def test_what_is_of_the_whole_house_is_for_those_of_no_tenant(house, ann):
    house = permitting.bind(house, people.SYSTEM)
    holding.hold(house, None, actor="root")
    holding.hold(house, "trades", actor="root")
    assert [held.scope for held in holding.list_holds(ann)] == [EVERYTHING]
    for look in (
        lambda: auditing.list_entries(ann, AuditFilter()),
        lambda: auditing.verify(ann),
        lambda: holding.release(ann, None, actor="ann"),
        lambda: holding.release(ann, "trades", actor="ann"),
    ):
        with pytest.raises(NotAllowed, match="all tenants"):
            look()
    assert people.permissions_of(permitting.resolve(ann)) == set(Permission) - {
        Permission.ADMINISTER
    }


def test_what_others_did_is_not_told_to_people_of_tenants(house, ann):
    holding.hold(permitting.bind(house, people.SYSTEM), "trades", actor="root", reason="secret")
    assert [change.object for change in observing.list_changes(house)] == ["workflow:trades"]
    assert observing.list_changes(ann) == []


def test_who_is_new_from_elsewhere_waits_until_somebody_says_of_which_tenants_they_are(house):
    ours = permitting.bind(house, people.SYSTEM)
    accounts.set_sign_in(ours, "oidc", actor="setup")
    root = Elsewhere(name="root", method="oidc", role=Role.ADMIN)
    assert signing_in.admit(ours, root)  # the first admin: nobody else could open the account
    pat = Elsewhere(name="pat", method="oidc", role=Role.OPERATOR)
    for told in ("of which tenants", "is closed"):
        with pytest.raises(NotAllowed, match=told):
            signing_in.admit(ours, pat)
    assert not accounts.get_operator(ours, "pat").is_active
    assert [each.operator for each in signing_in.list_sessions(ours)] == ["root"]
    assert [
        (entry.actor, entry.after["is_active"])
        for entry in auditing.list_entries(ours, AuditFilter(action="operator:level")).entries
        if entry.object == "operator:pat"
    ] == [("pat", False)]
    accounts.change(ours, "pat", accounts.Change(tenants=["emea"], is_active=True), actor="root")
    assert signing_in.admit(ours, pat).operator.tenants == ("emea",)
    said = Elsewhere(name="zoe", method="oidc", tenants=["apac"])
    assert signing_in.admit(ours, said).operator.tenants == ("apac",)


def test_other_pages_can_be_read(ann):
    assert caching.list_caches(ann) == []
    assert tripping.list_breakers(ann) == []
    assert metrics.read(ann, metrics.last(ann, timedelta(hours=1))) is not None
    assert explaining.aftermath(ann, "a-refunds") is not None


def test_the_other_side_of_an_outer_join_may_be_missing(house, ann):
    """A thread without a run stays in a list that joins its last run."""
    with engines.read(ann.engine) as conn:
        joined = select(sight.schema.threads.c.thread_id, runs_table.c.run_id).join_from(
            sight.schema.threads,
            runs_table,
            runs_table.c.run_id == "nobody",
            isouter=True,
        )
        assert conn.execute(joined).all() == [("t-refunds", None)]


def test_a_subquery_an_alias_and_a_change_are_narrowed_too(house, ann):
    other = runs_table.alias("other")
    with engines.write(ann.engine) as conn:
        nested = select(other.c.run_id).where(
            other.c.run_id.in_(select(runs_table.c.run_id)), other.c.status == "queued"
        )
        assert conn.execute(nested).scalars().all() == ["r-refunds"]
        changed = conn.execute(runs_table.update().values(reason="mine"))
        assert changed.rowcount == 1
        assert (
            conn.execute(runs_table.delete().where(runs_table.c.run_id == "r-trades")).rowcount == 0
        )


def test_it_is_said_of_every_table_whose_its_rows_are():
    assert [table.name for table in metadata.sorted_tables if not sight.is_known(table)] == []
    assert {"runs", "approvals", "node_runs", "decisions", "snapshots"} & sight.OPEN == set()
