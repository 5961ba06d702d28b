"""
The edge of the command line: errors become one line and an exit code, never a traceback.

An error nobody expected gets a reference id; its traceback goes to the log of the data folder.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import typer
from typer.exceptions import TyperException

from interlock.core import masking, private
from interlock.core.cli import printing
from interlock.core.errors import InterlockError, InvalidInput
from interlock.core.types import new_id

EXIT_INTERRUPTED = 130


class Command(Protocol):
    """What typer builds: parses the arguments, then calls the function."""

    def main(self, *, args: list[str], prog_name: str, standalone_mode: bool) -> Any:
        """Run; without standalone mode errors are raised and results returned."""


class Caller(Protocol):
    """What the edge needs to know of a call."""

    @property
    def as_json(self) -> bool:
        """Whether stdout holds one JSON document, errors included."""

    @property
    def data_dir(self) -> Path:
        """Where the log is."""


def carry_out(command: Command, args: list[str]) -> int:
    """Parse and run; what goes wrong before a command has started is a usage error."""
    try:
        result = command.main(args=args, prog_name="interlock", standalone_mode=False)
    except TyperException as exc:
        show = getattr(exc, "show", None)
        if show is None:
            printing.say(str(exc))
        else:
            show()
        return exc.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    return result if isinstance(result, int) else 0


def guard(call: Caller, name: str, function: Callable[[], int | None]) -> int:
    """Run a command's function; tell its errors and give back the exit code."""
    try:
        code = function() or 0
        sys.stdout.flush()
    except InterlockError as exc:
        return tell(call, exc)
    except (TyperException, typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; the interpreter must not fail once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as exc:  # noqa: BLE001 - the last edge: no traceback reaches the operator
        return _tell_unexpected(call, name, exc)
    return code


def tell(call: Caller, error: InterlockError) -> int:
    if call.as_json:
        printing.print_json(error.as_document())
    if isinstance(error, InvalidInput) and error.problems:
        printing.say(error.message)
        for problem in error.problems:
            printing.say(f"  {problem}")
        if error.hint:
            printing.say(error.hint)
    else:
        printing.say(str(error))
    return error.exit_code


def _tell_unexpected(call: Caller, name: str, error: Exception) -> int:
    reference = new_id()[-12:]
    where = _keep_trace(call.data_dir / "logs" / "cli.log", reference, name, error)
    message = f"Unexpected {type(error).__name__} in `interlock {name}`, reference {reference}."
    if call.as_json:
        printing.print_json({"error": message, "reference": reference})
    printing.say(f"{message} {where}")
    return 1


def _keep_trace(path: Path, reference: str, name: str, error: Exception) -> str:
    trace = masking.mask_text("".join(traceback.format_exception(error)))
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        private.make_folder(path.parent)
        with open(path, "a", encoding="utf-8", opener=private.open_file) as file:
            file.write(f"{stamp} {reference} interlock {name}\n{trace}\n")
    except OSError as exc:
        return f"The details could not be written to {path} ({exc.strerror})."
    return f"The details are in {path}."
