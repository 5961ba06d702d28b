"""What a model streams is kept until its message is: kills, pages that were away, slow readers (R8)."""

from __future__ import annotations

import signal

from interlock.core.services import observing
from interlock.core.store import engine, events
from interlock.dashboard.views import stream

KILLED = -signal.SIGKILL


def launch(desk, book, words):
    said = [{"role": "user", "content": "go"}]
    return desk.launch("telling", book, input={"messages": said, "words": words})


def read(desk, run, *, after_seq=0, limit=100_000):
    return observing.list_events(
        desk.app, run.run_id, after_seq=after_seq, limit=limit, kinds=stream.KINDS
    )


def told(words):
    return "".join(f"w{n} " for n in range(words))


def written(desk, run):
    return [t.text for t in stream.build(read(desk, run)).texts]


def test_a_worker_killed_in_the_middle_of_a_text_loses_no_word_that_was_written(desk, wait_until):
    book = desk.open_book()
    book.close("half")
    run = launch(desk, book, 40)
    worker = desk.spawn()
    # The model pauses: what it wrote must be kept although nothing comes after it.
    wait_until(lambda: written(desk, run) == [told(20)])
    worker.kill()
    book.open("half")
    desk.start()
    assert desk.wait(run).status == "done"

    found = read(desk, run)
    texts = stream.build(found).texts
    assert [(t.text, t.standing) for t in texts] == [
        (told(20), "cut off"),
        (told(40), "whole"),
    ]
    assert [e.seq for e in found] == sorted({e.seq for e in found})
    assert [e.data for e in found if e.kind == "custom"] == [{"about": "to tell"}] * 2
    assert desk.values(run)["messages"][-1]["content"] == told(40)


def test_a_page_that_was_away_takes_up_where_it_was_and_sees_the_same(desk, wait_until):
    book = desk.open_book()
    book.close("half")
    run = launch(desk, book, 400)
    desk.start()
    wait_until(lambda: written(desk, run) == [told(200)])
    away = stream.add(stream.Told(run_id=run.run_id), read(desk, run, limit=2))
    there = stream.add(stream.Told(run_id=run.run_id), read(desk, run))
    assert away.seq < there.seq
    book.open("half")
    assert desk.wait(run).status == "done"

    there = stream.add(there, read(desk, run, after_seq=there.seq))
    away = stream.add(away, read(desk, run, after_seq=away.seq))
    fresh = stream.build(read(desk, run))
    assert stream.show(there) == stream.show(away) == fresh
    assert [(t.text, t.standing) for t in fresh.texts] == [(told(400), "whole")]


def test_a_reader_that_holds_on_to_what_it_reads_keeps_no_run_waiting(desk):
    """Pieces are merged by time, not by who reads: thousands of words become a few events."""
    book = desk.open_book()
    run = launch(desk, book, 5000)
    with engine.read(desk.app.engine) as conn:
        assert events.fetch_for_run(conn, run.run_id) == []  # a reading that goes on all along
        desk.start()
        ended = desk.wait(run)
        assert ended.status == "done"
    pieces = [e for e in read(desk, run) if e.kind == "message"]
    assert pieces[-1].data["text"] == told(5000)
    took_s = (ended.ended_at - ended.started_at).total_seconds()
    assert len(pieces) <= took_s / 0.1 + 3


def test_what_was_streamed_is_kept_while_the_database_does_not_answer(desk, wait_until):
    """A full queue slows the graph and loses nothing."""
    book = desk.open_book()
    book.close("half")
    run = launch(desk, book, 300)
    desk.start(queue_events=10)
    book.wait_for("at half")
    with engine.write(desk.app.engine):  # nobody else can write for as long
        book.open("half")
        book.wait_for("told")
    assert desk.wait(run).status == "done"
    assert written(desk, run) == [told(300)]
    seqs = [e.seq for e in observing.list_events(desk.app, run.run_id, limit=10_000)]
    assert seqs == list(range(1, len(seqs) + 1))
