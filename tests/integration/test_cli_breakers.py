"""The commands for breakers, against a real database."""

from __future__ import annotations

import json

import pytest

from interlock.core import cli
from interlock.core.model.breaker import Outcome, Pass, Served
from interlock.core.model.policies import BreakerRules
from interlock.core.services import tripping
from interlock.core.services.tripping import Wanted
from interlock.core.store import audit
from interlock.core.store.engine import read


@pytest.fixture
def run(app, capsys):
    def run_command(*words):
        code = cli.main([*words, "--data-dir", str(app.settings.data_dir)])
        return code, capsys.readouterr()

    return run_command


@pytest.fixture
def tripped(app):
    served = (Served("shop", "charge"), Served("shop", "tools", "pay"))
    tripping.enlist(app, [Wanted("payments", BreakerRules(failures=1), served)])
    tripping.tell(app, "payments", Pass(0), Outcome.FAILURE)
    tripping.count_refusals(app, {"payments": 3})


@pytest.mark.usefixtures("tripped")
def test_breakers_are_listed_in_the_shape_scripts_rely_on(run):
    code, printed = run("breakers", "--json")
    (document,) = json.loads(printed.out)
    assert code == 0
    assert list(document)[:6] == [
        "name",
        "state",
        "failures",
        "opened_at",
        "retry_at",
        "short_circuited",
    ]
    assert (document["state"], document["failures"], document["short_circuited"]) == ("open", 1, 3)
    assert document["forced"] is None
    assert document["serves"][1] == {"workflow": "shop", "node": "tools", "tool": "pay"}
    assert "shop/tools:pay" in run("breakers")[1].out


@pytest.mark.usefixtures("tripped")
def test_an_order_is_carried_out_under_a_name_with_a_reason(app, run):
    code, printed = run(
        "breaker", "payments", "close", "--reason", "bank is back", "--as", "ann", "--json"
    )
    document = json.loads(printed.out)
    assert (code, document["state"], document["forced"]) == (0, "closed", "closed")
    with read(app.engine) as conn:
        (entry,) = audit.fetch_many(conn, limit=5)
    assert (entry.actor, entry.action, entry.reason) == ("ann", "breaker close", "bank is back")
    assert run("breaker", "payments", "open")[1].out == "payments is held open.\n"


@pytest.mark.usefixtures("tripped")
def test_what_happened_to_breakers_is_told(run):
    run("breaker", "payments", "reset", "--reason", "bank is back", "--as", "ann")
    (event,) = json.loads(run("breakers", "--events", "--json")[1].out)  # not what is long past
    assert (event["name"], event["before"], event["after"]) == ("payments", "open", "closed")
    assert (event["actor"], event["run_id"]) == ("ann", None)
    assert "bank is back" in run("breakers", "--events")[1].out


def test_what_is_not_there_is_said(run):
    assert "within 7 days" in run("breakers", "--events")[1].err
    assert "interlock.toml" in run("breakers")[1].err
    assert run("breaker", "nothing", "open")[0] == 4
    assert run("breaker", "nothing", "burn")[0] == 2
