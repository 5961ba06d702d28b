"""
A change to a thread that somebody thinks of: what may be done at a point, what would happen, what it takes.

Nothing here happens; names, titles and values are foreign and drawn inert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.errors import Conflict, FieldProblem, InvalidInput
from interlock.core.model.approvals import STANDING, ApprovalSummary
from interlock.core.model.branching import Tree
from interlock.core.model.history import EditMode, FieldEdit
from interlock.core.model.rewind_checks import Refusal, find_problems
from interlock.core.model.rewinding import (
    Intention,
    PastDecision,
    RewindVerb,
    Situation,
    writers_of,
)
from interlock.core.model.schemas import fields_of
from interlock.core.model.workflows import Workflow
from interlock.core.types import CheckpointId, Json, ThreadId
from interlock.dashboard.views import forms
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.fields import from_args
from interlock.dashboard.views.formatting import format_ago
from interlock.dashboard.views.forms import ABSENT, FormField, with_start
from interlock.dashboard.views.history import say_decision
from interlock.dashboard.views.points import say_trouble

if TYPE_CHECKING:
    from interlock.core.services.history import History
    from interlock.core.services.staging import Staged

WHOLE = "values"  # where problems with an edit as a whole are placed
NOTHING_DONE = "Nothing was done: read what would happen now, then apply it or discard it."
LOOK_AGAIN = "Some fields need a look; nothing was done."

_VERBS: Mapping[RewindVerb, tuple[str, str]] = {
    RewindVerb.RERUN: ("Run again from here", ":material/replay:"),
    RewindVerb.EDIT: ("Edit state and fork", ":material/edit:"),
    RewindVerb.REDECIDE: ("Change this decision", ":material/how_to_reg:"),
    RewindVerb.SKIP: ("Skip the node", ":material/skip_next:"),
    RewindVerb.STOP: ("Stop the thread", ":material/stop:"),
    RewindVerb.GO_BACK: ("Go back to the other branch", ":material/undo:"),
    RewindVerb.COPY: ("Copy to a new thread", ":material/content_copy:"),
}
_EFFECTS = {True: "yes", False: "no", None: "nobody has said"}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A verb at a point; `why_not` is empty where it can be done."""

    verb: RewindVerb
    label: str
    icon: str
    why_not: str


@dataclass(frozen=True, kw_only=True)
class NodeRow:
    """A node that runs again for certain, or that ran after the point the last time."""

    node: str
    times: str
    is_certain: str
    effects: str


