"""Commands that change something: launch, decide, cancel, retry. They ask nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from interlock.core.cli import batches, groups, printing, reading, values
from interlock.core.cli.call import Call, actor_of
from interlock.core.cli.groups import ErrorOption, OptionalRunIdArgument
from interlock.core.cli.reading import WorkflowOption
from interlock.core.errors import NotFound, NoWorker, UsageError
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.run_lists import RunFilter
from interlock.core.model.runs import OPEN, Run, RunStatus
from interlock.core.services import deciding, documents, launching, observing, running
from interlock.core.services.context import App

AsOption = Annotated[
    str | None, typer.Option("--as", metavar="WHO", help="Record it under this name.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Kept with it.")]
_UNSUCCESSFUL = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})


def launch(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `workflows` prints it.")],
    input_: Annotated[
        str | None,
        typer.Option("--input", metavar="JSON|@FILE|-", help="The workflow's input; {} without."),
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", metavar="JSON|@FILE|-", help="Its run context.")
    ] = None,
    thread: Annotated[
        str | None, typer.Option("--thread", metavar="ID", help="Go on with this thread.")
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option("--wait", min=0, metavar="SECONDS", help="Until it ends or needs a human."),
    ] = None,
    break_before: Annotated[
        list[str] | None,
        typer.Option("--break-before", metavar="NODE", help="Hold before this node; repeatable."),
    ] = None,
    break_after: Annotated[
        list[str] | None,
        typer.Option("--break-after", metavar="NODE", help="Hold after this node; repeatable."),
    ] = None,
    recursion_limit: Annotated[
        int | None,
        typer.Option("--recursion-limit", metavar="N", help="Supersteps the run may take."),
    ] = None,
    priority: Annotated[
        int, typer.Option("--priority", metavar="N", help="Higher ones start first.")
    ] = 0,
    variant: Annotated[
        str,
        typer.Option(
            "--variant", metavar="NAME", help="Its variant; of `a 90, b 10` one is drawn."
        ),
    ] = "",
    ask_on_failure: Annotated[
        bool,
        typer.Option("--ask-on-failure", help="When it fails, ask a human what to do about it."),
    ] = False,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="FILE|-", help="One run a row of CSV or JSON lines."),
    ] = None,
    good_only: Annotated[
        bool, typer.Option("--good-only", help="Of a batch, leave out the rows that do not fit.")
    ] = False,
    batch_id: Annotated[
        str | None,
        typer.Option("--batch-id", metavar="ID", help="Given again, launches nothing twice."),
    ] = None,
    who: AsOption = None,
) -> int:
    """Start a workflow. With --wait: 1 when the run failed or was cancelled, else 0."""
    if [input_, context, batch].count("-") > 1:
        raise UsageError("Only one of --input, --context and --batch can be read from stdin.")
    if batch is None and (good_only or batch_id is not None):
        raise UsageError("--good-only and --batch-id belong to --batch.")
    if batch is not None and (input_ is not None or thread is not None):
        raise UsageError("With --batch there is neither --input nor --thread.")
    request = launching.Launch(
        workflow=name,
        input=None if batch is not None else values.read_json("--input", input_ or "{}"),
        context=None if context is None else values.read_json("--context", context),
        thread_id=thread,
        break_before=tuple(break_before or ()),
        asks_on_failure=ask_on_failure,
        break_after=tuple(break_after or ()),
        recursion_limit=recursion_limit,
        priority=priority,
        variant=variant,
    )
    app = call.open()
    if batch is not None:
        wanted = batches.Wanted(
            path=batch, request=request, only_good=good_only, batch_id=batch_id, wait_s=wait
        )
        return batches.launch(call, app, wanted, actor=actor_of(app, who))
    run = _launch(app, request, actor=actor_of(app, who))
    say_without_worker(app)
    if wait is not None:
        run = observing.wait_for_run(app, run.run_id, timeout_s=wait)
    _print_launch(call, app, run)
    return 1 if wait is not None and run.status in _UNSUCCESSFUL else 0


def decide(
    call: Call,
    approval_id: Annotated[
        str, typer.Argument(metavar="APPROVAL_ID", help="As `inbox` prints it.")
    ],
    approve: Annotated[
        bool, typer.Option("--approve", help="Yes; a breakpoint goes on, a failed node runs again.")
    ] = False,
    reject: Annotated[bool, typer.Option("--reject", help="No.")] = False,
    revise: Annotated[
        bool, typer.Option("--revise", help="Not so: --reason says what is to be revised.")
    ] = False,
    edit: Annotated[
        str | None,
        typer.Option("--edit", metavar="JSON|@FILE|-", help="Yes, with this put in its place."),
    ] = None,
    respond: Annotated[
        str | None, typer.Option("--respond", metavar="TEXT", help="Answer in words.")
    ] = None,
    answer: Annotated[
        str | None, typer.Option("--answer", metavar="JSON|@FILE|-", help="Answer with any JSON.")
    ] = None,
    fallback: Annotated[
        bool, typer.Option("--fallback", help="Use what serves in a failed node's place.")
    ] = False,
    skip: Annotated[bool, typer.Option("--skip", help="Go on without the node.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the run here.")] = False,
    each: Annotated[
        str | None,
        typer.Option(
            "--each", metavar="JSON|@FILE|-", help="A list of {decision, ...}, one an action."
        ),
    ] = None,
    agree_with: Annotated[
        str | None,
        typer.Option("--agree-with", metavar="NAME", help="The same as NAME has voted."),
    ] = None,
    reason: ReasonOption = "",
    version: Annotated[
        int | None,
        typer.Option(
            "--version",
            metavar="V",
            min=1,
            help="The version you saw; refused if it is another now.",
        ),
    ] = None,
    who: AsOption = None,
) -> None:
    """Decide a card. The first decision wins; a later one exits with 3 and prints the winner."""
    given = {
        "--approve": approve,
        "--reject": reject,
        "--revise": revise,
        "--edit": edit is not None,
        "--respond": respond is not None,
        "--answer": answer is not None,
        "--fallback": fallback,
        "--skip": skip,
        "--stop": stop,
        "--each": each is not None,
        "--agree-with": agree_with is not None,
    }
    chosen = [option for option, is_given in given.items() if is_given]
    if len(chosen) != 1:
        what = " and ".join(chosen) or "none"
        raise UsageError(f"Give exactly one of {', '.join(given)}; given: {what}.")
    [option] = chosen
    app = call.open()
    seen: dict[str, Any] = {"version": version, "actor": actor_of(app, who)}
    if agree_with is not None:
        decided = deciding.agree(app, approval_id, with_=agree_with, reason=reason, **seen)
    else:
        intent = read_intent(option, edit or answer or each, text=respond, reason=reason)
        decided = deciding.decide(app, approval_id, intent, **seen)
    if decided.run_id is not None:
        say_without_worker(app)
    document = documents.of_decided(decided)
    if call.as_json:
        printing.print_json(document)
    else:
        printing.print_fields(document)


def cancel(
    call: Call,
    run_id: OptionalRunIdArgument = None,
    error: ErrorOption = None,
    workflow: WorkflowOption = None,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> int:
    """Cancel a run, or with --error all that failed so. A running one stops as soon as its worker sees it."""
    both = (running.cancel, running.cancel_many)
    return _act(call, both, groups.choose(run_id, error, workflow), reason=reason, who=who)


def retry(
    call: Call,
    run_id: OptionalRunIdArgument = None,
    error: ErrorOption = None,
    workflow: WorkflowOption = None,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> int:
    """Go on where a failed or cancelled run stopped, or with --error all that failed so."""
    both = (running.retry, running.retry_many)
    return _act(call, both, groups.choose(run_id, error, workflow), reason=reason, who=who)


def ask(call: Call, run_id: reading.RunIdArgument, who: AsOption = None) -> None:
    """Put a failed run into the inbox, for a human to decide. Prints the card."""
    app = call.open()
    card = running.ask(app, run_id, actor=actor_of(app, who))
    if call.as_json:
        printing.print_json(documents.of_approval(card))
    else:
        reading.print_inbox([card])


def _act(
    call: Call,
    acts: tuple[Callable[..., Run], groups.Act],
    on: str | RunFilter,
    *,
    reason: str,
    who: str | None,
) -> int:
    """Act upon one run, or upon all that are meant, by the act for one or that for many."""
    app = call.open()
    actor = actor_of(app, who)
    if isinstance(on, RunFilter):
        return groups.act_on(call, acts[1], on, actor=actor, reason=reason)
    run = acts[0](app, on, actor=actor, reason=reason)
    if run.status is RunStatus.QUEUED:
        say_without_worker(app)
    _print_run(call, run)
    return 0


def _launch(app: App, request: launching.Launch, *, actor: str) -> Run:
    try:
        return launching.launch(app, request, actor=actor)
    except NotFound:
        if observing.list_workflows(app):
            raise
        raise NoWorker(
            "No worker has published any workflow yet.",
            hint="Start one with `interlock up`, then launch again.",
        ) from None


def say_without_worker(app: App) -> None:
    if not observing.list_workers(app):
        printing.say("No worker is running: the run waits for one. `interlock up` starts one.")


def read_intent(option: str, given: str | None, *, text: str | None, reason: str) -> Intent:
    """What the operator wants; `given` is the JSON of --edit, --answer or --each."""
    if option == "--respond":
        return Intent(verb=Verb.RESPOND, value=text, reason=reason)
    if option not in {"--edit", "--answer", "--each"}:
        return Intent(verb=Verb(option.removeprefix("--")), reason=reason)
    value = values.read_json(option, given or "")
    if option != "--each":
        return Intent(verb=Verb(option.removeprefix("--")), value=value, reason=reason)
    if not isinstance(value, list):
        raise UsageError("--each takes a JSON list, one decision an action.")
    return Intent(verb=None, each=tuple(value), reason=reason)


def _print_launch(call: Call, app: App, run: Run) -> None:
    is_held = run.status not in OPEN
    cards = observing.list_inbox(app, thread_id=run.thread_id, limit=1000) if is_held else ()
    if call.as_json:
        printing.print_json(documents.of_launch(run, list(cards)))
        return
    reading.print_run(run)
    if cards:
        printing.print_text("")
        reading.print_inbox(list(cards))


def _print_run(call: Call, run: Run) -> None:
    if call.as_json:
        printing.print_json(documents.of_run(run))
    else:
        reading.print_run(run)
