"""A worker answers whoever watches it, whatever its loop does; what lies outside is asked, too."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client.parser import text_string_to_metric_families

from interlock.core.errors import InvalidInput
from interlock.core.services import health, reaching
from interlock.core.worker import answering
from interlock.core.worker.answering import Answers, Vitals


def ask(port, path, *, host="127.0.0.1"):
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"host": host})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def ask_json(port, path):
    status, text = ask(port, path)
    return status, json.loads(text)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that turns in a thread of its own, as a worker's does."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture
def opened(app):
    """The app of a worker that answers on a free port."""
    return replace(app, settings=app.settings.model_copy(update={"worker_port": 0}))


@pytest.fixture
def vitals(loop) -> Vitals:
    return Vitals(loop)


@pytest.fixture
def port(opened, vitals) -> Iterator[int]:
    answers = Answers(opened, vitals)
    yield answers.port
    answers.close()


def test_a_worker_is_ready_once_its_graphs_are_loaded_and_until_it_stops(port, vitals):
    numbers = {"runs": 3, "room": 17, "records_waiting": 5, "records_limit": 9, "is_draining": 0.0}
    numbers["is_over_memory"] = 0.0
    status, loading = ask_json(port, "/readyz")
    assert (status, loading["ready"]) == (503, False)
    assert loading["checks"]["graphs"]["message"] == "being loaded"

    vitals.is_ready(lambda: numbers)
    status, ready = ask_json(port, "/readyz")
    assert (status, ready["ready"], ready["healthy"]) == (200, True, True)
    assert set(ready["checks"]) == {"database", "checkpoints", "queue", "graphs", "loop", "model"}
    assert all(isinstance(check["ms"], float) for check in ready["checks"].values())
    assert ready["timestamp"].endswith("+00:00")

    numbers["is_over_memory"] = 1.0
    status, heavy = ask_json(port, "/readyz")
    assert (status, heavy["healthy"]) == (200, False)
    assert "more memory than it may" in heavy["checks"]["graphs"]["message"]

    numbers["is_draining"] = 1.0
    status, leaving = ask_json(port, "/readyz")
    assert status == 503
    assert "stops" in leaving["checks"]["graphs"]["message"]


def test_a_worker_tells_prometheus_of_itself_and_of_the_whole(port, vitals):
    vitals.is_ready(
        lambda: {
            "runs": 3,
            "room": 17,
            "records_waiting": 5,
            "records_limit": 9,
            "is_draining": 0,
            "is_over_memory": 0,
        }
    )

    status, text = ask(port, "/metrics")

    assert status == 200
    families = {f.name: f for f in text_string_to_metric_families(text)}
    assert families["interlock_worker_runs"].samples[0].value == 3
    assert families["interlock_worker_records_waiting"].samples[0].value == 5
    assert "process_resident_memory_bytes" in families
    assert {"agent_executions", "latency_node_seconds", "interlock_queue_jobs"} <= set(families)


def test_a_worker_whose_loop_is_blocked_says_so_and_lives(port, loop, monkeypatch):
    assert ask_json(port, "/healthz")[1]["checks"]["loop"]["message"] == "turns"
    monkeypatch.setattr(answering, "LOOP_S", 0.05)
    gate = threading.Event()

    loop.call_soon_threadsafe(gate.wait)
    try:
        status, found = ask_json(port, "/healthz")
    finally:
        gate.set()

    assert (status, found["status"], found["healthy"]) == (200, "ok", False)
    assert "a node blocks it" in found["checks"]["loop"]["message"]


def test_a_worker_answers_to_its_own_names_alone(port):
    assert ask(port, "/healthz", host="evil.example")[0] == 421
    assert ask(port, "/healthz", host="[evil")[0] == 421
    assert ask(port, "/healthz", host="localhost:1")[0] == 200
    assert ask(port, "/nowhere")[0] == 404


def test_a_worker_without_its_database_says_so(port, opened):
    with opened.engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE workers")

    status, found = ask_json(port, "/readyz")
    assert status == 503
    assert not found["checks"]["database"]["ok"]
    assert ask(port, "/metrics")[0] == 503


def test_a_worker_does_not_listen_beyond_this_machine_unless_told_to(opened, vitals, port):
    def answer(**changes):
        Answers(replace(opened, settings=opened.settings.model_copy(update=changes)), vitals)

    with pytest.raises(InvalidInput, match="beyond this machine"):
        answer(host="0.0.0.0")
    with pytest.raises(InvalidInput, match="cannot listen on"):
        answer(worker_port=port)


# -- what lies outside ---------------------------------------------------------------------------


class Outside(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        self.send_response(503 if self.path == "/broken" else 401)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def outside() -> Iterator[str]:
    """A service on this machine that wants a key, and is broken in one place."""
    reaching.forget()
    Outside.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()
    reaching.forget()


def test_what_lies_outside_is_told_of_and_takes_nobodys_readiness(app, outside, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://{outside}/v1")
    changes = {"model": "openai:gpt-5", "external": (f"http://{outside}/broken",)}
    app = replace(app, settings=app.settings.model_copy(update=changes))

    checks = health.check_outside(app)
    found = health.health_of(checks, app.clock.now())

    assert checks["model"].ok
    assert checks["model"].message == f"{outside} answers with 401"
    assert not checks[f"external {outside}"].ok
    assert checks[f"external {outside}"].message == "answers with 503"
    assert (found.healthy, found.ready) == (False, True)
    assert health.check_outside(app) == checks
    assert Outside.asked == 2  # an answer is kept for a while


def test_addresses_that_nobody_answers_at_are_told_of(outside):
    port = outside.rpartition(":")[2]
    answers = reaching.ask_all([f"tcp://{outside}", "tcp://127.0.0.1:1", "http://127.0.0.1:1/"])
    assert answers[f"tcp://{outside}"].ok
    assert not answers["tcp://127.0.0.1:1"].ok
    assert "cannot be reached" in answers["http://127.0.0.1:1/"].message
    assert reaching.name_of(f"http://user:secret@127.0.0.1:{port}/x?key=1") == outside
    assert reaching.name_of("http://[broken") == "?"


@pytest.mark.parametrize(
    ("model", "address"),
    [
        ("openai:gpt-5", "https://api.openai.com"),
        ("gpt-5", "https://api.openai.com"),
        ("claude-5", "https://api.anthropic.com"),
        ("ollama:llama", "http://127.0.0.1:11434"),
        ("unheard-of:x", None),
    ],
)
def test_the_provider_of_a_model_is_known_by_its_name(model, address):
    assert reaching.address_of(model, {}) == address


def test_a_model_of_an_unknown_provider_is_not_looked_at(app):
    app = replace(app, settings=app.settings.model_copy(update={"model": "unheard-of:x"}))
    assert health.check_outside(app)["model"].message.startswith("not looked at")


def test_the_newest_checkpoint_is_really_read(desk):
    desk.start()
    assert health.check(desk.app).checks["checkpoints"].message == "none stored yet"
    run = desk.finish("fragile", desk.open_book())
    assert health.check(desk.app).checks["checkpoints"].message == "the newest one was read"

    desk.close()
    desk.app.settings.checkpoints_path.write_bytes(b"no database" * 100)
    found = health.check(desk.app)
    assert not found.ready
    assert not found.checks["checkpoints"].ok
    assert run.thread_id not in found.checks["database"].message
