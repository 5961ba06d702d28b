"""What a task of a run was handed and gave out, asked of a real worker."""

from __future__ import annotations

import json

import pytest

from interlock.core import cli
from interlock.core.errors import NotFound, NoWorker, StoreUnavailable
from interlock.core.model.approvals import Verb
from interlock.core.model.steps import Handed
from interlock.core.services import observing, reading, running


def tasks(desk, run, path):
    nodes = observing.run_detail(desk.app, run.run_id).nodes
    return [node.task_id for node in nodes if node.path == path]


def test_the_steps_of_a_run_that_waits_and_goes_on_are_read(desk):
    desk.start()
    held = desk.finish("one", desk.open_book())
    (before,) = tasks(desk, held, "before")
    (ask,) = tasks(desk, held, "ask")
    step = reading.step(desk.app, held.run_id, before)
    assert (step.handed, step.output, step.leads_to) == (
        Handed.INPUT,
        {"answers": ["before"]},
        ("ask",),
    )
    asked = reading.step(desk.app, held.run_id, ask)
    assert asked.questions == ({"question": "Go on?"},)
    assert (asked.input["answers"], asked.has_output) == (["before"], False)
    ended = desk.wait(desk.decide(desk.card(held), "yes").run_id)
    answered = reading.step(desk.app, ended.run_id, ask)
    assert (answered.output, answered.again_in) == ({"answers": ["yes"]}, None)
    before_it = reading.step(desk.app, held.run_id, ask)
    assert (before_it.has_output, before_it.again_in) == (False, ended.run_id)
    assert before_it.questions == ({"question": "Go on?"},)
    assert before_it.input["answers"] == ["before"]


def test_the_step_of_a_failed_run_does_not_show_what_its_retry_gave_out(desk):
    book = desk.open_book()
    book.fail("c")
    desk.start()
    failed = desk.finish("steps", book)
    (c,) = tasks(desk, failed, "c")
    retried = desk.wait(running.retry(desk.app, failed.run_id, actor="anna"))

    first, second = (reading.step(desk.app, r.run_id, c) for r in (failed, retried))

    assert (first.again_in, first.has_output, first.output) == (retried.run_id, False, None)
    assert first.error == "RuntimeError: c was told to fail"
    assert (first.handed, first.input["log"], first.leads_to) == (Handed.INPUT, ["a", "b"], ())
    assert (second.again_in, second.output, second.error) == (None, {"log": ["c"]}, None)


def test_the_step_of_a_failed_run_does_not_show_what_was_edited_for_its_retry(desk):
    book = desk.open_book()
    desk.start()
    asks = desk.finish("picky", book, asks_on_failure=True, input={"amount": 1})
    (picky,) = tasks(desk, asks, "picky")
    assert reading.step(desk.app, asks.run_id, picky).input["amount"] == 1
    decided = desk.decide(desk.card(asks), {"amount": 7}, verb=Verb.EDIT)
    done = desk.wait(decided.run_id)

    first, second = (reading.step(desk.app, r.run_id, picky) for r in (asks, done))

    assert (first.handed, first.input, first.again_in) == (Handed.NOTHING, None, done.run_id)
    assert first.error == "ValueError: 1 is too little"
    assert (second.input["amount"], second.output) == (7, {"seen": ["picky"]})
    assert second.leads_to == ("last",)


def test_a_question_that_was_asked_later_is_not_that_of_the_run_before(desk):
    desk.start()
    held = desk.finish("two", desk.open_book())
    (task,) = tasks(desk, held, "ask_twice")
    again = desk.wait(desk.decide(desk.card(held), "yes").run_id)

    first, second = (reading.step(desk.app, r.run_id, task) for r in (held, again))

    assert (first.questions, first.again_in) == ((), again.run_id)
    assert second.questions[-1] == {"question": "Pay 1000000?"}


def test_each_part_of_a_fan_out_has_its_own_input(desk):
    desk.start()
    held = desk.finish("fan", desk.open_book(), input={"items": ["a", "b"]})
    read = [reading.step(desk.app, held.run_id, t) for t in tasks(desk, held, "review")]
    assert {step.input["item"] for step in read} == {"a", "b"}


def test_what_cannot_be_read_is_said_in_a_sentence(desk):
    worker = desk.start()
    run = desk.finish("steps", desk.open_book())
    with pytest.raises(NotFound, match="run"):
        reading.step(desk.app, "nobody", "t")
    with pytest.raises(NotFound, match="task"):
        reading.step(desk.app, run.run_id, "t")
    (task, *_) = [n.task_id for n in observing.run_detail(desk.app, run.run_id).nodes]
    with desk.app.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE runs SET workflow = 'gone'")
    with pytest.raises(StoreUnavailable, match="no graph 'gone'"):
        reading.step(desk.app, run.run_id, task)
    with desk.app.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE runs SET workflow = 'steps'")
        conn.exec_driver_sql(
            "UPDATE node_runs SET task_id = 'unheard of', namespace = 'x:y' WHERE step = 1"
        )
    with pytest.raises(StoreUnavailable, match="unheard of"):
        reading.step(desk.app, run.run_id, "unheard of")
    worker.stop()
    with pytest.raises(NoWorker, match="none is alive"):
        reading.step(desk.app, run.run_id, "unheard of")


def test_a_step_is_read_while_every_place_of_the_worker_is_taken(desk):
    desk.start(concurrency=1)
    held = desk.finish("one", desk.open_book())
    book = desk.open_book()
    book.close("half")
    said = [{"role": "user", "content": "go"}]
    busy = desk.launch("telling", book, input={"messages": said, "words": 2})
    waiting = desk.launch("one", desk.open_book())
    book.wait_for("at half")
    step = reading.step(desk.app, held.run_id, tasks(desk, held, "before")[0])
    assert step.output == {"answers": ["before"]}
    assert desk.run(busy).status == "running"
    assert desk.run(waiting).status == "queued"
    book.open("half")
    assert desk.wait(busy).status == "done"


def test_the_command_prints_a_step(desk, capsys):
    desk.start()
    held = desk.finish("one", desk.open_book())
    folder = str(desk.app.settings.data_dir)
    shown = ["--json", "--data-dir", folder]
    assert cli.main(["run", held.run_id, *shown]) == 0
    first = json.loads(capsys.readouterr().out)["nodes"][0]
    assert cli.main(["step", held.run_id, first["task_id"], *shown]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["handed"], told["output"]) == ("input", {"answers": ["before"]})
    assert cli.main(["step", held.run_id, "nobody", "--data-dir", folder]) == 4
