"""The system page says what stands, what is wrong, and what cannot be told from here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.key_ring import KeyState
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.services.configuring import Setting
from interlock.core.services.health import Check, health_of
from interlock.core.services.observing import Overview
from interlock.core.services.surveying import System, WorkerSeen
from interlock.core.usage import Usage
from interlock.dashboard.views import system
from interlock.dashboard.views.formatting import NOTHING

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CHECKS = {
    "database": Check(ok=True, message="answers", ms=1.2),
    "external api": Check(ok=False, message="answers with 503", ms=80, is_needed=False),
}


def overview(**changes):
    values = {
        "waiting": 0,
        "oldest_waiting_at": None,
        "running": 3,
        "queued": 1,
        "workers_alive": 1,
        "newest_heartbeat_at": NOW,
        "jobs_due": 2,
        "project": "p",
        "at": NOW,
        "oldest_due_at": NOW - timedelta(seconds=12),
        "slots": 20,
    }
    return Overview(**(values | changes))


def worker(worker_id="w" * 30, **changes):
    values = {
        "worker_id": worker_id,
        "host": "here",
        "pid": 41,
        "status": WorkerStatus.READY,
        "concurrency": 20,
        "project": "p",
        "started_at": NOW - timedelta(hours=2),
        "heartbeat_at": NOW - timedelta(seconds=1),
    }
    return Worker(**(values | changes))


def seen(**changes):
    values = {
        "overview": overview(),
        "workers": (WorkerSeen(worker=worker(), usage=Usage(0.5, 210_000_000)),),
        "host": "here",
        "pid": 40,
        "usage": Usage(0.02, 150_000_000),
        "bytes_by_name": {"database": 1_240_000_000, "logs": 900},
        "sessions": None,
        "settings": (
            Setting(name="a", variable="I_A", value=None, source="default", description="A."),
            Setting(name="b", variable="I_B", value="7", source="environment", description="B."),
        ),
        "keys": (),
        "calls": {},
        "at": NOW,
    }
    return System(**(values | changes))


def build(checks=None, **changes):
    return system.build(seen(**changes), health_of(CHECKS if checks is None else checks, NOW))


def test_what_is_wrong_is_named_on_top():
    first = build().figures[0]
    assert (first.value, first.note, first.alarm) == ("1 wrong", "external api", True)
    well = build({"database": CHECKS["database"]}).figures[0]
    assert (well.value, well.note, well.alarm) == ("all ok", "1 looked at", False)


def test_the_figures_say_what_there_is_room_for():
    figures = {f.label: f for f in build().figures}
    assert (figures["Workers alive"].value, figures["Workers alive"].note) == (
        "1",
        "room for 20 runs",
    )
    assert (figures["Jobs due"].value, figures["Jobs due"].note) == ("2", "oldest run 12 s")
    assert figures["Stored"].value == "1.24 GB"
    idle = build(overview=overview(oldest_due_at=None, jobs_due=0, workers_alive=0)).figures
    assert idle[3].note == "nothing waits"
    assert idle[1].alarm


def test_a_check_says_what_it_takes_away():
    good, bad = build().checks
    assert (good["result"], good["took"], good["without it"]) == (
        system.OK,
        "1.20 ms",
        "nothing goes on",
    )
    assert (bad["result"], bad["without it"]) == (system.LIMITED, "the rest goes on")
    [needed] = build({"database": Check(ok=False, message="gone")}).checks
    assert needed["result"] == system.WRONG


def test_processes_are_told_with_what_they_use():
    web, one = build().processes
    assert (web["pid"], web["processor"], web["memory"]) == ("40", "2.0 % of a core", "150 MB")
    assert (one["state"].word, one["processor"], one["memory"]) == (
        "ready",
        "50.0 % of a core",
        "210 MB",
    )
    assert (one["process"], one["sign of life"]) == ("worker …wwwwwwww", "just now")


def test_a_worker_elsewhere_or_silent_is_said_and_not_drawn_as_idle():
    away = WorkerSeen(worker=worker(host="there"), usage=None)
    gone = WorkerSeen(
        worker=worker(heartbeat_at=NOW - timedelta(minutes=3)), usage=Usage(0.1, 1000)
    )
    view = build(workers=(away, gone))
    assert view.processes[1]["processor"] == NOTHING
    assert "another machine" in view.elsewhere
    assert view.processes[2]["state"] == system.SILENT_LOOK
    assert view.processes[2]["memory"] == NOTHING
    assert build().elsewhere == ""


def test_what_is_left_of_a_models_keys_is_shown_with_its_age():
    assert build().models == ()
    quota = {"requests": {"left": 59, "of": 60}, "tokens": {"left": 9000, "of": None}}
    minutes = [timedelta(minutes=n) for n in range(4)]
    keys = (
        KeyState("gpt", "KEY_A", NOW + minutes[2], quota, NOW - minutes[3]),
        KeyState("gpt", "KEY_B", NOW - minutes[1], {}, NOW),
    )
    one, other, third = build(keys=keys, calls={"gpt": 2, "bard": 1}).models
    assert one == {
        "model": "gpt",
        "key": "KEY_A",
        "left": "59 of 60 requests, 9000 tokens",
        "told": "3 min ago",
        "rests": "for 2 m",
        "calls under way": "2",
    }
    assert (other["left"], other["told"], other["rests"]) == ("not told", "just now", "no")
    assert (third["model"], third["left"], third["calls under way"]) == ("bard", NOTHING, "1")
    (free,) = build(keys=keys[:1]).models
    assert free["calls under way"] == NOTHING


def test_an_installation_without_workers_says_so():
    view = build(workers=(), usage=None)
    assert view.no_workers == "No worker has signed on yet."
    assert view.processes[0]["processor"] == NOTHING
    assert build().no_workers == ""


def test_sessions_are_told_where_a_server_counts_them():
    assert [row["what"] for row in build().sizes] == ["database", "logs"]
    last = build(sessions=(12, 100)).sizes[-1]
    assert last == {"what": "database sessions", "size": "12 of 100 that are allowed"}


def test_settings_that_were_set_stand_first():
    view = build()
    assert [row["setting"] for row in view.settings] == ["I_B", "I_A"]
    assert [row["value"] for row in view.settings] == ["7", NOTHING]
    assert view.changed == "1 of 2 are not the default; they stand first."


def test_a_queue_that_stands_still_is_said():
    stuck = overview(oldest_due_at=NOW - timedelta(minutes=3))
    assert build(overview=stuck).notice is not None
    assert build(overview=replace(stuck, oldest_due_at=None)).notice is None


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (99_960, "100 kB"), (12_340_000, "12.3 MB")],
)
def test_sizes_have_three_digits(size, text):
    assert system.format_bytes(size) == text
