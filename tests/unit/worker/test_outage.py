"""What a worker takes for an absence of its database, and what not."""

from __future__ import annotations

import pytest

from interlock.core.errors import StoreBusy, StoreUnavailable
from interlock.core.worker import outage
from interlock.core.worker.outage import Outage


@pytest.mark.parametrize(
    ("error", "told"),
    [(StoreUnavailable("The server is gone."), ["began"]), (StoreBusy("A deadlock."), [])],
)
async def test_that_others_are_in_the_way_is_no_outage(error, told, monkeypatch):
    monkeypatch.setattr(outage, "RETRY_S", 0)
    said: list[str] = []
    seen = Outage(said.append, on_begin=lambda: said.append("began"))
    errors = [error]

    async def call() -> str:
        if errors:
            raise errors.pop()
        return "done"

    assert await seen.outlast(call) == "done"
    assert (said, seen.is_on) == (told, bool(told))
