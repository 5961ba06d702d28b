"""What the documentation says of the client's operations, held against the client and against what is served."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from langgraph_sdk.client import (
    AssistantsClient,
    CronClient,
    RunsClient,
    StoreClient,
    ThreadsClient,
)

from interlock.dashboard.http.agent_server.missing import NOT_SERVED
from interlock.dashboard.views import agent_asks

PAGE = (Path(__file__).parents[2] / "docs" / "agent-server.md").read_text(encoding="utf-8")
NOUNS = {
    "assistants": AssistantsClient,
    "threads": ThreadsClient,
    "runs": RunsClient,
    "crons": CronClient,
    "store": StoreClient,
}


def rows() -> dict[str, str]:
    """What is said of each operation, by "noun.method"; `*` is all of a noun."""
    told = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 4:
            continue
        noun = ""
        for word in re.findall(r"`([a-z_]+\.)?([a-z_*]+)`", cells[1]):
            noun = word[0] or noun
            told[f"{noun}{word[1]}"] = cells[2]
    return told


@pytest.mark.parametrize("noun", NOUNS)
def test_every_operation_of_the_client_is_said_to_be_served_or_not(noun: str) -> None:
    told = rows()
    methods = inspect.getmembers(NOUNS[noun], inspect.isfunction)
    for name in [name for name, _ in methods if not name.startswith("_")]:
        said = told.get(f"{noun}.*", told.get(f"{noun}.{name}"))
        assert said in {"yes", "501"}, f"{noun}.{name}"


def test_every_stream_mode_is_in_the_table() -> None:
    served, _, rest = PAGE.partition("## Streams")[2].partition("| `tasks`")
    for mode in agent_asks.STREAM_MODES:
        assert f"`{mode}`" in served
        assert f"`{mode}`" not in rest


def test_what_is_refused_by_name_is_said_once_each() -> None:
    places = [(method, path) for method, path, _ in NOT_SERVED]
    assert len(places) == len(set(places))
