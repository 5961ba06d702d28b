"""What a launch refuses and what it keeps, on both databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.queue.local import LocalQueue
from interlock.core.services import launching, observing, presence, running
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from tests.published import published

SCHEMA = {
    "type": "object",
    "properties": {"topic": {"type": "string", "minLength": 2}, "lines": {"type": "array"}},
    "required": ["topic"],
}


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    app = App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)
    workflow = published("essay", nodes=("draft", "review"), input_schema=SCHEMA, at=frozen.now())
    presence.publish(app, [workflow])
    return app


def launch(app, **request):
    return launching.launch(app, Launch(workflow="essay", **request), actor="ann")


def refuse(app, **request):
    with pytest.raises(InvalidInput) as caught:
        launch(app, **request)
    assert observing.list_runs(app) == []
    return [str(problem) for problem in caught.value.problems]


def test_texts_are_trimmed_before_they_are_looked_at(app):
    run = launch(app, input={"topic": "  bees\n"}, context={"user": " ann "})
    kept = observing.get_run(app, run.run_id)
    assert kept.input == {"topic": "bees"}
    assert kept.context == {"user": "ann"}
    assert "2 characters" in refuse_other(app, {"topic": " b "})


def refuse_other(app, given):
    with pytest.raises(InvalidInput) as caught:
        launch(app, input=given)
    return str(caught.value)


def test_a_text_that_is_too_long_or_holds_a_script_is_refused_by_its_field(app):
    told = refuse(
        app,
        input={"topic": "x" * 10_001, "lines": [{"note": "<SCRIPT>x</script>"}]},
        context={"url": "JavaScript:x"},
    )
    assert [problem.partition(":")[0] for problem in told] == [
        "topic",
        "lines.0.note",
        "context.url",
    ]


def test_the_limits_are_those_of_the_settings(app):
    given = {"topic": "  " + "x" * 20_000 + " javascript:"}
    settings = {"max_text_chars": 0, "refuse_scripts": False, "trim_texts": False}
    free = replace(app, settings=app.settings.model_copy(update=settings))
    run = launch(free, input=given)
    assert observing.get_run(app, run.run_id).input == given


def test_everything_wrong_is_named_at_once(app):
    told = refuse(
        app,
        input={"colour": 1},
        break_before=("dance",),
        break_after=("dance",),
        recursion_limit=0,
        thread_id=" x",
        variant="a a",
    )
    assert [problem.partition(":")[0] for problem in told] == [
        "topic",
        "colour",
        "break_before",
        "break_after",
        "recursion_limit",
        "thread_id",
        "variant",
    ]


@pytest.mark.parametrize("context_schema", [None, {"type": "object", "properties": {"a": {}}}])
def test_a_context_is_no_way_around_the_limits(app, context_schema):
    found = launching.fetch_workflow(app, "essay")
    presence.publish(app, [replace(found, context_schema=context_schema)])
    deep: Any = "javascript:x"
    for _ in range(150):
        deep = [deep]
    (told,) = refuse(app, input={"topic": "bees"}, context={"a": deep})
    assert told.startswith("context.a.0.0.")
    assert "nested more than 100 levels deep" in told


@pytest.mark.parametrize("priority", [1001, -1001, 2**31, 2**63])
def test_a_priority_is_one_that_the_queue_can_hold(app, priority):
    (told,) = refuse(app, input={"topic": "bees"}, priority=priority)
    assert told == "priority: must be from -1000 to 1000"


def test_the_highest_and_the_lowest_priority_are_kept(app):
    for priority in (1000, -1000):
        run = launch(app, input={"topic": "bees"}, priority=priority)
        assert observing.get_run(app, run.run_id).priority == priority


def test_a_variant_is_drawn_once_and_kept_by_what_goes_on_from_it(app):
    runs = [launch(app, input={"topic": "bees"}, variant="a 50, b 50") for _ in range(40)]
    kept = Counter(observing.get_run(app, run.run_id).variant for run in runs)
    assert kept.keys() == {"a", "b"}
    running.cancel(app, runs[0].run_id, actor="ann")
    assert running.retry(app, runs[0].run_id, actor="ann").variant == runs[0].variant


def test_p19_a_thread_keeps_the_variant_that_was_drawn_for_it(app):
    first = launch(app, input={"topic": "bees"}, variant="a 50, b 50", thread_id="t-1")
    other = {"a": "b", "b": "a"}[first.variant]

    def go_on(variant):
        running.cancel(app, observing.list_runs(app)[0].run_id, actor="ann")
        return launch(app, input={"topic": "bees"}, variant=variant, thread_id="t-1").variant

    assert {go_on(f"{first.variant} 1, {other} 10000") for _ in range(5)} == {first.variant}
    assert go_on(f"{first.variant} 0, {other} 1") == other, "what is no longer drawn ends"
    assert go_on(f"{other} 1, {first.variant} 10000") == other
    assert go_on(first.variant) == first.variant, "a name alone is no draw"