@dataclass(frozen=True, kw_only=True)
class PreviewView:
    """What would happen: why it cannot, what is certain, what is to be known first, what becomes of the rest."""

    problems: tuple[str, ...]
    certain: str
    nodes: tuple[NodeRow, ...]
    warnings: tuple[str, ...]
    consequences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EditForm:
    """
    The fields of a state that may be edited, each as it is replaced and as it is appended to.

    Without any, all of it is written as one JSON object.
    """

    replacing: tuple[FormField, ...]
    appending: tuple[FormField, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields that can be chosen."""
        return tuple(field.path for field in self.replacing)

    def fields_in(self, modes: Mapping[str, EditMode]) -> tuple[FormField, ...]:
        """The chosen fields, in the order of the state, each in its mode."""
        found = zip(self.replacing, self.appending, strict=True)
        return tuple(
            other if modes[field.path] is EditMode.APPEND else field
            for field, other in found
            if field.path in modes
        )


def label_of(verb: RewindVerb) -> str:
    """A verb as its button says it."""
    return _VERBS[verb][0]


def offer(
    found: History,
    tree: Tree,
    at: CheckpointId,
    decisions: Mapping[CheckpointId, Sequence[PastDecision]],
) -> tuple[Offer, ...]:
    """
    Say what may be done at a point, whatever else stands against it at the moment.

    Args:
        found: The thread.
        tree: Its tree, as far as it is known here.
        at: The point.
        decisions: By the point they were asked at.
    """
    situation = Situation(
        thread_id=ThreadId(found.thread.thread_id),
        tree=tree,
        decisions=[each for taken in decisions.values() for each in taken],
        side_effects={},
        nodes=found.workflow.nodes if found.workflow is not None else (),
    )
    # What is not among the points that are drawn may still be there, if those are not all.
    final = {Refusal.NOT_HERE, *([Refusal.POINT_UNKNOWN] if found.is_whole else [])}
    offers = []
    for verb, (label, icon) in _VERBS.items():
        problems = find_problems(situation, Intention(verb=verb, checkpoint_id=at))
        why_not = next((p.message for p in problems if p.refusal in final), "")
        if verb is not RewindVerb.COPY:  # its values can be copied whatever its graph
            why_not = say_trouble(found.thread) or why_not
        offers.append(Offer(verb=verb, label=label, icon=icon, why_not=show_hidden(why_not)))
    return tuple(offers)


def build_preview(staged: Staged) -> PreviewView:
    """Put what is known beforehand together."""
    certain = set(staged.preview.certain or ())
    return PreviewView(
        problems=tuple(show_hidden(problem.message) for problem in staged.problems),
        certain=show_hidden(staged.certain),
        nodes=tuple(
            NodeRow(
                node=show_hidden(row["node"]),
                times=str(row["times"]),
                is_certain="for certain" if row["node"] in certain else "as it was last time",
                effects=_EFFECTS[row["side_effects"]],
            )
            for row in staged.preview.will_rerun
        ),
        warnings=tuple(map(show_hidden, staged.warnings)),
        consequences=tuple(map(show_hidden, staged.consequences)),
    )


def list_nodes(
    verb: RewindVerb, tree: Tree, at: CheckpointId, workflow: Workflow | None
) -> tuple[str, ...]:
    """The nodes that an edit may count as, those that ran last first, or that may be skipped; empty else."""
    point = tree.entries.get(at)
    if point is None or verb not in (RewindVerb.EDIT, RewindVerb.SKIP):
        return ()
    if verb is RewindVerb.SKIP:
        return tuple(dict.fromkeys(point.next))
    nodes = workflow.nodes if workflow is not None else ()
    at_root = [node for node in nodes if "/" not in node]
    return tuple(dict.fromkeys([*writers_of(tree, point), *at_root]))


def list_cards(cards: Sequence[ApprovalSummary], taken: Sequence[PastDecision]) -> dict[str, str]:
    """The questions of a point whose decision can be changed, by id: title and what was decided."""
    standing = {card.approval_id for card in cards if card.kind in STANDING}
    return {
        each.approval_id: f"{show_hidden(each.title)} ({say_decision(each)})"
        for each in taken
        if each.approval_id not in standing
    }


def build_edit(workflow: Workflow | None, values: Json) -> EditForm:
    """
    Make the form of a state.

    Args:
        workflow: Whose schema describes the fields; what it does not is guessed from its value.
        values: The state at the point, which fields that are replaced start with.
    """
    schema = workflow.state_schema if workflow is not None else None
    described = tuple(field for field in fields_of(schema) if field.name)
    known = values if isinstance(values, Mapping) else {}
    replacing = from_args(described, known)
    return EditForm(
        replacing=replacing, appending=tuple(with_start(field, ABSENT) for field in replacing)
    )


def read_edits(
    form: EditForm, modes: Mapping[str, EditMode], drafts: Mapping[str, object], text: str
) -> tuple[FieldEdit, ...]:
    """
    Read what was filled in.

    Args:
        form: The form.
        modes: The chosen fields with how each is changed.
        drafts: What the widgets hold, by path.
        text: The JSON object, where there are no fields.

    Raises:
        InvalidInput: Something is missing or unreadable.
    """
    if not form.replacing:
        return _read_text(text)
    if not modes:
        raise InvalidInput(
            LOOK_AGAIN, problems=[FieldProblem(WHOLE, "choose the fields to change")]
        )
    edits: list[FieldEdit] = []
    problems: list[FieldProblem] = []
    for field in form.fields_in(modes):
        value, found = forms.read(field, drafts)
        problems += found
        if value is ABSENT and not found:
            problems.append(FieldProblem(field.place, forms.NEEDED))
        edits.append(FieldEdit(field=field.name, value=value, mode=modes[field.path]))
    if problems:
        raise InvalidInput(LOOK_AGAIN, problems=problems)
    return tuple(edits)


def _read_text(text: str) -> tuple[FieldEdit, ...]:
    try:
        values = forms.parse_json(text)
    except ValueError as exc:
        raise InvalidInput(LOOK_AGAIN, problems=[FieldProblem(WHOLE, str(exc))]) from exc
    if not isinstance(values, Mapping) or not values:
        problem = FieldProblem(WHOLE, "must be an object of fields and their values")
        raise InvalidInput(LOOK_AGAIN, problems=[problem])
    return tuple(FieldEdit(field=name, value=value) for name, value in values.items())


def say_done(verb: RewindVerb, thread_id: str) -> str:
    """What is said once a change is applied."""
    if verb is RewindVerb.COPY:
        return f"Copying to thread {show_hidden(thread_id)}."
    return f"{label_of(verb)}: applied. The fork comes into the tree as the worker makes it."


def say_conflict(conflict: Conflict, now: datetime) -> str:
    """Who was first, with what and when, and that nothing was done."""
    winner: Mapping[str, Json] = conflict.winner or {}
    actor, at = winner.get("actor"), winner.get("created_at")
    if not actor or not at:
        return show_hidden(f"{conflict} {NOTHING_DONE}")
    what = f"a {winner.get('kind')} run"
    if winner.get("verb") in set(RewindVerb):
        what = label_of(RewindVerb(str(winner["verb"])))
    reason = f" ({winner['reason']})" if winner.get("reason") else ""
    ago = format_ago(datetime.fromisoformat(str(at)), now)
    told = f"The last to move it was {actor} {ago}: {what}{reason}."
    return show_hidden(f"{conflict.message} {told} {NOTHING_DONE}")
