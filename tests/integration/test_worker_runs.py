"""A worker on a real project: what a run leaves behind when all goes well."""

from __future__ import annotations


def test_a_run_asks_once_and_finishes_with_the_answer(desk):
    book = desk.open_book()
    desk.start()

    held = desk.finish("one", book)
    decided = desk.decide(desk.card(held), "yes")
    ended = desk.wait(decided.run_id)

    assert (held.status, ended.status) == ("waiting", "done")
    assert desk.run(held).status == "continued"
    assert desk.values(ended)["answers"] == ["before", "yes", "after"]
    assert [book.count(w) for w in ("before", "asking", "answered", "after")] == [1, 2, 1, 1]
