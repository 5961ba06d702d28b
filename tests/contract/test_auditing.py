"""The audit as it is read, and whether it is as it was written; on both databases."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from interlock.core.errors import NotFound
from interlock.core.model.audit_chain import ProblemKind
from interlock.core.model.audit_lists import AuditCount, AuditFilter
from interlock.core.queue.local import LocalQueue
from interlock.core.services import auditing
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import audit, audit_lists
from interlock.core.store.engine import open_engine, read, write

ENTRIES = (
    ("ann", "launch", "run:1", "", None),
    ("bob", "decide:approve", "approval:1", "Looks RIGHT", {"amount": 620}),
    ("ann", "decide:reject", "approval:2", "too much", {"note": "Ärger"}),
    ("ann", "launch", "run:2", "", None),
    ("retention", "prune", "thread:1", "old", None),
)


@pytest.fixture
def there(engine, tmp_path, frozen):
    """An App with five entries, on each kind of database."""
    built = App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)
    with write(engine) as conn:
        for n, (actor, action, object_, reason, after) in enumerate(ENTRIES):
            audit.append(
                conn,
                at=frozen.now().replace(minute=n),
                actor=actor,
                action=action,
                object_=object_,
                after=after,
                reason=reason,
            )
    return built


def numbers(app, *, limit=10, before=None, **wanted):
    page = auditing.list_entries(app, AuditFilter(**wanted), limit=limit, before=before)
    return [entry.seq for entry in page.entries]


def test_entries_are_found_by_each_filter(there, frozen):
    assert numbers(there) == [5, 4, 3, 2, 1]
    assert numbers(there, actor="ann") == [4, 3, 1]
    assert numbers(there, action="launch") == [4, 1]
    assert numbers(there, actor="ann", action="launch") == [4, 1]
    assert numbers(there, object="approval:1") == [2]
    assert numbers(there, object="approval:") == [3, 2]
    assert numbers(there, text="looks right") == [2]
    assert numbers(there, text="Ärger") == [3]
    assert numbers(there, text="%") == []
    assert numbers(there, origin="web") == []
    assert numbers(there, since=frozen.now().replace(minute=3)) == [5, 4]
    assert numbers(there, until=frozen.now().replace(minute=1)) == [1]


def test_pages_follow_one_another_to_the_end(there):
    first = auditing.list_entries(there, AuditFilter(actor="ann"), limit=2)
    assert ([e.seq for e in first.entries], first.before) == ([4, 3], 3)
    last = auditing.list_entries(there, AuditFilter(actor="ann"), limit=2, before=3)
    assert ([e.seq for e in last.entries], last.before) == ([1], None)
    assert numbers(there, before=99) == []
    assert [e.seq for e in auditing.read_all(there, AuditFilter())] == [5, 4, 3, 2, 1]


def test_what_is_rare_is_looked_for_in_so_many_entries_at_a_time(there, monkeypatch):
    monkeypatch.setattr(audit_lists, "SCAN_LIMIT", 2)
    wanted = AuditFilter(text="launch")
    page = auditing.list_entries(there, wanted, limit=5)
    assert ([e.seq for e in page.entries], page.before) == ([4], 4)
    page = auditing.list_entries(there, wanted, limit=5, before=4)
    assert (page.entries, page.before) == ((), 2)
    assert auditing.count_entries(there, wanted) == AuditCount(1, is_all=False)
    assert [e.seq for e in auditing.read_all(there, wanted)] == [4, 1]


def test_entries_are_counted_as_far_as_that_is_cheap(there, monkeypatch):
    assert auditing.count_entries(there, AuditFilter()) == AuditCount(5, is_all=True)
    assert auditing.count_entries(there, AuditFilter(text="old")) == AuditCount(1, is_all=True)
    monkeypatch.setattr(audit_lists, "COUNT_LIMIT", 3)
    assert auditing.count_entries(there, AuditFilter()) == AuditCount(3, is_all=False)


def test_names_to_choose_from_are_those_that_are_there(there):
    assert auditing.list_names(there) == (
        ["ann", "bob", "retention"],
        ["decide:approve", "decide:reject", "launch", "prune"],
    )


def test_an_entry_is_read_by_its_number(there):
    assert auditing.get_entry(there, 2).after == {"amount": 620}
    with pytest.raises(NotFound):
        auditing.get_entry(there, 6)


def test_secrets_are_never_written_into_an_entry(there):
    given = {
        "password": "hunter2",
        "pin": {"passcode": 4711, "tokens": 812},
        "api_key": ["a", 1],
        "note": "see postgresql://ann:hunter2@h/d",
        "cookie": "",
    }
    with write(there.engine) as conn:
        seq = audit.append(
            conn,
            at=there.clock.now(),
            actor="ann",
            action="edit",
            object_="run:1",
            before=given,
            after=[given],
        )
    found = auditing.get_entry(there, seq)
    assert found.before == {
        "password": "***",
        "pin": {"passcode": "***", "tokens": 812},
        "api_key": "***",
        "note": "see postgresql://ann:***@h/d",
        "cookie": "",
    }
    assert found.after == [found.before]
    assert auditing.verify(there).holds


def test_from_where_it_was_done_is_kept_and_sealed(there, database_url):
    opened = open_engine(database_url, origin="web")
    with write(opened) as conn:
        seq = audit.append(conn, at=there.clock.now(), actor="a", action="x", object_="run:1")
    opened.dispose()
    assert auditing.get_entry(there, seq).origin == "web"
    assert numbers(there, origin="web") == [seq]
    assert auditing.verify(there).holds
    for tampering, broken in (
        ("UPDATE audit SET origin = '' WHERE seq = 6", 6),
        ("UPDATE audit SET origin = 'cli' WHERE seq = 1", 1),
    ):
        with write(there.engine) as conn:
            conn.execute(text(tampering))
            assert audit.verify(conn) == broken
            conn.rollback()


def tamper(app, *statements):
    with write(app.engine) as conn:
        for statement in statements:
            conn.execute(text(statement))


def said(app, **options):
    found = auditing.verify(app, **options)
    return [(p.kind, p.seq, p.last) for p in found.problems]


def heads(app):
    lines = (app.settings.data_dir / "audit.heads").read_text().splitlines()
    return [(told["seq"], told["by"]) for told in map(json.loads, lines)]


def test_a_look_at_the_whole_chain_is_noted(there):
    first = auditing.verify(there, by="verify")
    assert (first.count, first.last_seq, first.heads_count) == (5, 5, 0)
    assert auditing.find_last_look(there).seq == 5
    assert auditing.verify(there).heads_count == 1
    assert heads(there) == [(5, "verify")]
    assert (there.settings.data_dir / "audit.heads").stat().st_mode & 0o077 == 0


def test_a_changed_a_removed_and_an_inserted_row_are_found(there, monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 2)
    tamper(there, "UPDATE audit SET actor = 'eve' WHERE seq = 2", "DELETE FROM audit WHERE seq = 4")
    tamper(
        there,
        "INSERT INTO audit SELECT 0, at, actor, action, object, before, after, reason,"
        " previous_hash, hash, origin, address FROM audit WHERE seq = 1",
    )
    assert said(there, by="verify") == [
        (ProblemKind.INSERTED, 0, 0),
        (ProblemKind.CHANGED, 2, 2),
        (ProblemKind.MISSING, 4, 4),
    ]
    assert not (there.settings.data_dir / "audit.heads").exists()  # what is broken is not noted


def test_a_cut_end_and_a_chain_written_anew_are_found_by_a_head(there):
    auditing.verify(there, by="verify")
    tamper(there, "DELETE FROM audit WHERE seq > 3")
    assert audit_holds(there)
    assert said(there) == [(ProblemKind.CUT, 4, 5)]
    with write(there.engine) as conn:
        for _ in range(3):
            audit.append(conn, at=there.clock.now(), actor="eve", action="x", object_="run:9")
    assert audit_holds(there)
    assert said(there) == [(ProblemKind.REWRITTEN, 5, 5)]
    assert not auditing.note_head(there)


def audit_holds(app):
    """Whether the chain by itself shows nothing."""
    with read(app.engine) as conn:
        return audit.verify(conn) is None


def test_a_head_of_another_database_says_nothing_of_this_one(there, engine):
    auditing.verify(there, by="verify")
    other = replace(
        there, settings=Settings(data_dir=there.settings.data_dir, database="sqlite:///x")
    )
    tamper(there, "DELETE FROM audit WHERE seq > 3")
    assert said(other) == []


def test_the_worker_notes_a_head_after_an_hour_or_many_entries(there, frozen, monkeypatch):
    assert auditing.note_head(there)
    assert not auditing.note_head(there)  # nothing was added
    with write(there.engine) as conn:
        audit.append(conn, at=frozen.now(), actor="ann", action="x", object_="run:9")
    assert not auditing.note_head(there)
    monkeypatch.setattr(auditing, "NOTE_ENTRIES", 1)
    assert auditing.note_head(there)
    with write(there.engine) as conn:
        audit.append(conn, at=frozen.now(), actor="ann", action="x", object_="run:9")
    monkeypatch.setattr(auditing, "NOTE_ENTRIES", 1000)
    frozen.advance(seconds=3600)
    assert auditing.note_head(there)
    assert heads(there) == [(5, "worker"), (6, "worker"), (7, "worker")]
    assert auditing.find_last_look(there) is None
    assert said(there) == []


def test_what_is_broken_is_told_in_the_log_and_not_noted(there, caplog):
    tamper(there, "UPDATE audit SET reason = 'x' WHERE seq = 2")
    assert not auditing.note_head(there)
    assert "audit_broken" in caplog.text


def test_where_there_is_no_folder_it_is_said(there, tmp_path):
    away = replace(there, settings=Settings(data_dir=tmp_path / "none"))
    found = auditing.verify(away, by="verify")
    assert (found.holds, found.place, found.heads_count) == (True, "", 0)
    assert not auditing.note_head(away)


def test_a_file_that_cannot_be_used_is_no_failure(there, caplog):
    (there.settings.data_dir / "audit.heads").mkdir()
    assert auditing.verify(there, by="verify").holds
    assert "audit_heads_not_read" in caplog.text
    assert "audit_head_not_noted" in caplog.text


def test_a_line_that_was_not_written_whole_stays_apart(there):
    path = there.settings.data_dir / "audit.heads"
    path.write_text('{"seq": 3, "ha')
    auditing.verify(there, by="verify")
    assert auditing.verify(there).heads_count == 1


def test_a_look_takes_no_longer_than_it_may(there, monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 2)
    found = auditing.verify(there, by="screen", max_s=-1)
    assert (found.is_whole, found.count) == (False, 2)
    assert auditing.find_last_look(there) is None


def test_a_row_that_cannot_be_read_is_one_that_was_changed(app):
    with write(app.engine) as conn:
        for n in range(3):
            audit.append(conn, at=app.clock.now(), actor="a", action="x", object_="run:1", after=n)
    tamper(
        app, "UPDATE audit SET after = '{' WHERE seq = 2", "UPDATE audit SET at = 'x' WHERE seq = 3"
    )
    assert said(app) == [(ProblemKind.CHANGED, 2, 2), (ProblemKind.CHANGED, 3, 3)]
