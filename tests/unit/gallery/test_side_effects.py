"""Every node and tool of the shipped workflows says whether it does something outside."""

from __future__ import annotations

import importlib
import json
import tomllib
from pathlib import Path

import pytest
from langgraph.prebuilt import ToolNode

from interlock.core import gallery

FOLDER = Path(gallery.__file__).parent
GRAPHS = json.loads((FOLDER / "langgraph.json").read_text())["graphs"]
POLICIES = tomllib.loads((FOLDER / "interlock.toml").read_text())["workflow"]


def list_places(graph, path=""):
    """Each node by its path, and each tool of a tool node; of a nested graph what is in it."""
    inner = dict(graph.get_subgraphs())
    for name, node in graph.nodes.items():
        here = f"{path}{name}"
        if name.startswith("__"):  # LangGraph's own
            continue
        if name in inner:
            yield from list_places(inner[name], f"{here}/")
        elif isinstance(node.bound, ToolNode):
            yield from ((here, tool) for tool in node.bound.tools_by_name)
        else:
            yield here, ""


def is_said(policies, path, tool):
    """Whether the file says it: of a tool by itself, by its node, or by the workflow's default."""
    node = policies.get("node", {}).get(path)
    if node is None:
        return "side_effects" in policies.get("default", {})
    return "side_effects" in node or "side_effects" in node.get("tool", {}).get(tool, {})


@pytest.mark.parametrize("name", GRAPHS)
def test_every_node_says_whether_it_does_something_outside(name):
    path, _, variable = GRAPHS[name]["path"].partition(":")
    module = importlib.import_module(f"interlock.core.gallery.{(FOLDER / path).stem}")
    places = list(list_places(getattr(module, variable)))

    policies = POLICIES.get(name, {})
    assert places
    assert [place for place in places if not is_said(policies, *place)] == []
