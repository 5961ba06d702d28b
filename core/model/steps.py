"""What one task of a run was handed and what it gave out, as a worker reads it for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from interlock.core.types import Json, RunId


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
    `error` what is stored with it; `is_edited` tells that an edit of the state is part of its input.
    LangGraph keeps the newest run of a task alone: `again_in` is the run that ran it again, if one did.
    The answers to its questions are in our decisions: LangGraph does
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
    is_edited: bool = False
    again_in: RunId | None = None

    def before(self, again_in: RunId, *, error: str | None, has_asked: bool) -> Step:
        """
        The same task as an earlier run had it, without what may be of the later one.

        Args:
            again_in: The run that ran it again.
            error: That of the earlier run, from its records.
            has_asked: Whether the stored questions are the earlier run's.
        """
        return replace(
            self,
            handed=Handed.NOTHING if self.is_edited else self.handed,
            input=None if self.is_edited else self.input,
            has_output=False,
            output=None,
            leads_to=(),
            sends=(),
            questions=self.questions if has_asked else (),
            error=error,
            again_in=again_in,
        )

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
