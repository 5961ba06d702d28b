"""Commands that go on from an earlier point of a thread, another way, or in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from interlock.core.cli import acting, printing, values
from interlock.core.cli.acting import AsOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.cli.reading import ThreadIdArgument
from interlock.core.errors import NotFound, UsageError
from interlock.core.model.approvals import Intent
from interlock.core.model.history import EditMode, FieldEdit
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import Run, RunStatus
from interlock.core.services import figure_documents, history, observing, rewinding
from interlock.core.services.context import App
from interlock.core.services.rewinding import ForkRequest, Staged
from interlock.core.types import ApprovalId, CheckpointId, Json, ThreadId

ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; required, and kept with it.")
]
WaitOption = Annotated[
    float | None,
    typer.Option("--wait", min=0, metavar="SECONDS", help="Until it ends or needs a human."),
]


def rewind(
    call: Call,
    thread_id: ThreadIdArgument,
    checkpoint_id: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="Where to go on, as `history` prints it.")
    ],
    set_: Annotated[
        str | None,
        typer.Option(
            "--set", metavar="JSON|@FILE|-", help="Edit: fields with what takes their place."
        ),
    ] = None,
    append: Annotated[
        str | None,
        typer.Option(
            "--append", metavar="JSON|@FILE|-", help="Edit: fields with what is added to them."
        ),
    ] = None,
    as_node: Annotated[
        str | None,
        typer.Option("--as-node", metavar="NODE", help="The edit counts as this node's result."),
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out the node that is due.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the thread there.")] = False,
    go_back: Annotated[
        bool, typer.Option("--go-back", help="Go back to the end of a branch that was left.")
    ] = False,
    redecide: Annotated[
        str | None,
        typer.Option(
            "--redecide",
            metavar="APPROVAL_ID",
            help="Change this decision; it takes one of the answers below.",
        ),
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Decide anew: yes.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Decide anew: no.")] = False,
    edit: Annotated[
        str | None,
        typer.Option("--edit", metavar="JSON|@FILE|-", help="Decide anew: yes, with this instead."),
    ] = None,
    respond: Annotated[
        str | None, typer.Option("--respond", metavar="TEXT", help="Decide anew, in words.")
    ] = None,
    answer: Annotated[
        str | None,
        typer.Option("--answer", metavar="JSON|@FILE|-", help="Decide anew, with any JSON."),
    ] = None,
    each: Annotated[
        str | None,
        typer.Option(
            "--each", metavar="JSON|@FILE|-", help="Decide anew, a {decision, ...} an action."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would happen; nothing is written.")
    ] = False,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="ID", help="The head you saw; refused if it has moved."),
    ] = None,
    reason: ReasonOption = "",
    wait: WaitOption = None,
    who: AsOption = None,
) -> int:
    """
    Go on from an earlier checkpoint: as it was, or with the state edited or a decision changed.

    Nothing is rewritten: a branch is made, and the one that is left stays. --dry-run tells before.
    """
    answers = {
        "--approve": approve,
        "--reject": reject,
        "--edit": edit is not None,
        "--respond": respond is not None,
        "--answer": answer is not None,
        "--each": each is not None,
    }
    verb = _choose(
        {
            RewindVerb.SKIP: skip,
            RewindVerb.STOP: stop,
            RewindVerb.GO_BACK: go_back,
            RewindVerb.REDECIDE: redecide is not None,
            RewindVerb.EDIT: set_ is not None or append is not None,
        }
    )
    chosen = [option for option, is_given in answers.items() if is_given]
    if (redecide is None and chosen) or (redecide is not None and len(chosen) != 1):
        raise UsageError(
            f"--redecide takes exactly one of {', '.join(answers)}, nothing else does."
        )
    intent: Intent | None = None
    if chosen:
        intent = acting.read_intent(chosen[0], edit or answer or each, text=respond, reason=reason)
    request = ForkRequest(
        verb=verb,
        checkpoint_id=CheckpointId(checkpoint_id),
        as_node=as_node,
        edits=(
            *_edits("--set", set_, EditMode.REPLACE),
            *_edits("--append", append, EditMode.APPEND),
        ),
        intent=intent,
        approval_id=ApprovalId(redecide) if redecide is not None else None,
    )
    app = call.open()
    staged = rewinding.preview(app, thread_id, request, expected_head=head)
    if dry_run:
        if staged.problems:
            raise staged.problems[0].as_error()
        _print(call, staged, thread_id, None)
        return 0
    run = rewinding.apply(
        app,
        thread_id,
        request,
        expected_head=head or staged.head_id,
        actor=actor_of(app, who),
        reason=reason,
    )
    acting.say_without_worker(app)
    last = _follow(app, run, wait)
    _print(call, staged, thread_id, last, run_id=run.run_id)
    return 1 if last.status is RunStatus.FAILED else 0


def copy(
    call: Call,
    thread_id: ThreadIdArgument,
    checkpoint_id: Annotated[
        str | None,
        typer.Argument(metavar="[CHECKPOINT]", help="As `history` prints it; its head without."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="ID", help="The id of the new thread.")
    ] = None,
    reason: ReasonOption = "",
    wait: WaitOption = None,
    who: AsOption = None,
) -> int:
    """Make a thread that stands where another one stood. Nothing runs in it until you say so."""
    app = call.open()
    at = checkpoint_id or history.open_history(app, thread_id, limit=1).head_id
    if at is None:
        raise NotFound("checkpoint of thread", thread_id, hint="It has not begun.")
    request = ForkRequest(
        verb=RewindVerb.COPY,
        checkpoint_id=CheckpointId(at),
        new_thread_id=ThreadId(to) if to is not None else None,
    )
    run = rewinding.apply(app, thread_id, request, actor=actor_of(app, who), reason=reason)
    acting.say_without_worker(app)
    last = _follow(app, run, wait)
    document: dict[str, Json] = {
        "thread_id": run.thread_id,
        "run_id": run.run_id,
        "from_thread_id": thread_id,
        "checkpoint_id": at,
        "status": str(last.status),
    }
    if call.as_json:
        printing.print_json(document)
    else:
        printing.print_fields(document)
    return 1 if last.status is RunStatus.FAILED else 0


def _print(
    call: Call, staged: Staged, thread_id: str, last: Run | None, *, run_id: str | None = None
) -> None:
    if call.as_json:
        printing.print_json(figure_documents.of_rewind(staged, thread_id, last, run_id))
        return
    for sentence in (staged.certain, *staged.consequences):
        printing.print_text(sentence)
    for sentence in staged.warnings:
        printing.say(sentence)
    if last is None:
        printing.say("Nothing has happened yet.")
    else:
        printing.print_fields({"run_id": run_id, "status": str(last.status)})


def _choose(given: dict[RewindVerb, bool]) -> RewindVerb:
    chosen = [verb for verb, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise UsageError(
            "Give at most one of --set with --append, --skip, --stop, --go-back and --redecide."
        )
    return chosen[0] if chosen else RewindVerb.RERUN


def _edits(option: str, given: str | None, mode: EditMode) -> Sequence[FieldEdit]:
    if given is None:
        return ()
    fields = values.read_json(option, given)
    if not isinstance(fields, dict):
        raise UsageError(f"{option} takes a JSON object, a field with its value each.")
    return [FieldEdit(field=name, value=value, mode=mode) for name, value in fields.items()]


def _follow(app: App, run: Run, wait: float | None) -> Run:
    """Wait for a run, and for those that went on from it at once with an answer that was planned."""
    if wait is None:
        return run
    until = time.monotonic() + wait
    ended = observing.wait_for_run(app, run.run_id, timeout_s=wait)
    while ended.status is RunStatus.CONTINUED:
        later = observing.list_runs(app, thread_id=run.thread_id, limit=1)[0]
        if later.run_id == ended.run_id:
            break
        left = max(0.0, until - time.monotonic())
        ended = observing.wait_for_run(app, later.run_id, timeout_s=left)
    return ended
