"""Traces go where the variables say, one span a run and one a node, and no secret goes with them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langsmith import run_trees
from langsmith.utils import get_env_var, get_tracer_project
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from interlock.core import extras
from interlock.core.graphs import spans, whereabouts

SECRET = "sk-abcdefghijklmnop1234"


class State(TypedDict):
    said: str


@pytest.fixture
def sent() -> Iterator[list[tuple[str, bytes]]]:
    """What arrives at a collector on this machine: paths and bodies."""
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            got.append((self.path, body))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    got.append((f"http://127.0.0.1:{server.server_address[1]}", b""))
    yield got
    server.shutdown()
    server.server_close()
    thread.join()


def speak(state: State) -> State:
    assert whereabouts.current_node() == {"node": "speak"}
    return {"said": f"{state['said']} and more"}


GRAPH = StateGraph(State).add_node("speak", speak).add_edge(START, "speak").compile()
CONFIG = {"configurable": {"thread_id": "t-1"}, "metadata": {"run_id": "r-1"}}


def test_spans_of_run_and_node_arrive_with_the_session_and_without_secrets(sent, monkeypatch):
    address = sent.pop()[0]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")

    with spans.tracing():
        GRAPH.invoke({"said": f"my key is {SECRET}"}, CONFIG)

    [(path, body)] = sent
    request = ExportTraceServiceRequest.FromString(body)
    [resource] = request.resource_spans
    found = {s.name: s for scope in resource.scope_spans for s in scope.spans}
    attributes = {a.key: a.value.string_value for a in found["speak"].attributes}
    assert path == "/v1/traces"
    assert {"LangGraph", "speak"} <= set(found)
    assert found["speak"].parent_span_id == found["LangGraph"].span_id
    assert attributes["session.id"] == "t-1"
    assert "my key is ***" in attributes["input.value"]
    assert SECRET.encode() not in body
    names = {a.key: a.value.string_value for a in resource.resource.attributes}
    assert names["service.name"] == "ours"


def test_nothing_is_sent_unless_asked_for(sent):
    sent.pop()
    with spans.tracing({}):
        GRAPH.invoke({"said": "hello"}, CONFIG)
    assert sent == []


def test_what_is_asked_for_and_not_installed_is_named(monkeypatch, caplog):
    gone = extras.Extra("otel", "OTEL_EXPORTER_OTLP_ENDPOINT", "not_there.at_all", "traces")
    monkeypatch.setattr(extras, "TRACES", gone)
    with spans.tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}):
        pass
    [record] = caplog.records
    assert 'pip install "interlock-control-room[otel]"' in record.reason


@pytest.fixture
def langsmith(sent, monkeypatch) -> Iterator[None]:
    """LangSmith's variables, as a user sets them; the service is the collector."""
    for name, value in {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_API_KEY": "none",
        "LANGSMITH_ENDPOINT": sent.pop()[0],
        "LANGSMITH_DISABLE_RUN_COMPRESSION": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(run_trees, "_CLIENT", None)
    for cached in (get_env_var, get_tracer_project):
        cached.cache_clear()
    yield
    run_trees._CLIENT.cleanup()
    monkeypatch.undo()
    for cached in (get_env_var, get_tracer_project):
        cached.cache_clear()


@pytest.mark.usefixtures("langsmith")
def test_what_goes_to_langsmith_is_masked_too(sent):
    with spans.tracing({}):
        GRAPH.invoke({"said": f"my key is {SECRET}"}, CONFIG)
        run_trees.get_cached_client().flush()

    bodies = b"".join(body for _, body in sent)
    assert b"my key is ***" in bodies
    assert SECRET.encode() not in bodies
    assert json.dumps("t-1").encode() in bodies
