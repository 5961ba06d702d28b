from __future__ import annotations

from datetime import UTC, datetime, timedelta

from interlock.core.model.runs import RunStatus
from interlock.core.model.thread_lists import ThreadLine
from interlock.core.model.threads import Origin, Thread
from interlock.core.types import ThreadId
from interlock.dashboard.views.threads import PAGE_COUNT, build

T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _line(
    name: str = "t",
    *,
    status: RunStatus | None = RunStatus.WAITING,
    is_counted: bool = True,
    **fields,
) -> ThreadLine:
    thread = Thread(
        thread_id=ThreadId(name),
        workflow="refunds",
        head_checkpoint_id=None,
        last_run_id=None,
        created_at=T0,
        updated_at=T0,
        **fields,
    )
    return ThreadLine(
        thread=thread,
        status=status,
        waiting_count=2,
        point_count=1234,
        size_bytes=2_000_000,
        is_counted=is_counted,
    )


def test_a_thread_says_what_waits_and_what_it_weighs():
    view = build([_line()], is_filtered=False, workflows=[], now=T0 + timedelta(hours=2))
    (row,) = view.rows
    assert (row.waiting, row.points, row.size) == (
        "2 cards",
        "1\N{NARROW NO-BREAK SPACE}234",
        "2.0 MB",
    )
    assert (row.look.word, row.moved, row.notes) == ("waiting", "2 h ago", "")
    assert (view.next_id, view.empty) == (None, None)


def test_a_foreign_thread_that_cannot_run_says_why():
    line = _line(status=None, origin=Origin.ATTACHED, trouble="no graph\u202e")
    (row,) = build([line], is_filtered=False, workflows=[], now=T0).rows
    assert row.look.word == "no run"
    assert row.notes == "no graph⟨U+202E⟩, another application's"


def test_a_thread_of_which_only_the_head_was_read_says_that_there_is_more():
    (row,) = build([_line(is_counted=False)], is_filtered=False, workflows=[], now=T0).rows
    assert (row.points, row.size) == ("1\N{NARROW NO-BREAK SPACE}234+", "2.0 MB+")


def test_a_page_leads_to_the_next():
    view = build(
        [_line(f"t{n}") for n in range(PAGE_COUNT + 1)], is_filtered=False, workflows=[], now=T0
    )
    assert (len(view.rows), view.next_id) == (PAGE_COUNT, f"t{PAGE_COUNT - 1}")


def test_an_empty_list_says_what_would_fill_it():
    filtered = build([], is_filtered=True, workflows=[], now=T0).empty
    assert filtered is not None
    assert filtered.text == "No thread fits. Choose other words, or all workflows."
    new = build([], is_filtered=False, workflows=[], now=T0).empty
    assert new is not None
    assert new.text.startswith("There are no threads yet.")
