"""Rates of an interlock.toml in a real worker: a launch, a node and a tool too many."""

from __future__ import annotations

import shutil

import pytest

from interlock.core.errors import RateLimited
from interlock.core.services import observing


def test_a_node_a_tool_and_a_launch_too_many_are_refused(make_desk, tmp_path, sqlite_template):
    (tmp_path / ".interlock").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / ".interlock" / "app.db")
    desk = make_desk(project="limited")
    desk.spawn()
    book = desk.open_book()
    done = desk.finish("limited", book)
    told = [
        (n.path, str(n.status), n.error_kind, n.origin)
        for n in observing.run_detail(desk.app, done.run_id).nodes
    ]
    assert told == [
        ("call", "ok", None, None),
        ("call", "short_circuited", "rate_limit", None),
        ("call", "ok", None, 'fallback:{"log": ["not called"]}'),
        ("ask", "ok", None, None),
        ("tools", "ok", None, None),
    ]
    values = desk.values(done)
    assert values["log"] == ["called", "not called"]
    answers = sorted((m["status"], m["content"]) for m in values["messages"] if m["type"] == "tool")
    assert [status for status, _ in answers] == ["error", "success"]
    assert "The tool search is unavailable until" in answers[0][1]

    desk.launch("limited", book)
    with pytest.raises(RateLimited, match="'limited' is limited to 2 starts an hour by one user"):
        desk.launch("limited", book)
