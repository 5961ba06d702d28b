"""Setting threads back, by a real worker on a real project: what runs again, what is asked, what stays."""

from __future__ import annotations

from interlock.core.model.history import EditMode, FieldEdit
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services import history, rewinding
from interlock.core.services.rewinding import ForkRequest


def points(desk, run):
    """The points of a run's thread, oldest first."""
    return history.open_history(desk.app, run.thread_id).points[::-1]


def point_before(desk, run, node):
    """The first point of a thread where a node is due."""
    return next(p for p in points(desk, run) if node in p.next).checkpoint_id


def rewind(desk, run, verb, at, **given):
    """Do it, and wait for what it leads to."""
    return desk.wait(apply(desk, run, verb, at, **given))


def apply(desk, run, verb, at, **given):
    head = given.pop("expected_head", None)
    request = ForkRequest(verb=verb, checkpoint_id=at, **given)
    return rewinding.apply(
        desk.app, run.thread_id, request, expected_head=head, actor="ann", reason="to test it"
    )


def test_a_thread_that_ended_runs_again_from_a_point_of_it(desk):
    book = desk.open_book()
    desk.start()
    run = desk.finish("steps", book)
    at = point_before(desk, run, "c")

    again = rewind(desk, run, RewindVerb.RERUN, at)

    assert (again.status, again.kind, again.previous_run_id) == ("done", "rewind", run.run_id)
    assert [book.count(step) for step in "abcd"] == [1, 1, 2, 2]
    assert desk.values(again)["log"] == ["a", "b", "c", "d"]
    tree = history.open_history(desk.app, run.thread_id)
    (fork,) = tree.forks
    assert (fork.verb, fork.actor, fork.reason, fork.target_id) == (
        "rerun",
        "ann",
        "to test it",
        at,
    )
    assert len(tree.spans) == 2


def test_an_edit_replaces_or_appends_and_goes_on_from_there(desk):
    book = desk.open_book()
    desk.start()
    run = desk.finish("steps", book)
    at = point_before(desk, run, "d")
    edits = (FieldEdit(field="log", value=["edited"]),)

    replaced = rewind(desk, run, RewindVerb.EDIT, at, edits=edits)
    added = rewind(
        desk,
        run,
        RewindVerb.EDIT,
        at,
        edits=(FieldEdit(field="log", value=["more"], mode=EditMode.APPEND),),
    )

    assert desk.values(replaced)["log"] == ["edited", "d"]
    assert desk.values(added)["log"] == ["a", "b", "c", "more", "d"]
    assert [book.count(step) for step in "abcd"] == [1, 1, 1, 3]
