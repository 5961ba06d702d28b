"""What is switched off is refused to anybody from the next command on; how it is kept, on both databases."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from interlock.core import cli
from interlock.core.errors import Conflict, NotAllowed, NotFound, SwitchedOff
from interlock.core.model.audit_lists import AuditFilter
from interlock.core.model.flags import Flag, FlagState
from interlock.core.model.launch_batches import CheckedFile, CheckedRow
from interlock.core.model.pruning import Retention
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import RunStatus
from interlock.core.services import (
    auditing,
    batch_launching,
    flagging,
    launching,
    observing,
    pruning,
    rewinding,
    transferring,
    what_if_starts,
)
from interlock.core.services.forking import ForkRequest
from interlock.core.services.launching import Launch
from interlock.core.services.notice_sending import Courier
from interlock.core.store import flags, workflows
from interlock.core.store.engine import read, write
from interlock.core.store.schema import flags as table
from interlock.core.store.sight import OPTION
from tests.published import published


def off(app, flag, reason="the bank moves"):
    return flagging.switch(app, flag, is_on=False, actor="ann", reason=reason)


def test_everything_is_on_until_somebody_says_otherwise(app):
    assert [(s.flag, s.is_on, s.changed_at) for s in flagging.list_flags(app)] == [
        (flag, True, None) for flag in Flag
    ]


def test_who_switched_it_when_and_why_is_kept_and_audited(app):
    new = off(app, "launches")

    assert flagging.list_flags(app)[0] == new
    assert (new.is_on, new.changed_by, new.reason) == (False, "ann", "the bank moves")
    assert observing.overview(app).switched_off == (new,)
    flagging.switch(app, "launches", is_on=True, actor="bob", reason="moved")
    assert observing.overview(app).switched_off == ()

    entries = auditing.list_entries(app, AuditFilter(), limit=10).entries
    assert [(e.action, e.actor, e.object, e.reason) for e in entries] == [
        ("flag_on", "bob", "flag:launches", "moved"),
        ("flag_off", "ann", "flag:launches", "the bank moves"),
    ]


def test_a_flag_that_stands_so_already_and_one_that_there_is_not_are_refused(app):
    off(app, "exports")

    with pytest.raises(Conflict, match="Exports are off, by ann: the bank moves"):
        off(app, "exports")
    with pytest.raises(NotFound, match="launches, time-machine"):
        off(app, "decisions")


def test_somebody_of_a_tenant_switches_nothing(app):
    seen = replace(app, engine=app.engine.execution_options(**{OPTION: frozenset({"refunds"})}))

    with pytest.raises(NotAllowed, match="A flag is of all tenants"):
        off(seen, "launches")


def test_the_last_word_on_a_flag_is_kept_and_one_of_a_later_release_is_left_alone(engine, make):
    first = FlagState(flag=Flag.NOTICES, is_on=False, changed_at=make.at(0), changed_by="ann")
    last = FlagState(
        flag=Flag.NOTICES, changed_at=make.at(1), changed_by="bob", reason="it is mended"
    )
    later = {"name": "later", "is_on": False, "changed_by": "ann", "reason": ""}
    with write(engine) as conn:
        for state in (first, last):
            flags.put(conn, state)
        conn.execute(table.insert(), later | {"changed_at": make.at(0)})

        assert flags.fetch_all(conn) == [flags.fetch(conn, Flag.NOTICES)] == [last]
        assert flags.fetch(conn, Flag.EXPORTS) == FlagState(flag=Flag.EXPORTS)


def test_launches_are_refused_alone_and_in_batches_and_nothing_is_written(app):
    with write(app.engine) as conn:
        workflows.replace_all(conn, [published("refunds", at=app.clock.now())])
    off(app, "launches")

    with pytest.raises(SwitchedOff, match="Launches are off, by ann: the bank moves") as refused:
        launching.launch(app, Launch(workflow="refunds", input={}), actor="bob")
    assert refused.value.as_document()["flag"] == "launches"
    file = CheckedFile(workflow="refunds", source="f", rows=(CheckedRow(line=1, input={}),))
    with pytest.raises(SwitchedOff):
        batch_launching.launch(
            app, file, Launch(workflow="refunds", input=None), batch_id="b1", actor="bob"
        )
    assert observing.list_runs(app) == []
    assert batch_launching.list_batches(app) == []

    flagging.switch(app, "launches", is_on=True, actor="ann")
    assert launching.launch(app, Launch(workflow="refunds", input={}), actor="bob").run_id


def test_the_time_machine_is_refused(app):
    off(app, "time-machine")

    with pytest.raises(SwitchedOff, match="The time machine is off"):
        rewinding.apply(
            app, "t1", ForkRequest(verb=RewindVerb.RERUN, checkpoint_id="c1"), actor="b", reason="r"
        )
    with pytest.raises(SwitchedOff):
        what_if_starts.start(app, approval_id="a1", sides={}, stand_ins={}, actor="b")


def test_exports_of_threads_and_of_the_audit_are_refused(app):
    off(app, "exports")

    with pytest.raises(SwitchedOff):
        transferring.export(app, "t1", io.BytesIO())
    with pytest.raises(SwitchedOff):
        next(auditing.read_all(app, AuditFilter()))


def test_nothing_is_deleted_by_hand_or_by_the_rule(app, make):
    with write(app.engine) as conn:
        make.put_run(conn, "r1", status=RunStatus.DONE, ended_at=make.at(0))
    by_rule = replace(app, settings=app.settings.model_copy(update={"retention_days": 1}))
    off(app, "pruning")

    with pytest.raises(SwitchedOff):
        pruning.prune(app, Retention(most=1), actor="b")
    assert pruning.retain(by_rule) == 0


def test_what_is_due_to_be_sent_waits(app):
    off(app, "notices")

    assert Courier(app, []).work() == 0
    with read(app.engine) as conn:
        assert not flags.fetch(conn, Flag.NOTICES).is_on


def test_the_command_line_lists_and_switches_and_ends_with_6_where_something_is_off(
    app, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    with write(app.engine) as conn:
        workflows.replace_all(conn, [published("refunds", at=app.clock.now())])

    assert cli.main(["flag", "launches", "off", "--reason", "we move", "--as", "ann"]) == 0
    assert "starting runs" in capsys.readouterr().out
    assert cli.main(["flags"]) == 0
    assert "OFF" in capsys.readouterr().out
    assert cli.main(["launch", "refunds", "--input", "{}", "--json"]) == 6
    told = json.loads(capsys.readouterr().out)
    assert (told["flag"], "off, by ann: we move." in told["error"]) == ("launches", True)
    assert cli.main(["flag", "launches", "on", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_on"] is True
    assert cli.main(["flags", "--json"]) == 0
    assert [each["is_on"] for each in json.loads(capsys.readouterr().out)] == [True] * len(Flag)
