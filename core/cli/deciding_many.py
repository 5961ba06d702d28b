"""Deciding many cards by one word from the command line: by their ids, or as a file names them."""

from __future__ import annotations

import csv
import io
import json
from typing import Annotated

import typer

from interlock.core.cli import printing, values
from interlock.core.cli.acting import AsOption, ReasonOption, say_without_worker
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.model import json_texts
from interlock.core.model.approvals import Verb
from interlock.core.model.bulk import Pick
from interlock.core.services import bulk_deciding, card_documents
from interlock.core.types import ApprovalId, Json

MAX_BYTES = 20_000_000  # what `inbox --json` prints holds what the cards ask


def decide_many(
    call: Call,
    approval_ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[APPROVAL_ID[@VERSION]...]", help="As `inbox` prints them.", show_default=False
        ),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE|-",
            help="The cards as `inbox --json` prints them, as JSON lines, as CSV, or an id a line.",
        ),
    ] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Yes; a breakpoint goes on, a failed node runs again.")
    ] = False,
    reject: Annotated[bool, typer.Option("--reject", help="No.")] = False,
    revise: Annotated[
        bool, typer.Option("--revise", help="Not yet: revise it as --reason says.")
    ] = False,
    fallback: Annotated[
        bool, typer.Option("--fallback", help="Use what serves in failed nodes' places.")
    ] = False,
    skip: Annotated[bool, typer.Option("--skip", help="Go on without the nodes.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the runs here.")] = False,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> int:
    """Decide many cards by one word and say what came of each; 1 if one was refused."""
    given = {
        Verb.APPROVE: approve,
        Verb.REJECT: reject,
        Verb.REVISE: revise,
        Verb.FALLBACK: fallback,
        Verb.SKIP: skip,
        Verb.STOP: stop,
    }
    chosen = [verb for verb, is_given in given.items() if is_given]
    if len(chosen) != 1:
        raise UsageError(f"Give exactly one of {', '.join(f'--{verb}' for verb in given)}.")
    picks = [_read_id(text) for text in approval_ids or ()]
    if from_ is not None:
        picks += read_picks(values.read_bytes("--from", from_, max_bytes=MAX_BYTES))
    if not picks:
        raise UsageError("Name the cards, or a file of them with --from.")
    app = call.open()
    told = bulk_deciding.decide_many(app, picks, chosen[0], reason=reason, actor=actor_of(app, who))
    say_without_worker(app)
    if call.as_json:
        printing.print_json(card_documents.of_bulk(told))
    else:
        printing.print_table(
            ["approval_id", "outcome", "status", "run_id", "asks", "why"],
            [(t.pick.approval_id, t.outcome, t.status, t.run_id, t.title, t.refusal) for t in told],
            empty="",
            whole=["approval_id", "run_id"],
        )
    return 0 if all(each.is_done for each in told) else 1


def read_picks(data: bytes) -> list[Pick]:
    """
    The cards that a file names: a JSON list or lines, CSV with a column `approval_id`, or ids.

    Raises:
        UsageError: It is too large, or none of these.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"--from: the file is larger than {MAX_BYTES} bytes.")
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise UsageError("--from: the file is not UTF-8 text.") from None
    if text[:1] in ("[", "{"):
        return [_read_document(each) for each in _read_json(text)]
    lines = text.splitlines()
    if lines and "approval_id" in [cell.strip() for cell in lines[0].split(",")]:
        return [_read_document(row) for row in csv.DictReader(io.StringIO(text))]
    return [_read_id(line.strip()) for line in lines if line.strip()]


def _read_json(text: str) -> list[Json]:
    try:
        if text.startswith("["):
            found = json_texts.loads(text)
            return found if isinstance(found, list) else [found]
        return [json_texts.loads(line) for line in text.splitlines() if line.strip()]
    except (json.JSONDecodeError, RecursionError, ValueError) as exc:
        raise UsageError(f"--from: the file is neither JSON nor JSON lines: {exc}.") from None


def _read_document(found: Json) -> Pick:
    approval_id = found.get("approval_id") if isinstance(found, dict) else None
    if not isinstance(approval_id, str) or not approval_id.strip():
        raise UsageError("--from: every card needs an `approval_id`, as `inbox --json` prints it.")
    version = found.get("version")
    told = f"@{version}" if version not in (None, "") else ""
    return _read_id(f"{approval_id.strip()}{told}")


def _read_id(text: str) -> Pick:
    approval_id, mark, version = text.rpartition("@")
    if not mark:
        return Pick(ApprovalId(text))
    if not approval_id or not (version.isascii() and version.isdigit() and len(version) < 10):
        raise UsageError(f"{printing.printable(text[:100])} is not APPROVAL_ID or ID@VERSION.")
    return Pick(ApprovalId(approval_id), int(version))
