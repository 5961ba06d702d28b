"""A stand-in for the platform that a real release train would build, migrate and deploy on."""

from __future__ import annotations

import hashlib
import time
from typing import Literal

from langgraph.runtime import Runtime

from interlock.core.gallery import faults, latency

Step = Literal["build", "migrate", "deploy"]
Rehearsal = Literal[
    "nothing", "a deployment that fails twice", "a deployment that never works", "a failing check"
]

_TROUBLES = (
    "two of six instances did not start: the image was not there yet",
    "instance 4 did not answer its health probe within 30 s",
    "the load balancer had no free address in zone b",
)


class DeploymentFailed(Exception):
    """The platform did what it was told, and it did not work."""


def key_of(service: str, version: str, runtime: Runtime) -> str:
    """What the platform knows a release by, so that no step of it is done or undone twice."""
    thread = runtime.execution_info.thread_id if runtime.execution_info else None
    return f"{thread}:{service}:{version}"


def do(step: Step, *, key: str, attempt: int = 1, rehearsal: Rehearsal = "nothing") -> str:
    """
    Do one step of a release and return its receipt.

    The same key always returns the same receipt, as a platform does that takes an idempotency key:
    a step that is repeated after a crash is not done twice.

    Raises:
        DeploymentFailed: As the rehearsal wants it.
        ServiceDown: The platform itself does not answer.
    """
    _call()
    fails = rehearsal == "a deployment that never works" or (
        rehearsal == "a deployment that fails twice" and attempt <= 2
    )
    if step == "deploy" and fails:
        raise DeploymentFailed(_TROUBLES[(attempt - 1) % len(_TROUBLES)])
    return _receipt(step, key)


def undo(step: Step, *, key: str) -> str:
    """Take a step back and return the receipt; what was taken back already stays so."""
    _call()
    return _receipt(f"undo {step}", key)


def error_rate(*, rehearsal: Rehearsal = "nothing") -> float:
    """The share of requests that failed in the first minutes after a deployment, in per cent."""
    _call()
    return 7.4 if rehearsal == "a failing check" else 0.2


def _call() -> None:
    faults.check("deployment")
    time.sleep(latency.call_s())


def _receipt(step: str, key: str) -> str:
    return f"D-{hashlib.sha256(f'{step}:{key}'.encode()).hexdigest()[:8].upper()}"
