"""The system page, drawn without a browser: processes, checks, sizes and settings."""

from __future__ import annotations

import os

from interlock.core.services import flagging, limiting, observing
from interlock.dashboard import keys


def test_it_shows_processes_checks_sizes_and_settings(seed, open_page):
    seed.worker(pid=os.getpid())
    seed.workflow()
    at = open_page("system")
    assert not at.exception
    assert at.metric[0].value == "all ok"
    checks, processes, sizes, flags = (table.value for table in at.dataframe)
    assert next(iter(flags["Flag"])) == "Launches"
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


def test_a_flag_is_switched_and_told_on_every_page_and_a_refusal_is_said(app, open_page):
    at = open_page("system")
    at.selectbox(key=keys.flag_choice()).select("exports off")
    at.text_input(key=keys.flag_reason()).input("an audit is on")
    at.button(key=keys.flag_submit()).click().run()
    assert not at.exception
    (state,) = observing.overview(app).switched_off
    assert (state.flag.value, state.reason) == ("exports", "an audit is on")
    assert at.text_input(key=keys.flag_reason()).value == ""

    assert not open_page("audit").get("download_button")

    at.selectbox(key=keys.flag_choice()).select("launches off")
    flagging.switch(app, "launches", is_on=False, actor="bob")
    at.button(key=keys.flag_submit()).click().run()
    assert any(note.value.startswith(r"Launches are off\, by bob\.") for note in at.warning)
    assert len(observing.overview(app).switched_off) == 2


def test_what_is_missing_is_said(open_page):
    at = open_page("system")
    assert not at.exception
    assert at.metric[0].value == "2 wrong"
    assert any("No worker has signed on yet" in c.value for c in at.caption)
