"""What one task of a run was handed and what it gave out, as a worker reads it for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from interlock.core.types import Json


class Handed(StrEnum):
    """
    What `Step.input` is: what the task was handed, the state it was chosen from where LangGraph does
    not tell more, or nothing.
    """

    INPUT = "input"
    STATE = "state"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Step:
    """
    One task; long values are cut and marked.

    `output` is by state field (`has_output` false where the task gave nothing out), `leads_to` the nodes
    that it chose or that follow it, `sends` what it sent to nodes, `questions` those of its interrupts,
    `error` what is stored with it. The answers to its questions are in our decisions: LangGraph does
    not keep them all.
    """

    task_id: str
    handed: Handed
    input: Json = None
    has_output: bool = False
    output: Json = None
    leads_to: tuple[str, ...] = ()
    sends: tuple[Json, ...] = ()
    questions: tuple[Json, ...] = ()
    error: str | None = None

    def as_json(self) -> dict[str, Json]:
        """The form in which a worker hands it over."""
        return asdict(self) | {"handed": str(self.handed)}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Step:
        """Read what a worker handed over."""
        known = {f.name for f in fields(cls)}
        lists = {"leads_to", "sends", "questions"}
        given: dict[str, Any] = {
            k: tuple(v) if k in lists else v for k, v in value.items() if k in known
        }
        return cls(**given | {"handed": Handed(value["handed"])})
