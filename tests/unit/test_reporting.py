"""Errors reach Sentry where that is asked for, without secrets and without what states hold."""

from __future__ import annotations

import logging

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from interlock.core import extras, reporting
from interlock.core.masking import mask_tree

SECRET = "sk-abcdefghijklmnop1234"
DSN = {"SENTRY_DSN": "https://key@127.0.0.1/1"}


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events = []

    def capture_envelope(self, envelope):
        self.events += [item.payload.json for item in envelope.items if item.type == "event"]


@pytest.fixture
def kept():
    transport = Kept()
    assert reporting.configure("worker", DSN, transport=transport, dsn="https://key@127.0.0.1/1")
    yield transport.events
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_what_is_logged_as_an_error_arrives_masked(kept):
    state = {"api_key": "hidden", "note": f"use {SECRET}"}
    try:
        secret_in_a_local = SECRET
        raise ValueError(f"refused {secret_in_a_local}")
    except ValueError:
        logging.getLogger("ours").exception("workflow_completed", extra={"state": state})

    [event] = kept
    assert event["logentry"]["message"] == "workflow_completed"
    assert event["exception"]["values"][0]["value"] == "refused ***"
    assert event["extra"]["state"] == {"api_key": "***", "note": "use ***"}
    assert event["tags"]["process"] == "worker"
    assert "vars" not in event["exception"]["values"][0]["stacktrace"]["frames"][0]
    assert SECRET not in str(event)
    assert "server_name" not in event


def test_a_line_of_structlogs_arrives_as_one(kept):
    logging.getLogger("ours").error({"event": "a page failed", "reference": "ab12", "_x": 1})

    [event] = kept
    assert event["logentry"]["message"] == "a page failed"
    assert event["extra"]["reference"] == "ab12"


def test_nothing_is_reported_unless_asked_for():
    assert not reporting.configure("web", {})
    assert not reporting.configure("web", {"SENTRY_DSN": " "})


def test_what_is_asked_for_and_not_installed_is_named(monkeypatch, caplog):
    monkeypatch.setattr(extras, "ERRORS", extras.Extra("sentry", "SENTRY_DSN", "not_there", "it"))
    assert not reporting.configure("web", DSN)
    assert 'pip install "interlock-control-room[sentry]"' in caplog.records[0].reason


def test_each_extra_that_is_missing_is_named_with_its_variable():
    environment = {extra.variable: "x" for extra in extras.ALL}
    assert extras.find_missing(environment) == ()  # all are installed where the tests run
    assert extras.find_missing({}) == ()


def test_a_tree_is_masked_by_key_and_by_look_and_its_numbers_stay():
    tree = {
        "tokens": 812,
        "token": "abc",
        "deep": [{"x": {"password": "p", "y": ("a", "b" * 50)}}],
        "call": '{"arguments": "{\\"api_key\\": \\"hush\\", \\"city\\": \\"Ulm\\"}"}',
    }
    found = mask_tree(tree, limit=20)
    assert found["tokens"] == 812
    assert found["token"] == "***"
    assert found["deep"][0]["x"]["password"] == "***"
    assert found["deep"][0]["x"]["y"] == ["a", "b" * 20 + " … (cut)"]
    long = mask_tree(tree, limit=200)["call"]
    assert "hush" not in long
    assert "Ulm" in long
