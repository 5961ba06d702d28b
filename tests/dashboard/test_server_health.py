"""`/healthz` says that the process lives, `/readyz` that the product works, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from interlock.core import bootstrap
from interlock.core.settings import Settings


def test_it_is_ready_only_with_a_database_a_worker_and_workflows(
    start_web: Callable[..., Any], make_seed: Callable[..., Any]
) -> None:
    web = start_web()

    before = httpx.get(f"{web.url}/readyz")
    app = bootstrap.build_app(Settings(data_dir=web.data_dir))
    now = datetime.now(UTC)
    seed = make_seed(app, at=now)
    seed.worker()
    between = httpx.get(f"{web.url}/readyz")
    seed.workflow()
    after = httpx.get(f"{web.url}/readyz")
    app.engine.dispose()

    assert before.status_code == 503
    assert failed(before) == {"workers", "workflows"}
    assert between.status_code == 503
    assert failed(between) == {"workflows"}
    assert after.status_code == 200
    assert after.json()["ready"] is True


def failed(answer: httpx.Response) -> set[str]:
    return {name for name, check in answer.json()["checks"].items() if not check["ok"]}


def test_it_lives_without_a_worker(web: Any) -> None:
    answer = httpx.get(f"{web.url}/healthz")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["checks"]["loop"]["ok"] is True


def test_prometheus_reads_it_with_its_own_parser(web: Any) -> None:
    answer = httpx.get(f"{web.url}/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"agent_executions", "active_workflows", "interlock_queue_jobs"} <= families
