"""
Every shipped workflow goes as it went: its input, decisions, path and values are in tests/golden.

A workflow that is meant to go otherwise: run this file with INTERLOCK_GOLDEN_UPDATE=1, and read the diff.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from interlock.core import gallery
from interlock.core.testing import acheck, record

GOLDEN = Path(__file__).parents[2] / "golden"
CONFIG = Path(gallery.__file__).with_name("langgraph.json")
WORKFLOWS = sorted(json.loads(CONFIG.read_text(encoding="utf-8"))["graphs"])


def is_bought(text):
    """The number of an order is made of the task's id, which is another one in every run."""
    return re.search(r"Bought 5 BRG\.V for 517\.00 EUR, order T-[0-9A-F]{8}\.", text)


RULES = {"market_data": {"values.outcome": is_bought, "values.report": is_bought}}


@pytest.fixture(autouse=True)
def _at_once_and_local(monkeypatch):
    monkeypatch.setenv("INTERLOCK_GALLERY_LATENCY_S", "0")
    for variable in ("INTERLOCK_MODEL", "INTERLOCK_GALLERY_FAULTS"):
        monkeypatch.delenv(variable, raising=False)


def graph_of(workflow):
    return importlib.import_module(f"interlock.core.gallery.{workflow}").graph


@pytest.mark.parametrize("workflow", WORKFLOWS)
async def test_a_shipped_workflow_goes_as_it_went(workflow):
    await acheck(graph_of(workflow), GOLDEN / f"{workflow}.json", rules=RULES.get(workflow))


def test_a_golden_run_is_that_of_a_shipped_workflow():
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == WORKFLOWS


def test_recording_the_same_run_again_gives_the_same_file(tmp_path):
    kept = GOLDEN / "design_contest.json"
    record(
        graph_of("design_contest"), json.loads(kept.read_text())["input"], None, tmp_path / "new"
    )
    assert (tmp_path / "new").read_text() == kept.read_text()
