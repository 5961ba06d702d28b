"""`interlock limits`, and what `interlock launch` says of a limit, as scripts rely on them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core import cli
from interlock.core.model.policies import ModelRules
from interlock.core.services import limiting, presence
from tests.published import published


@pytest.fixture
def call(app, capsys):
    def run(*args):
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(app.settings.data_dir)])
        return code, *capsys.readouterr()

    return run


def test_what_is_left_of_keys_and_under_way_is_shown(app, call, frozen):
    _, shown, said = call("limits")
    assert shown == ""
    assert said.startswith("No call to a bounded model is under way.\nNo model uses keys in turn;")
    frozen.advance(seconds=(datetime.now(UTC) - frozen.now()).total_seconds())
    limiting.enter_model(app, "gpt", ModelRules(in_flight=3), "c1")
    quota = {"requests": {"left": 59, "of": 60}, "tokens": {"left": 100, "of": None}}
    until = frozen.now() + timedelta(hours=1)
    limiting.tell_key(app, "gpt", "KEY_A", blocked_until=until, quota=quota)
    limiting.tell_key(app, "gpt", "KEY_B", blocked_until=None, quota={})

    told = json.loads(call("limits", "--json")[1])
    assert told["models"] == [{"model": "gpt", "in_flight": 1}]
    first, second = told["keys"]
    assert (first["variable"], first["rests_until"], first["quota"]) == (
        "KEY_A",
        until.isoformat(),
        quota,
    )
    assert (second["rests_until"], second["quota"]) == (None, {})
    _, shown, _ = call("limits")
    assert "59 of 60 requests, 100 tokens" in shown


def test_a_launch_too_many_says_when_to_try_again(app, call):
    workflow = published(
        "essay", nodes=("draft",), at=app.clock.now(), policy={"rate": {"per_minute": 1}}
    )
    presence.publish(app, [workflow])
    assert call("launch", "essay", "--input", "{}")[0] == 0
    code, shown, said = call("launch", "essay", "--input", "{}", "--json")
    told = json.loads(shown)
    assert (code, set(told)) == (1, {"error", "retry_at"})
    assert datetime.fromisoformat(told["retry_at"]) > datetime.now(UTC)
    assert "limited to 1 start a minute; try again at" in said
