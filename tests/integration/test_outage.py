"""A real Postgres is stopped in the middle of runs: they hold, and go on when it is back (R7)."""

from __future__ import annotations

import signal

import pytest

from interlock.core.errors import StoreUnavailable
from interlock.core.graphs import keeping, postgres_savers
from interlock.core.services import claiming, health, observing
from interlock.core.store import engine as engines
from interlock.core.worker import holding, recorder


@pytest.fixture
def server(stoppable_postgres):
    """The server; running again for the next test."""
    yield stoppable_postgres
    stoppable_postgres.stop()
    stoppable_postgres.start()


@pytest.fixture
def desk(server, make_desk, monkeypatch):
    """A desk on that server, whose worker asks again sooner than in earnest."""
    for module, name, seconds in (
        (postgres_savers, "CONNECTION_TIMEOUT_S", 0.3),
        (postgres_savers, "RECONNECT_S", 0.3),
        (recorder, "RETRY_S", 0.1),
        (keeping, "GRACE_S", 0.1),
    ):
        monkeypatch.setattr(module, name, seconds)
    return make_desk(server.url)


def texts(desk, run):
    """What the warnings of a run say."""
    events = observing.list_events(desk.app, run.run_id, kinds=("warning",))
    return [event.data["text"] for event in events]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_runs_hold_while_the_database_is_away_and_go_on_without_doing_anything_twice(
    desk, server, how, wait_until
):
    books = [desk.open_book() for _ in range(6)]
    worker = desk.start()
    unheld = desk.open_book()
    unheld.close("slow")
    in_memory = desk.launch("unheld", unheld)
    unheld.wait_for("slow")
    asked = [desk.finish("one", book) for book in books]
    for book in books[:3]:
        book.close("answered")  # these are in the midst of a node when it stops
    decided = [desk.decide(desk.card(run), "yes") for run in asked[:3]]
    for book in books[:3]:
        book.wait_for("answered")

    server.stop(how)

    assert not health.check(desk.app).ready
    with pytest.raises(StoreUnavailable):
        desk.cards(asked[3])
    for book in books[:3]:
        book.open("answered")  # the node ends while nothing can be stored
    wait_until(lambda: worker._server._outage.is_on)
    tools = worker._server._tools
    object.__setattr__(tools, "is_sure", lambda: False)  # the heart beats no more
    unheld.open("slow")
    wait_until(lambda: unheld.count("z"))  # this one goes on
    object.__setattr__(tools, "is_sure", lambda: True)
    assert [book.count("after") for book in books] == [0] * 6  # held behind the node
    server.start()
    decided += [desk.decide(desk.card(run), "yes") for run in asked[3:]]

    ended = [desk.wait(each.run_id) for each in decided]

    assert [run.status for run in ended] == ["done"] * 6
    assert [desk.values(run)["answers"] for run in ended] == [["before", "yes", "after"]] * 6
    counts = [[b.count(n) for n in ("before", "answered", "after")] for b in books]
    assert counts == [[1, 1, 1]] * 6
    assert [run.deliveries for run in ended] == [1] * 6
    for run in ended[:3]:
        assert "holds where it stands" in texts(desk, run)[0]
        history = [e.checkpoint_id for e in observing.history(desk.app, run.thread_id)]
        assert history == [t.checkpoint_id for t in desk.read_truth(run)][::-1]
    late = desk.wait(in_memory)
    assert (late.status, late.deliveries, late.steps_in_memory) == ("done", 1, 2)
    assert [unheld.count(n) for n in ("a", "slow", "z")] == [1, 1, 1]
    assert desk.values(late)["log"] == ["a", "slow", "z"]
    began, kept, *ended = texts(desk, late)
    assert ("go on in memory" in began, "Not durable" in kept) == (True, True)
    assert ["2 steps of the run" in text for text in ended].count(True) == 1
    history = [e.checkpoint_id for e in observing.history(desk.app, late.thread_id)]
    assert history == [t.checkpoint_id for t in desk.read_truth(late)][::-1]
    assert worker.is_alive
    assert health.check_store(desk.app)["database"].ok


def let_go_on(desk, server, *, kill=None):
    """A run that may go on in memory, in the midst of a node when its database goes away."""
    book = desk.open_book()
    book.close("slow")
    run = desk.launch("unheld", book)
    book.wait_for("slow")
    server.stop(signal.SIGQUIT)
    if kill is not None:
        book.kill(kill)
    book.open("slow")
    return run, book


def test_what_was_kept_is_done_again_when_its_worker_dies(desk, server):
    worker = desk.spawn()
    run, book = let_go_on(desk, server, kill="z")
    worker.wait()
    server.start()
    desk.start()

    ended = desk.wait(run)

    assert (ended.status, ended.deliveries, ended.steps_in_memory) == ("done", 2, 0)
    assert ended.may_have_repeated
    assert any("may do them again" in text for text in texts(desk, ended))
    assert [book.count(n) for n in ("a", "slow", "z")] == [1, 2, 2]
    assert desk.values(ended)["log"] == ["a", "slow", "z"]


def test_a_worker_that_is_to_leave_while_the_database_is_away_ends_and_its_run_goes_on_later(
    desk, server
):
    worker = desk.spawn(drain_s=0.1)
    book = desk.open_book()
    asked = desk.finish("one", book)
    book.close("answered")
    decided = desk.decide(desk.card(asked), "yes")
    book.wait_for("answered")
    server.stop(signal.SIGQUIT)
    worker.terminate()

    assert worker.wait() == holding.EXIT_LOST

    server.start()
    book.open("answered")
    desk.start()
    ended = desk.wait(decided.run_id)
    assert (ended.status, desk.values(ended)["answers"]) == ("done", ["before", "yes", "after"])


def test_what_was_kept_of_a_run_that_was_taken_over_is_thrown_away(
    desk, server, monkeypatch, caplog
):
    come_back = claiming.come_back

    def come_back_late(app, worker_id, claimed, *, steps):
        with engines.write(app.engine) as conn:  # as another worker does when it starts
            app.queue.put_back(conn, worker_id=worker_id)
        return come_back(app, worker_id, claimed, steps=steps)

    monkeypatch.setattr(claiming, "come_back", come_back_late)
    worker = desk.start()
    run, book = let_go_on(desk, server)
    book.wait_for("z")
    server.start()

    ended = desk.wait(run)

    assert (ended.status, ended.deliveries, ended.steps_in_memory) == ("done", 2, 0)
    assert [book.count(n) for n in ("a", "slow", "z")] == [1, 2, 2]
    history = [e.checkpoint_id for e in observing.history(desk.app, ended.thread_id)]
    assert history == [t.checkpoint_id for t in desk.read_truth(ended)][::-1]
    assert len(history) == 5  # the input, the start and three steps: nothing is there twice
    assert "kept_steps_lost" in caplog.messages
    assert worker.is_alive
