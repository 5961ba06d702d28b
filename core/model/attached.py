"""Which graph of the config a thread belongs to that another application made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from interlock.core.types import Json

ANOTHER = "another application"  # who moves such threads, where a name is shown
UNKNOWN = "unknown"  # the workflow of a thread of which nothing tells the graph
NAMES = ("graph_id", "workflow", "assistant_id", "assistant")  # in a checkpoint's metadata
MAX_NAME = 300  # characters of a graph's that can be kept
MAX_FIELDS = 8  # that a sentence names


@dataclass(frozen=True)
class Choice:
    """The workflow of a thread; `trouble` says why it cannot be run, None where it can."""

    workflow: str
    trouble: str | None = None


def choose_graph(
    metadata: Mapping[str, Json],
    channels: Collection[str],
    graphs: Mapping[str, Collection[str]],
) -> Choice:
    """
    Find the graph of a thread.

    Args:
        metadata: Of its newest checkpoint; whoever stored it may have named the graph there.
        channels: The channels that the checkpoint knows.
        graphs: The channels of each graph of the config.

    Returns:
        The graph that the metadata name, if the config has it; else the only one that has all the
        channels, or at least all the fields of the state.
    """
    told_names = [name for key in NAMES if isinstance(name := metadata.get(key), str)]
    named = [name for name in told_names if 0 < len(name) <= MAX_NAME and name.isprintable()]
    for name in named:
        if name in graphs:
            return Choice(name)
    fields = {name for name in channels if is_field(name)}
    for wanted in (set(channels), fields):
        fitting = [name for name, own in graphs.items() if wanted <= set(own)]
        if len(fitting) == 1 and fields:
            return Choice(fitting[0])
        if len(fitting) > 1:
            told = ", ".join(sorted(fitting))
            return Choice(UNKNOWN, f"It may belong to any of the graphs {told}.")
    if named:
        return Choice(named[0], f"Its graph {named[0]!r} is not in the config.")
    told = ", ".join(sorted(fields)[:MAX_FIELDS]) or "nothing"
    return Choice(UNKNOWN, f"No graph of the config has the fields of its state ({told}).")


def is_field(channel: str) -> bool:
    """Whether a channel is a field of the state, and none of LangGraph's own."""
    return not channel.startswith("__") and ":" not in channel
