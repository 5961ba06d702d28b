"""Tallies add up whatever they lack, and a book that is written on leaves the old one as it was."""

from __future__ import annotations

from interlock.core.model.totals import Book, CacheKey, ExecutionKey, NodeKey, Tally, Totals


def test_tallies_add_up_bucket_by_bucket():
    one = Tally(count=2, total_s=1.5, within=(1, 2), tokens=3, cost=0.1)
    two = Tally(count=1, total_s=0.5, within=(0, 1), tokens=1, cost=0.2)
    both = one + two
    assert (both.count, both.total_s, both.within, both.tokens) == (3, 2.0, (1, 3), 4)


def test_a_tally_without_buckets_takes_the_others():
    bare, full = Tally(count=1), Tally(count=1, within=(1,))
    assert (bare + full).within == (1,)
    assert (full + bare).within == (1,)
    assert (bare + bare).within == ()


def test_a_book_is_not_changed_by_what_is_written_into_its_copy():
    key = NodeKey("w", "n", "ok")
    before = Book({key: Tally(1)})
    after = before.plus([(key, Tally(2)), (NodeKey("w", "n", "error"), Tally(1))])
    assert before.tallies == {key: Tally(1)}
    assert after.tallies[key] == Tally(3)
    assert len(after.tallies) == 2


def test_totals_add_up_part_by_part():
    one = Totals(
        nodes=Book({NodeKey("w", "n", "ok"): Tally(1)}),
        executions=Book({ExecutionKey("w", "done"): Tally(2)}),
        decisions=Book({"approve": Tally(3)}),
        caches=Book({CacheKey("w", "n", "miss"): Tally(4)}),
    )
    both = one.plus(one)
    counts = [
        next(iter(book.tallies.values())).count
        for book in (both.nodes, both.executions, both.decisions, both.caches)
    ]
    assert counts == [2, 4, 6, 8]
