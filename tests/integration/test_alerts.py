"""The watch over a real database: who is told, by a real web hook, and what an outage leaves behind."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import text

from interlock.core import cli
from interlock.core.model.alerts import Alert, AlertStatus, RuleName
from interlock.core.model.policies import AlertRule, Policies
from interlock.core.services import alerting
from interlock.core.services.alert_watching import AlertWatch, policies_beside
from interlock.core.services.notifying import Notifier, find_addresses
from interlock.core.settings import load_settings
from interlock.core.store import engine as engines

# Apprise imports what Python is about to drop, to keep what needs it going.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

BREAKER = (
    "INSERT INTO breakers (name, state, forced, failures, rules, serves, updated_at)"
    " VALUES ('payments', 'open', '', '[]', '{}', '[]', '2026-01-05 09:30:00')"
)


class Hook:
    """A web hook that keeps what it is sent, or refuses it."""

    def __init__(self) -> None:
        self.said: list[dict[str, str]] = []
        self.status = 200
        self.has_been_told = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status == 200:
                    hook.said.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()
                hook.has_been_told.set()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self._server.server_address[1]}/secret-path"

    @property
    def titles(self) -> list[str]:
        return [each["title"] for each in self.said]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def app(app):
    with engines.write(app.engine) as conn:
        conn.execute(text(BREAKER))
    return app


def watch_of(app, hook, **policies):
    rules = {"no_worker": AlertRule(enabled=False)} | policies.pop("alerts", {})
    return AlertWatch(app, Policies(notify=(hook.address,), alerts=rules, **policies))


def close_breaker(app):
    with engines.write(app.engine) as conn:
        conn.execute(text("UPDATE breakers SET state = 'closed'"))


def test_people_are_told_once_and_of_the_end_when_it_has_lasted(app, frozen, hook):
    app = replace(app, settings=load_settings({"public_url": "https://control.example.com/"}))
    watch = watch_of(app, hook)
    watch.look()
    watch.look()
    assert hook.titles == ["[critical] Breaker payments is open"]
    assert hook.said[0]["message"].endswith("https://control.example.com/breakers?name=payments")
    close_breaker(app)
    frozen.advance(seconds=60)
    watch.look()
    assert len(hook.said) == 1
    frozen.advance(seconds=600)
    watch.look()
    watch.look()
    assert hook.titles[1:] == ["[over] Breaker payments is open"]
    assert hook.said[1]["message"].startswith("It lasted 1 min 0 s.")


def test_two_workers_tell_once(app, hook):
    for watch in (watch_of(app, hook), watch_of(app, hook)):
        watch.look()
    assert len(hook.said) == 1


def test_a_message_that_reached_nobody_is_tried_again_for_a_while(app, frozen, hook, caplog):
    watch = watch_of(app, hook)
    hook.status = 500
    watch.look()
    assert alerting.list_alerts(app).open[0].notified_at is None
    hook.status = 200
    frozen.advance(seconds=15)
    watch.look()
    assert len(hook.said) == 1
    assert "alert_not_told" in caplog.messages
    assert not any("secret-path" in str(vars(record)) for record in caplog.records)


def test_at_last_it_is_given_up(app, frozen, hook):
    watch = watch_of(app, hook)
    hook.status = 500
    watch.look()
    frozen.advance(seconds=600)
    watch.look()
    assert alerting.list_alerts(app).open[0].notified_at is not None


def test_nobody_is_told_of_what_is_silenced_or_switched_off(app, hook):
    watch_of(app, hook, alerts={"breaker": AlertRule(enabled=False)}).look()
    assert alerting.list_alerts(app).open == ()
    AlertWatch(app, Policies(alerts={"no_worker": AlertRule(enabled=False)})).look()
    alert = alerting.list_alerts(app).open[0]
    alerting.silence(app, alert.alert_id, for_s=60, actor="ann")
    watch_of(app, hook).look()
    assert hook.said == []


def test_the_web_process_sees_to_workers_alone(app, frozen):
    watch = AlertWatch(app, Policies(), workers_only=True)
    watch.look()
    assert alerting.list_alerts(app).open == ()
    frozen.advance(seconds=30)
    watch.look()
    (alert,) = alerting.list_alerts(app).open
    assert (alert.rule, alert.status) == (RuleName.NO_WORKER, AlertStatus.OPEN)


def test_an_outage_is_told_while_it_lasts_and_kept_afterwards(app, frozen, hook, tmp_path):
    close_breaker(app)
    watch = watch_of(app, hook)
    whole = tmp_path / "whole.db"
    path = app.settings.data_dir / "app.db"
    app.engine.dispose()
    shutil.move(path, whole)
    path.mkdir()
    watch.look()
    assert hook.said == []
    frozen.advance(seconds=30)
    watch.look()
    watch.look()
    assert hook.titles == ["[critical] The database does not answer"]
    path.rmdir()
    shutil.move(whole, path)
    frozen.advance(seconds=30)
    watch.look()
    assert hook.titles[1:] == ["[over] The database does not answer"]
    (kept,) = alerting.list_alerts(app).ended
    assert kept.rule is RuleName.STORE_OUTAGE
    assert (kept.resolved_at - kept.fired_at).total_seconds() == 60


def test_a_short_outage_is_nobodys_business(app, frozen, hook, tmp_path):
    close_breaker(app)
    watch = watch_of(app, hook)
    path = app.settings.data_dir / "app.db"
    app.engine.dispose()
    shutil.move(path, tmp_path / "whole.db")
    path.mkdir()
    watch.look()
    path.rmdir()
    shutil.move(tmp_path / "whole.db", path)
    watch.look()
    assert hook.said == []
    assert alerting.list_alerts(app).ended == ()


def test_the_thread_looks_at_once_and_ends_when_told(app, hook):
    watch = watch_of(app, hook)
    watch.start()
    assert hook.has_been_told.wait(60)
    watch.stop()
    assert hook.titles == ["[critical] Breaker payments is open"]


def test_addresses_may_stand_in_variables(monkeypatch, caplog, hook):
    monkeypatch.setenv("TEAM_CHAT", f"{hook.address} json://127.0.0.1:1/x")
    found = find_addresses(["TEAM_CHAT", hook.address, "MISSING"])
    assert found == (hook.address, "json://127.0.0.1:1/x")
    assert "notify_variable_missing" in caplog.messages


def test_an_address_that_apprise_does_not_know_is_told_without_its_secret(caplog):
    assert not Notifier(["nonsense://token"]).has_somebody
    assert caplog.messages == ["notify_address_wrong"]
    assert "token" not in str(vars(caplog.records[0]))


@pytest.mark.parametrize("wrong", ["mailto:ann:hunter2@host", "hunter2", "ann:hunter2@host://x"])
def test_nothing_of_an_address_that_is_none_is_told_but_where_it_stands(monkeypatch, caplog, wrong):
    monkeypatch.setenv("TEAM_CHAT", wrong)
    assert not Notifier(find_addresses([wrong, "TEAM_CHAT"])).has_somebody
    assert {"notify_address_wrong"} <= set(caplog.messages)
    assert "hunter2" not in str([vars(record) for record in caplog.records])
    caplog.clear()
    find_addresses(["json://127.0.0.1:1/x", "mailto:ann:hunter2@host"])
    assert [record.position for record in caplog.records] == [2]


def test_rules_are_read_beside_the_project(tmp_path):
    (tmp_path / "interlock.toml").write_text("[alerts.error_rate]\nthreshold = 0.2\n")
    config = tmp_path / "langgraph.json"
    config.write_text("{}")
    for given in (config, tmp_path):
        found = policies_beside(load_settings({"config": given}))
        assert found.alerts["error_rate"].threshold == 0.2
    assert policies_beside(load_settings()).alerts == {}


# The command line ---------------------------------------------------------------------------------


@pytest.fixture
def call(app, capsys):
    """Run a command on this database: (exit code, what it printed)."""

    def run(*args: str):
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(app.settings.data_dir)])
        out, err = capsys.readouterr()
        return code, out + err

    return run


def ask(call, *args):
    code, out = call(*args, "--json")
    return code, json.loads(out)


def test_alerts_are_listed_with_what_to_do(app, hook, call):
    watch_of(app, hook).look()
    code, (alert,) = ask(call, "alerts")
    assert code == 0
    assert set(alert) == set(Alert.__dataclass_fields__)
    assert (alert["rule"], alert["object"], alert["status"]) == ("breaker", "payments", "open")
    assert "Breaker payments is open" in call("alerts")[1]
    close_breaker(app)
    watch_of(app, hook).look()
    assert ask(call, "alerts") == (0, [])
    assert call("alerts") == (0, "Nothing is wrong.\n")
    assert [a["status"] for a in ask(call, "alerts", "--all")[1]] == ["resolved"]


def test_an_alert_is_seen_to_and_silenced_from_the_command_line(app, hook, call):
    watch_of(app, hook).look()
    alert_id = ask(call, "alerts")[1][0]["alert_id"]
    code, seen = ask(call, "alert", alert_id, "ack", "--as", "ann", "--reason", "on it")
    assert (code, seen["status"], seen["acknowledged_by"]) == (0, "acknowledged", "ann")
    assert seen["note"] == "on it"
    assert call("alert", alert_id, "ack")[0] == 3
    assert call("alert", "nonsense", "ack")[0] == 4
    assert call("alert", alert_id, "silence", "--for", "soon")[0] == 2
    assert call("alert", alert_id, "silence", "--for", "999d")[0] == 1
    code, made = ask(call, "alert", alert_id, "silence", "--for", "2d", "--rule", "--as", "ann")
    assert (code, made["rule"], made["object"]) == (0, "breaker", None)
    assert "acknowledged, silenced" in call("alerts")[1]
    assert made["silence_id"] in call("alerts", "--all")[1]
    assert "Silenced until" in call("alert", alert_id, "silence")[1]
    code, ended = ask(call, "alert", made["silence_id"], "unsilence")
    assert (code, ended) == (0, {"silence_id": made["silence_id"], "ended": True})
    assert call("alert", made["silence_id"], "unsilence")[0] == 4
