from __future__ import annotations

import pytest
from sqlalchemy import select

from interlock.core.model.runs import Failure, RunStatus
from interlock.core.store import approvals, batches, runs, searching
from interlock.core.store import engine as engines
from interlock.core.store.schema import search_texts
from interlock.core.store.searching import About


def find(conn, about, wanted):
    ids = searching.matching(conn, about, wanted)
    assert ids is not None
    return sorted(conn.execute(ids).scalars())


@pytest.fixture
def conn(engine):
    with engines.write(engine) as conn:
        yield conn


TEXTS = {
    "a": "Refund 620.00 EUR to Müller, order #991?",
    "b": "Send e-mail to ann@example.com and 2 more",
    "c": "refunds > Überweisung \N{LATIN SMALL LIGATURE FI}nal \N{BALLOT BOX WITH CHECK} it's 50% done",
    "d": "審査 승인 Документ",
}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("refund", ["a", "c"]),
        ("REFUND 620", ["a"]),
        ("620 refund", ["a"]),
        ("620.00", ["a"]),
        ("muller", ["a"]),
        ("MÜLL", ["a"]),
        ("991", ["a"]),
        ("91", []),
        ("example.com", ["b"]),
        ("ann@example", ["b"]),
        ("e-mail", ["b"]),
        ("final", ["c"]),
        ("uberweisung it's 50%", ["c"]),
        ("審査", ["d"]),
        ("док", ["d"]),
        ("refund nothing", []),
        ("refund' OR 1=1 --", []),
        ('"refund" NEAR', []),
        ("refund:* & !x", []),
        ("a" * 5000, []),
    ],
)
def test_all_words_must_occur_each_as_the_beginning_of_one(conn, wanted, found):
    searching.put(conn, About.APPROVAL, TEXTS.items())
    assert find(conn, About.APPROVAL, wanted) == found


@pytest.mark.parametrize("wanted", ["", "   ", "!?", "-- ;", "\N{BALLOT BOX WITH CHECK}"])
def test_without_a_word_nothing_is_looked_for(conn, wanted):
    assert searching.matching(conn, About.APPROVAL, wanted) is None


def test_what_is_put_again_is_found_by_its_new_words_alone(conn):
    searching.put(conn, About.RUN, {"a": "first words"}.items())
    searching.put(conn, About.RUN, {"a": "second"}.items())
    assert find(conn, About.RUN, "first") == []
    assert find(conn, About.RUN, "second") == ["a"]
    searching.add(conn, About.RUN, {"a": "third", "unknown": "third"}.items())
    assert find(conn, About.RUN, "second third") == ["a"]
    assert find(conn, About.APPROVAL, "second") == []


def test_what_is_taken_out_is_found_no_more(conn):
    searching.put(conn, About.RUN, {"a": "words", "b": "words"}.items())
    conn.execute(search_texts.delete().where(search_texts.c.object_id == "a"))
    assert find(conn, About.RUN, "words") == ["b"]


def test_a_card_is_found_by_what_it_asks_and_by_its_ids(conn, make):
    card = make.put_approval(
        conn, "a1", title="Refund?", payload={"to": ["Zoë", {"sum": 620.5}], "no": None, "b": True}
    )
    for wanted in ("refund", "zoe", "620.5", "review", "a1"):
        assert find(conn, About.APPROVAL, wanted) == ["a1"]
    again = make.approval("a1", title="Deploy?", payload="now")
    approvals.reopen(conn, card.approval_id, version_from=1, approval=again)
    assert find(conn, About.APPROVAL, "620") == []
    assert find(conn, About.APPROVAL, "deploy now") == ["a1"]


def test_a_run_is_found_by_its_input_its_ids_and_its_error(conn, make):
    run_id = "01a1ff56-2129-7677-9238-3519da303926"
    run = make.put_run(conn, run_id, thread_id="thread-99887766", input={"order": [991, "X9"]})
    for wanted in (run_id, "da303926", "thread-99887766", "99887766", "991 x9", "refunds", "ann"):
        assert find(conn, About.RUN, wanted) == [run_id]
    runs.move(conn, run_id, from_={RunStatus.QUEUED}, to=RunStatus.RUNNING)
    end = batches.End(
        run_id=run_id,
        thread_id=run.thread_id,
        status=RunStatus.FAILED,
        failure=Failure(type="ValueError", message="no such account"),
        head=None,
    )
    batches.end_runs(conn, [end], at=make.at(1))
    assert find(conn, About.RUN, "valueerror account 991") == [run_id]


def test_only_so_much_of_a_text_is_kept(conn):
    long = " ".join(f"w{n}" for n in range(100_000))
    searching.put(conn, About.RUN, {"a": searching.texts_of([long, {"b": long}])}.items())
    kept = conn.execute(select(search_texts.c.words)).scalar_one()
    assert len(kept) <= searching.MAX_TEXT
    assert find(conn, About.RUN, "w0") == ["a"]


def test_a_picture_in_letters_leaves_room_for_the_words_after_it():
    assert searching.texts_of({"image": "iVBORw0KGgo" * 9000, "order": "991"}).endswith(" 991")


def test_a_value_of_any_depth_is_walked(conn):
    value = "needle"
    for _ in range(5000):
        value = [value]
    assert searching.texts_of(value) == "needle"
