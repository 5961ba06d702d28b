"""The system page, drawn without a browser: processes, checks, sizes and settings."""

from __future__ import annotations

import os

from interlock.core.services import limiting
from interlock.dashboard import keys


def test_it_shows_processes_checks_sizes_and_settings(seed, open_page):
    seed.worker(pid=os.getpid())
    seed.workflow()
    at = open_page("system")
    assert not at.exception
    assert at.metric[0].value == "all ok"
    checks, processes, sizes = (table.value for table in at.dataframe)
    settings = at.table[0].value
    assert {"database", "checkpoints", "queue", "workers", "model"} <= set(checks["Check"])
    assert len(processes) == 2
    saves = {button.key for button in at.get("download_button")}
    places = [f"system-{name}" for name in ("checks", "processes", "sizes", "settings")]
    assert saves == {keys.metrics_save(place, e) for place in places for e in ("csv", "json")}
    assert list(sizes["What"]) == ["database", "checkpoints", "logs"]
    assert r"INTERLOCK\_DATA\_DIR" in {s.replace("\u200b", "") for s in settings["Setting"]}


def test_what_is_left_of_the_keys_of_models_is_shown(app, open_page):
    quota = {"requests": {"left": 59, "of": 60}}
    limiting.tell_key(app, "gpt", "KEY_A", blocked_until=None, quota=quota)
    at = open_page("system")
    assert not at.exception
    (row,) = at.dataframe[2].value.to_dict("records")
    assert (row["Key"], row["Left"], row["Told"]) == ("KEY_A", "59 of 60 requests", "just now")


def test_what_is_missing_is_said(open_page):
    at = open_page("system")
    assert not at.exception
    assert at.metric[0].value == "2 wrong"
    assert any("No worker has signed on yet" in c.value for c in at.caption)
