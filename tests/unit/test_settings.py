"""Settings: from the environment, over it the command line, wrong ones by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.settings import ENV_PREFIX, Settings, load_settings


@pytest.fixture(autouse=True)
def _no_settings_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)


def test_nothing_has_to_be_set() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.config) == ("127.0.0.1", 8501, None)
    assert settings.is_embedded


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    assert Settings.model_fields[name].description


def test_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_PORT", "9000")
    monkeypatch.setenv("INTERLOCK_OPERATOR", "Ada")
    settings = load_settings({"port": 9001, "operator": None})
    assert (settings.port, settings.operator) == (9001, "Ada")


def test_wrong_setting_is_named_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_CONCURRENCY", "many")
    with pytest.raises(InvalidInput) as refused:
        load_settings({"drain_s": -1})
    paths = {problem.path: problem.message for problem in refused.value.problems}
    assert set(paths) == {"INTERLOCK_CONCURRENCY", "--drain-s"}
    assert "(it is 'many')" in paths["INTERLOCK_CONCURRENCY"]
    assert "(it is '-1')" in paths["--drain-s"]


def test_unknown_database_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"--database: .*postgresql:// or sqlite:///"):
        load_settings({"database": "mysql://x"})


@pytest.mark.parametrize(
    ("given", "url", "embedded"),
    [
        ("postgresql://h/d", "postgresql+psycopg://h/d", False),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d", False),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db", True),
    ],
)
def test_database_url_names_its_driver(given: str, url: str, embedded: bool) -> None:
    settings = load_settings({"database": given})
    assert (settings.database_url, settings.is_embedded) == (url, embedded)


def test_embedded_databases_lie_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings({"data_dir": tmp_path})
    assert settings.database_url == f"sqlite:///{tmp_path / 'app.db'}"
    assert settings.checkpoints_path == tmp_path / "checkpoints.db"


@pytest.mark.parametrize(
    ("given", "url", "path"),
    [
        ("postgresql+psycopg://h/d", "postgresql://h/d", None),
        ("sqlite:////tmp/x.db", None, Path("/tmp/x.db")),
        ("x.db", None, Path("x.db")),
    ],
)
def test_another_applications_checkpoints_are_on_a_server_or_in_a_file(
    given: str, url: str | None, path: Path | None
) -> None:
    settings = load_settings({"attach": given})
    assert (settings.attached_url, settings.attached_path) == (url, path)


@pytest.mark.parametrize("given", ["mysql://h/d", ":memory:", "sqlite:///"])
def test_what_holds_no_checkpoints_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="--attach"):
        load_settings({"attach": given})


def test_threads_follow_the_runs_unless_they_are_set() -> None:
    assert load_settings({"concurrency": 20}).thread_count == 96
    assert load_settings({"max_threads": 7}).thread_count == 7


def test_settings_do_not_change_while_running() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite:///:memory:"])
def test_a_database_that_no_other_process_could_open_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="must name a file"):
        load_settings({"database": url})


def test_a_refused_setting_keeps_its_password() -> None:
    with pytest.raises(InvalidInput) as refused:
        load_settings({"database": "mysql://ann:hunter/2@h/d"})
    assert "hunter" not in str(refused.value)
    assert "mysql://ann:***@h/d" in str(refused.value)


@pytest.mark.parametrize(
    "given",
    ["control.example.com", '{"a": 1}', '["http://a.example"]', '["a.example:80"]', '["*"]', "[1]"],
)
def test_hosts_that_would_never_be_answered_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("INTERLOCK_ALLOWED_HOSTS", given)
    with pytest.raises(InvalidInput, match=r"INTERLOCK_ALLOWED_HOSTS: must "):
        load_settings()


def test_allowed_hosts_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_ALLOWED_HOSTS", '["a.example", "192.0.2.7", "::1"]')
    assert load_settings().allowed_hosts == ("a.example", "192.0.2.7", "::1")


def test_origins_of_other_sites_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_AGENT_SERVER_ORIGINS", '["https://a.example", "http://b:3000"]')
    assert load_settings().agent_server_origins == ("https://a.example", "http://b:3000")


@pytest.mark.parametrize(
    "given", ['"https://a.example"', '["a.example"]', '["https://a.example/"]', '["*"]', "[3]"]
)
def test_what_no_browser_sends_as_an_origin_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("INTERLOCK_AGENT_SERVER_ORIGINS", given)
    with pytest.raises(InvalidInput, match="INTERLOCK_AGENT_SERVER_ORIGINS: must be a JSON list"):
        load_settings()


@pytest.mark.parametrize("name", [" ", "a\nb", "a\u202eb"])
def test_an_operator_needs_a_name_that_can_be_read(name: str) -> None:
    with pytest.raises(InvalidInput, match="printable"):
        load_settings({"operator": name})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("slack://token/x mailto://a@b.c", ["slack://token/x", "mailto://a@b.c"]),
        ('["slack://token/x"]', ["slack://token/x"]),
        ("", []),
        (["json://here"], ["json://here"]),
        (None, []),
        (7, []),
    ],
)
def test_who_is_told_is_a_list_that_is_never_shown(
    given: object, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(given, str):
        monkeypatch.setenv("INTERLOCK_NOTIFY", given)
        settings = load_settings()
    else:
        settings = load_settings({"notify": given})
    assert [address.get_secret_value() for address in settings.notify] == expected
    assert "token/x" not in repr(settings)
