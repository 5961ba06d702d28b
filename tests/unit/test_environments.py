"""Environments: other defaults in each, which anything that is set itself overrules."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from interlock.core import cli
from interlock.core.environments import DEFAULTS
from interlock.core.errors import InvalidInput
from interlock.core.services.configuring import list_settings
from interlock.core.settings import ENV_PREFIX, Settings, load_settings
from interlock.dashboard.server import refuse_open_door

DOC = Path(__file__).parents[2] / "docs" / "environments.md"


@pytest.fixture(autouse=True)
def _no_settings_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", DEFAULTS)
def test_its_defaults_hold_and_the_others_stay(name, monkeypatch):
    monkeypatch.setenv("INTERLOCK_ENVIRONMENT", name)
    settings = load_settings()

    plain = Settings.model_construct()
    for setting in Settings.model_fields:
        if setting == "environment":
            continue
        expected = DEFAULTS[name].get(setting, getattr(plain, setting))
        assert getattr(settings, setting) == expected, setting
    assert settings.is_production is (name == "production")


def test_what_is_set_itself_wins(monkeypatch):
    monkeypatch.setenv("INTERLOCK_ENVIRONMENT", "production")
    monkeypatch.setenv("INTERLOCK_LOG_LEVEL", "debug")

    settings = load_settings({"log_format": "text"})

    assert (settings.log_level, settings.log_format) == ("debug", "text")


def test_without_one_the_usual_defaults_hold():
    assert load_settings().log_level == "info"
    assert not load_settings().is_production


def test_one_that_there_is_not_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("INTERLOCK_ENVIRONMENT", "prod")

    with pytest.raises(InvalidInput, match=r"INTERLOCK_ENVIRONMENT: .*'production'"):
        load_settings()


def test_it_is_said_where_a_value_comes_from(monkeypatch):
    monkeypatch.setenv("INTERLOCK_ENVIRONMENT", "production")
    monkeypatch.setenv("INTERLOCK_LOG_FORMAT", "text")
    listed = {s.name: (s.value, s.source) for s in list_settings({}, load_settings())}

    assert listed["log_level"] == ("warning", "production")
    assert listed["log_format"] == ("text", "environment")
    assert listed["environment"] == ("production", "environment")
    assert listed["api_rate"] == ("3000", "default")


def test_in_production_nobody_reaches_the_dashboard_from_elsewhere_without_signing_in():
    open_ = {"host": "0.0.0.0", "allow_remote": True}
    refuse_open_door(load_settings(open_))
    refuse_open_door(load_settings({**open_, "environment": "production", "sign_in": "local"}))

    with pytest.raises(InvalidInput, match="in production it does not do"):
        refuse_open_door(load_settings({**open_, "environment": "production"}))


@pytest.mark.parametrize("command", [("up", "--demo"), ("up", "--reload"), ("worker", "--reload")])
def test_what_is_for_trying_things_out_is_refused_in_production(
    command, monkeypatch, tmp_path, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTERLOCK_ENVIRONMENT", "production")

    assert cli.main(command) == 2
    assert "is refused where INTERLOCK_ENVIRONMENT is production" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_table_of_the_docs_is_as_they_are():
    section = DOC.read_text(encoding="utf-8").split("## Environments")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `INTERLOCK_(\w+)` \| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    told = {
        environment: {
            name.lower(): cell.strip("`")
            for name, *cells in rows
            if (cell := dict(zip(DEFAULTS, cells, strict=True))[environment]) != "the default"
        }
        for environment in DEFAULTS
    }
    assert told == {
        environment: {name: str(value) for name, value in given.items()}
        for environment, given in DEFAULTS.items()
    }
