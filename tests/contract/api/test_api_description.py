"""What the API says of itself is true: examples fit, and whatever a program sends is answered as described."""

from __future__ import annotations

import os
from random import Random

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from starlette.applications import Starlette

from interlock.core.model.approvals import Kind, Verb
from interlock.core.model.policies import BreakerRules
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.store import breakers, checkpoints, events, snapshots
from interlock.dashboard.http.api import app as api
from interlock.dashboard.http.api import mounting, waiting

# Of each operation, right and wrong ones; `make soak` asks for more.
EXAMPLES = int(os.environ.get("INTERLOCK_API_EXAMPLES", "3"))
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
# What is there to be asked for; every other request names one of these.
KNOWN = {
    "run_id": ["r1", "r2", "r3"],
    "thread_id": ["t1", "t2"],
    "approval_id": ["a1", "a2", "a3"],
    "name": ["refunds", "payments"],
}


@pytest.fixture
def seeded(app, put, make, refunds, monkeypatch):
    """A database with one of everything, and the API where the web process has it."""
    put(make.put_run, status=RunStatus.WAITING)
    failure = Failure("TimeoutError", "no answer", node="review", attempt=1)
    put(make.put_run, "r2", thread_id="t2", status=RunStatus.FAILED, error=failure)
    put(make.put_run, "r3", thread_id="t3", status=RunStatus.DONE, ended_at=make.at(9))
    put(make.put_approval, schema=None)
    put(make.put_approval, "a2", interrupt_id="i2", kind=Kind.BREAKPOINT, deadline_at=make.at(60))
    put(make.put_approval, "a3", interrupt_id="i3", allowed=(Verb.ANSWER,), thread_id="t2")
    for number in (1, 2):
        put(checkpoints.insert_many, [make.checkpoint(f"c{number}", created_at=make.at(number))])
        put(snapshots.put, make.snapshot(checkpoint_id=f"c{number}", values={"amount": number}))
    put(events.insert_many, [make.event(seq) for seq in (1, 2)])
    rules = BreakerRules(name="payments")
    put(breakers.enlist, "payments", rules=rules, serves=[], now=make.at(0))
    cap = waiting.for_run
    monkeypatch.setattr(waiting, "for_run", lambda app, run, wait_s: cap(app, run, min(wait_s, 0)))
    return Starlette(routes=[mounting.mount(mounting.PATH)])


def operations_of(seeded):
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", seeded)
    return [found.ok() for found in schema.get_all_operations()]


def test_every_example_fits_what_is_said_of_it(seeded):
    told = api.build()._app.openapi()
    shown = 0
    for path, verbs in told["paths"].items():
        for verb, operation in verbs.items():
            contents = [*operation["responses"].values(), operation.get("requestBody", {})]
            for content in contents:
                for kind, media in content.get("content", {}).items():
                    if "json" in kind and "example" in media:
                        schema = {**media["schema"], "components": told["components"]}
                        jsonschema.validate(media["example"], schema)
                        shown += 1
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            has_one = "example" in body or not operation.get("requestBody", {}).get("required")
            assert has_one, (verb, path)
    assert shown > 100


def test_whatever_is_sent_is_answered_as_described(seeded):
    source = Random(7)
    found = []
    for operation in operations_of(seeded):
        takes = any((operation.query, operation.headers, operation.body))
        modes = [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if takes else [])]
        for mode in modes:

            @given(case=operation.as_strategy(generation_mode=mode))
            @SETTINGS
            def ask(case):
                for name in case.path_parameters or {}:
                    if name in KNOWN and source.random() < 0.7:
                        case.path_parameters[name] = source.choice(KNOWN[name])
                told = case.call()
                found.append(told.status_code)
                case.validate_response(told, checks=CHECKS)

            ask()
    assert {200, 404, 422} <= set(found)
