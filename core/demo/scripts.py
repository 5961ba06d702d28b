"""How runs of the past went: for each workflow its nodes in order, and what they took."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.types import Json


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a node asks a person, and what is sent for yes and for no."""

    value: Json
    yes: Json = True
    no: Json = False


@dataclass(frozen=True, kw_only=True)
class Beat:
    """
    A node's part in a superstep.

    `ms` is what it takes at the median; `fails` the share of its tries that fail, of which it has
    `tries`; `service` names what it calls outside, which now and then is down; `cached` the share that
    a cache serves; `tokens` what its model reads and writes.
    """

    path: str
    ms: float
    tokens: tuple[int, int] = (0, 0)
    fails: float = 0.0
    tries: int = 1
    service: str = ""
    cached: float = 0.0
    asks: Ask | None = None


Step = tuple[Beat, ...]


@dataclass(frozen=True, kw_only=True)
class Script:
    """
    How runs of a workflow go: `steps` after a yes, `refused` instead of what follows a no.

    `weight` is its share of all runs; `variants` the names of which one is drawn, with their weights.
    """

    workflow: str
    weight: int
    input: Json
    steps: tuple[Step, ...]
    refused: tuple[Step, ...] = ()
    variants: tuple[tuple[str, int], ...] = ()


def one(path: str, ms: float, **more: object) -> Step:
    """A superstep of one node."""
    return (Beat(path=path, ms=ms, **more),)  # type: ignore[arg-type]
