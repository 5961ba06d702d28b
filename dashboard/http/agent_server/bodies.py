"""
What clients of the Agent Server API send. A field that is not known is refused by name, unless it is null.

Types are checked here; what is asked for is read by `views.agent_asks` and `views.agent_threads`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from interlock.core.errors import NotServed
from interlock.core.types import Json

MAX_LIMIT = 200
MAX_OFFSET = 100_000

Id = Annotated[str, Field(min_length=1, max_length=200)]
Names = str | Annotated[list[str], Field(max_length=1000)] | None
Fields = dict[str, Any] | None
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET)]
Order = Literal["asc", "desc"] | None


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="after")
    def refuse_unknown(self) -> Self:
        """Refuse what nobody here would look at."""
        for name, value in (self.model_extra or {}).items():
            if value is not None:
                raise NotServed(f"the field `{name[:100]}`")
        return self

    def given(self) -> dict[str, Json]:
        """What was sent, without what was left out."""
        return {
            name: getattr(self, name) for name in self.model_fields_set if name in self.__dict__
        }


class Config(BaseModel):
    """How a run is to be carried out; other words of it are refused where it is read."""

    model_config = ConfigDict(extra="allow", frozen=True)

    recursion_limit: int | None = Field(None, ge=1, le=1_000_000)
    configurable: Fields = None


class RunBody(Body):
    """What a run is created with."""

    assistant_id: Id
    input: Any = None
    command: Fields = None
    config: Config | None = None
    context: Any = None
    metadata: Fields = None
    checkpoint: Fields = None
    checkpoint_id: Id | None = None
    interrupt_before: Names = None
    interrupt_after: Names = None
    stream_mode: Names = None
    stream_subgraphs: bool | None = None
    stream_resumable: bool | None = None  # every stream is
    on_disconnect: Literal["cancel", "continue"] | None = None
    on_completion: Literal["delete", "keep"] | None = None
    if_not_exists: Literal["create", "reject"] | None = None
    multitask_strategy: Literal["reject", "interrupt", "rollback", "enqueue"] | None = None
    durability: Literal["sync", "async", "exit"] | None = None  # every step is kept in any case
    checkpoint_during: bool | None = None
    strict_resume: bool | None = None  # every answer is by the id of its interrupt
    feedback_keys: list[str] | None = None
    webhook: str | None = None
    after_seconds: float | None = None
    langsmith_tracer: Fields = None

    def given(self) -> dict[str, Json]:
        """What was sent, the config as it came."""
        found = super().given()
        if self.config is not None:
            found["config"] = self.config.model_dump(exclude_unset=True)
        return found


class ThreadSearchBody(Body):
    """Which threads are wanted."""

    metadata: Fields = None
    values: Fields = None
    ids: Annotated[list[Id], Field(max_length=1000)] | None = None
    status: Literal["idle", "busy", "interrupted", "error"] | None = None
    limit: Limit = 10
    offset: Offset = 0
    sort_by: str | None = None
    sort_order: Order = None
    select: Annotated[list[str], Field(max_length=100)] | None = None
    extract: Fields = None


class ThreadBody(Body):
    """A thread to be made."""

    thread_id: Id | None = None
    metadata: Fields = None
    if_exists: Literal["raise", "do_nothing"] | None = None
    supersteps: list[Any] | None = None
    ttl: Any = None


class ThreadPatch(Body):
    """What is said of a thread."""

    metadata: Fields = None
    ttl: Any = None


class StateBody(Body):
    """A state to be changed: where, what, and as which node."""

    values: Any = None
    as_node: Annotated[str, Field(max_length=1000)] | None = None
    checkpoint: Fields = None
    checkpoint_id: Id | None = None


class PlaceBody(Body):
    """Which state is wanted."""

    checkpoint: Fields = None
    subgraphs: bool | None = None
    select: Annotated[list[str], Field(max_length=100)] | None = None


class HistoryBody(Body):
    """Which states are wanted."""

    limit: Limit = 10
    before: Id | dict[str, Any] | None = None
    metadata: Fields = None
    checkpoint: Fields = None
    select: Annotated[list[str], Field(max_length=100)] | None = None


class AssistantSearchBody(Body):
    """Which assistants are wanted."""

    metadata: Fields = None
    graph_id: str | None = None
    name: str | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 10
    offset: Offset = 0
    sort_by: Literal["assistant_id", "graph_id", "name", "created_at", "updated_at"] | None = None
    sort_order: Order = None
    select: Annotated[list[str], Field(max_length=100)] | None = None
