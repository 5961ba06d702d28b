"""The API as the web process mounts it, on a database of its own, asked without a socket."""

from __future__ import annotations

import httpx
import pytest

from interlock.core.model.runs import RunStatus
from interlock.core.model.workflows import Workflow
from interlock.core.queue.local import LocalQueue
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.store import workflows
from interlock.dashboard import deps
from interlock.dashboard.http.api import app as api
from tests.published import published

HOST = "http://127.0.0.1:8501"


@pytest.fixture
def database(request):
    """An engine on a fresh SQLite file, unless a test asks for both kinds."""
    kind = getattr(request, "param", "sqlite")
    opened = engines.open_engine(request.getfixturevalue(f"{kind}_url"), origin="web")
    yield opened
    opened.dispose()


@pytest.fixture
def app(database, frozen, tmp_path, monkeypatch) -> App:
    built = App(
        settings=Settings(data_dir=tmp_path, operator="ann"),
        engine=database,
        queue=LocalQueue(),
        clock=frozen,
    )
    monkeypatch.setattr(deps, "process_app", lambda: built)
    deps._seen.clear()
    return built


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app=api.build())
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as opened:
        yield opened


@pytest.fixture
def put(app, make):
    """Writes with the store, in one transaction each."""

    def write(function, *args, **changes):
        with engines.write(app.engine) as conn:
            return function(conn, *args, **changes)

    return write


@pytest.fixture
def refunds(put, make) -> Workflow:
    card = published(
        "refunds",
        description="Refunds.",
        input_schema={"type": "object", "properties": {"amount": {"type": "integer"}}},
        at=make.at(0),
        channels=("amount",),
        nodes=("review",),
    )
    put(workflows.replace_all, [card])
    return card


@pytest.fixture
def card(put, make):
    """A card that waits, of a run that is held for it."""
    put(make.put_run, status=RunStatus.WAITING)
    return put(make.put_approval, schema=None)
