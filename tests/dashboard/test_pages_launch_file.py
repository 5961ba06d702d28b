"""A file of inputs on the launch page, and the page that tells how far it is."""

from __future__ import annotations

import pytest

from interlock.core.model.launch_batches import LaunchBatch
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.services import batch_launching, observing
from interlock.core.store import engine, launch_batches, runs
from interlock.dashboard import keys

SCHEMA = {
    "type": "object",
    "properties": {"topic": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
    "required": ["topic"],
}
GOOD = b"topic,count\nbees,1\nants,2\n"
MIXED = b"topic,count\nbees,1\nants,0\n,3\n"


@pytest.fixture
def desk(seed):
    seed.worker()
    return seed.workflow(input_schema=SCHEMA)


@pytest.fixture
def open_file(desk, open_page):
    """The launch page with a file put in."""

    def open_(data, name="topics.csv"):
        at = open_page("launch")
        at.segmented_control(key=keys.launch_json_switch("refund_desk")).set_value("file").run()
        (place,) = at.file_uploader
        place.set_value((name, data, "text/csv")).run()
        assert not at.exception
        return at

    return open_


def button(at):
    return at.button(key=keys.launch_file_submit("refund_desk"))


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.title]
    return " | ".join(box.value for box in boxes).replace("\\", "")


def test_a_good_file_is_launched_and_its_page_opens(app, open_file):
    at = open_file(GOOD)
    assert "2 rows fit, none is left out" in said(at)
    assert button(at).label == "Launch 2 runs"
    at.text_input(key=keys.launch_option("refund_desk", "variant")).set_value("b")
    button(at).click().run()
    assert not at.exception
    found = observing.list_runs(app)
    assert {run.variant for run in found} == {"b"}
    assert {run.batch_id for run in found} == {at.query_params["batch_id"]}
    assert "topics.csv" in said(at)
    assert "0 of 2 ended" in at.get("progress")[0].proto.text


def test_rows_that_do_not_fit_are_named_and_may_be_left_out(app, open_file):
    at = open_file(MIXED)
    assert "1 row fits, 2 do not" in said(at)
    (table,) = at.dataframe
    assert list(table.value["Line"]) == ["3", "4"]
    assert button(at).disabled
    (choice,) = [box for box in at.checkbox if "Leave out" in box.label]
    choice.set_value(True).run()
    assert button(at).label == "Launch 1 run"
    button(at).click().run()
    assert not at.exception
    (run,) = observing.list_runs(app)
    assert observing.get_run(app, run.run_id).input == {"topic": "bees", "count": 1}


@pytest.mark.parametrize(
    ("data", "word"), [(b"colour\nred\n", "colour"), (b"\xff", "UTF-8"), (b"topic\n", "no rows")]
)
def test_a_file_that_cannot_be_used_says_why(app, open_file, data, word):
    at = open_file(data)
    assert word in said(at)
    assert button(at).disabled


def test_an_option_that_does_not_fit_is_refused_with_a_word(app, open_file):
    at = open_file(GOOD)
    at.text_input(key=keys.launch_option("refund_desk", "variant")).set_value("a a")
    button(at).click().run()
    assert not at.exception
    assert "is no variant" in said(at)
    assert observing.list_runs(app) == []


def test_before_a_file_is_there_nothing_can_be_launched(desk, open_page):
    at = open_page("launch")
    at.segmented_control(key=keys.launch_json_switch("refund_desk")).set_value("file").run()
    assert not at.exception
    assert button(at).disabled


def test_what_was_written_is_still_there_after_a_look_at_files(desk, open_page):
    at = open_page("launch")
    switch = keys.launch_json_switch("refund_desk")
    at.text_input(key=keys.launch_field("refund_desk", "topic")).set_value("bees")
    at.segmented_control(key=switch).set_value("file").run()
    at.segmented_control(key=switch).set_value("form").run()
    assert at.text_input(key=keys.launch_field("refund_desk", "topic")).value == "bees"
    at.segmented_control(key=switch).set_value("file").run()
    at.segmented_control(key=switch).set_value("json").run()
    assert not at.exception
    assert "bees" in at.text_area(key=keys.launch_json("refund_desk") + "-1").value


@pytest.fixture
def launched(app, desk):
    """A batch of three, of which one has failed."""
    from interlock.core.services.launching import Launch

    data = b"topic\nbees\nants\nwasps\n"
    file = batch_launching.check(app, "refund_desk", data, source="<b>topics</b>.csv")
    request = Launch(workflow="refund_desk", input=None)
    batch_launching.launch(app, file, request, batch_id="b1", actor="ann")
    with engine.write(app.engine) as conn:
        row = launch_batches.fetch_runs(conn, "b1", limit=1)[0]
        failure = Failure("ValueError", "*no*")
        runs.move(conn, row.run_id, from_={RunStatus.QUEUED}, to=RunStatus.FAILED, error=failure)
    return row


def test_the_page_of_a_batch_counts_and_names_what_failed(launched, open_page):
    at = open_page("batch", batch_id="b1")
    assert not at.exception
    assert "<b>topics</b>.csv" in said(at)
    assert "failed] 1" in said(at)
    assert "queued] 2" in said(at)
    failed, rows = at.dataframe
    assert list(failed.value["Problem"]) == ["ValueError: *no*"]
    assert next(iter(rows.value["Input"])) == '{"topic": "bees"}'
    assert list(rows.value["Status"]) == [["failed"], ["queued"], ["queued"]]
    assert len(at.download_button) == 1


def test_earlier_files_are_offered(launched, open_page):
    at = open_page("launch")
    at.segmented_control(key=keys.launch_json_switch("refund_desk")).set_value("file").run()
    labels = [link.proto.label.replace("\\", "") for link in at.get("page_link")]
    assert any("<b>topics</b>.csv · refund_desk · 3 rows" in label for label in labels)


def test_a_batch_that_was_cut_off_says_how_to_go_on(app, desk, open_page):
    batch = LaunchBatch(
        batch_id="b2",
        workflow="refund_desk",
        source="a.csv",
        row_count=5,
        created_at=app.clock.now(),
        created_by="ann",
    )
    with engine.write(app.engine) as conn:
        launch_batches.insert(conn, batch)
    at = open_page("batch", batch_id="b2")
    assert not at.exception
    assert "5 rows of this file are not launched yet" in said(at)


@pytest.mark.parametrize("params", [{}, {"batch_id": "unknown"}])
def test_a_batch_that_is_not_there_says_so(desk, open_page, params):
    at = open_page("batch", **params)
    assert not at.exception
    assert "batch" in said(at)
