"""What bodies hold. Fields that are not known are refused, so that a slip of the pen is not passed over."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.breaker import Order
from interlock.core.model.history import EditMode, FieldEdit
from interlock.core.model.inbox_filters import read_age
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services.rewinding import ForkRequest
from interlock.core.types import ApprovalId, CheckpointId, ThreadId

MAX_WAIT_S = 60.0

Reason = Annotated[str, Field(max_length=10_000, description="Why; kept with it.")]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[str, ...], Field(max_length=1000)]
Version = Annotated[
    int | None,
    Field(ge=1, le=1_000_000_000, description="The version you saw; or by `If-Match`."),
]
WaitS = Annotated[
    float,
    Field(ge=0, le=MAX_WAIT_S, description="Wait so long for its end or its first question."),
]


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LaunchBody(Body):
    """What to launch a workflow with."""

    input: Any = Field(
        default_factory=dict, description="JSON, as the workflow's input schema has it."
    )
    context: Any = None
    thread_id: Id | None = Field(None, description="Go on with this thread; a new one without.")
    break_before: Names = ()
    break_after: Names = ()
    recursion_limit: int | None = Field(None, ge=1, le=1_000_000)
    priority: int = Field(0, ge=-1_000_000, le=1_000_000)
    variant: str = Field("", max_length=1000)
    ask_on_failure: bool = False
    wait_s: WaitS = 0.0


class WhyBody(Body):
    """Nothing but why."""

    reason: Reason = ""


class DecisionBody(Body):
    """A decision, in the words of `interlock decide`."""

    verb: Verb | None = Field(None, description="One of the card's `allowed`.")
    value: Any = Field(None, description="The edit, the words of `respond`, or any `answer`.")
    each: tuple[Any, ...] | None = Field(
        None, max_length=1000, description="Of several actions: one `{decision, …}` each, no verb."
    )
    reason: Reason = ""

    def intent(self) -> Intent:
        """
        As the services take it.

        Raises:
            InvalidInput: There is neither a verb nor one each, or both.
        """
        if (self.verb is None) is (self.each is None):
            problem = FieldProblem("verb", "give either `verb` or `each`")
            raise InvalidInput("It does not say what is decided.", problems=[problem])
        if (
            self.verb in {Verb.EDIT, Verb.ANSWER, Verb.RESPOND}
            and "value" not in self.model_fields_set
        ):
            problem = FieldProblem("value", f"is missing: {self.verb} takes one")
            raise InvalidInput("It does not say what is answered.", problems=[problem])
        return Intent(verb=self.verb, value=self.value, each=self.each, reason=self.reason)


class CardDecisionBody(DecisionBody):
    """A decision on one version of a card; or the word of somebody who has voted on it, said again."""

    version: Version = None
    agree_with: str | None = Field(
        None, max_length=300, description="Who has voted; neither `verb` nor `each` then."
    )

    def refuse_more(self) -> None:
        """
        See that nothing else is said.

        Raises:
            InvalidInput: It is.
        """
        if self.verb is not None or self.each is not None:
            problem = FieldProblem("agree_with", "give either this or `verb` or `each`")
            raise InvalidInput("It does not say what is decided.", problems=[problem])


class ExtendBody(Body):
    """How much longer a card may wait."""

    by: str = Field(max_length=10, description="So much: 90s, 15m, 1h, 1d; at most 30 days.")
    version: Version = None
    reason: Reason = ""

    def span(self) -> timedelta:
        """
        As the services take it.

        Raises:
            InvalidInput: It is none.
        """
        span = read_age(self.by)
        if span is None:
            problem = FieldProblem("by", "is no span such as 90s, 15m, 1h or 1d")
            raise InvalidInput("The request does not fit.", problems=[problem])
        return span


class RewindBody(Body):
    """How to go on from a checkpoint."""

    checkpoint_id: Id
    verb: RewindVerb = RewindVerb.RERUN
    set: dict[str, Any] = Field(default_factory=dict, description="`edit`: fields to replace.")
    append: dict[str, Any] = Field(default_factory=dict, description="`edit`: fields to add to.")
    as_node: str | None = Field(None, max_length=1000)
    approval_id: Id | None = Field(None, description="`redecide`: the card decided before.")
    decision: DecisionBody | None = Field(None, description="`redecide`: what is decided instead.")
    new_thread_id: Id | None = Field(None, description="`copy`: the id of the new thread.")
    expected_head: Id | None = Field(None, description="The head you saw; refused if it has moved.")
    dry_run: bool = Field(False, description="Only tell what would happen; nothing is written.")
    reason: Reason = Field("", description="Why; required unless it is a dry run.")
    wait_s: WaitS = 0.0

    def request(self) -> ForkRequest:
        """As the services take it."""
        edits = [FieldEdit(field=name, value=value) for name, value in self.set.items()]
        edits += [
            FieldEdit(field=name, value=value, mode=EditMode.APPEND)
            for name, value in self.append.items()
        ]
        return ForkRequest(
            verb=self.verb,
            checkpoint_id=CheckpointId(self.checkpoint_id),
            as_node=self.as_node,
            edits=tuple(edits),
            intent=None if self.decision is None else self.decision.intent(),
            approval_id=None if self.approval_id is None else ApprovalId(self.approval_id),
            new_thread_id=None if self.new_thread_id is None else ThreadId(self.new_thread_id),
        )


class OrderBody(Body):
    """What a breaker is told."""

    order: Order
    reason: Reason = ""


class ClearBody(Body):
    """What to clear; all that is given has to fit."""

    workflow: str | None = Field(None, max_length=1000)
    node: str | None = Field(None, max_length=1000)
    pattern: str | None = Field(None, max_length=1000)
    event: str | None = Field(None, max_length=1000)
    all: bool = False
    reason: Reason = ""
