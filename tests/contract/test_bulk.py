"""Many rows in one statement arrive as the same rows one by one would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from interlock.core.store import events, nodes
from interlock.core.store.engine import read, write
from interlock.core.types import RunId

ODD = [
    "plain",
    "",
    'quotes " and \\ and {braces} and %(percent)s',
    "line\nbreak\ttab \x1b[31m",
    "NUL \0 inside",
    "half a pair \ud800",
    "Zürich 東京 🙂",
]


def test_texts_and_json_of_any_kind_come_back_as_they_were(engine, make):
    values = [*ODD, None, True, 0, -1, 1.0, 1.5, 10**20, [], {}, {"b": [1, {"a": None}], "a": ODD}]
    batch = [make.event(n, data=value) for n, value in enumerate(values, start=1)]
    with write(engine) as conn:
        make.put_run(conn)
        events.insert_many(conn, batch)
    with read(engine) as conn:
        found = events.fetch_for_run(conn, RunId("r1"))

    assert [event.data for event in found] == values
    assert [type(event.data) for event in found] == [type(value) for value in values]
    assert list(found[-1].data) == ["b", "a"]
    assert [event.at for event in found] == [event.at for event in batch]


def test_what_no_text_column_can_keep_is_replaced_in_a_batch_too(engine, make):
    records = [make.node_run(f"t{n}", error_message=text) for n, text in enumerate(ODD)]
    with write(engine) as conn:
        make.put_run(conn)
        nodes.upsert_many(conn, records)
    with read(engine) as conn:
        found = {n.task_id: n for n in nodes.fetch_for_runs(conn, [RunId("r1")], limit=50)}

    kept = [found[f"t{n}"].error_message for n in range(len(ODD))]
    assert kept == [*ODD[:4], "NUL \N{REPLACEMENT CHARACTER} inside", "half a pair ?", ODD[6]]


def test_a_time_of_another_zone_is_the_same_moment(engine, make):
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with write(engine) as conn:
        make.put_run(conn)
        nodes.upsert_many(conn, [make.node_run("t", started_at=at)])
    with read(engine) as conn:
        (found,) = nodes.fetch_for_runs(conn, [RunId("r1")], limit=1)

    assert found.started_at == at
    assert found.started_at.tzinfo is UTC


def test_no_rows_are_no_statement(engine):
    with write(engine) as conn:
        nodes.upsert_many(conn, [])
        events.insert_many(conn, [])
