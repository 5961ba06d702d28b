"""Commands about the keys that encrypt what is kept: new, status, rotate, encrypt-value."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from interlock.core import ciphers
from interlock.core.cli import printing
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import InvalidInput, UsageError
from interlock.core.services import rotating
from interlock.core.store.sealing import PLAIN

EXIT_LEFT = 1  # something could not be read


def new(call: Call) -> None:
    """Make a key and print it. Nothing is kept of it: lose it, and what it encrypts is lost."""
    key = ciphers.make_key()
    if call.as_json:
        printing.print_json({"key": key, "fingerprint": ciphers.fingerprint(key)})
    else:
        printing.print_text(key)


def status(call: Call) -> int:
    """Count what is kept by the key that it is encrypted with; it reads all of it."""
    found = rotating.status(call.open(without_keys=True))
    if call.as_json:
        printing.print_json(
            {
                "keys": list(found.given),
                "newest": found.given[0] if found.given else None,
                "missing": list(found.missing),
                "idle": list(found.idle),
                "values": dict(found.totals),
                "tables": {name: dict(counts) for name, counts in found.tables.items() if counts},
            }
        )
    else:
        _print(found)
    return EXIT_LEFT if found.missing else 0


def _print(found: rotating.KeyStatus) -> None:
    names = [*found.given, *found.missing, PLAIN]
    printing.print_table(
        ["table", *names],
        [
            (table, *(counts[name] for name in names))
            for table, counts in sorted(found.tables.items())
            if counts.total()
        ],
        empty="Nothing is kept yet.",
        whole=["table", *names],
    )
    for key in found.missing:
        printing.say(f"The key {key} is not given: what it encrypts cannot be read.")
    stale = found.totals.total() - found.totals[found.given[0]] if found.given else 0
    if found.given and stale:
        printing.say("`interlock keys rotate` encrypts all of it with the newest key.")
    for key in found.idle:
        printing.say(f"Nothing is encrypted with {key} any more: it may be taken out.")


def rotate(call: Call, reason: ReasonOption = "", who: AsOption = None) -> int:
    """
    Encrypt all that is kept with the newest key, what was kept plain, too.

    Workers may run meanwhile, if they have the key. Stopped halfway, run it again.
    """
    app = call.open(without_keys=True)
    shown: dict[str, int] = {}

    def say(name: str, count: int) -> None:
        if count - shown.get(name, 0) >= 1000:  # no line for each batch
            shown[name] = count
            printing.say(f"{name}: {count}")

    done = rotating.rotate(app, actor=actor_of(app, who), reason=reason, say=say)
    if call.as_json:
        printing.print_json(done.as_json())
    else:
        rows = sorted(done.changed.items())
        printing.print_table(["table", "encrypted anew"], rows, empty="All was encrypted with it.")
        printing.print_text(f"The key is {done.key}.")
    for key, count in sorted(done.unread.items()):
        printing.say(f"{count} values of the key {key} could not be read and stay as they are.")
    return EXIT_LEFT if done.unread else 0


def encrypt_value(
    call: Call,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="The variable that it is for: STRIPE_API_KEY.")
    ] = "",
) -> None:
    """
    Encrypt a secret for the environment of the workers. It is read from standard input, or asked for.

    With a name, the line is printed that sets its variable: NAME_ENCRYPTED=...
    """
    settings = call.settings()
    keys = [key.get_secret_value() for key in settings.encryption_keys]
    cipher = ciphers.open_cipher(keys, settings.encryption_keys_file)
    if cipher is None:
        raise InvalidInput(
            "There are no keys to encrypt with.", hint=f"Set {ciphers.KEYS}, or its file."
        )
    if sys.stdin.isatty():
        value = typer.prompt("The secret", hide_input=True, err=True)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise UsageError("Nothing was given on standard input.")
    sealed = cipher.seal(value.encode())
    if call.as_json:
        printing.print_json({"variable": f"{name}_ENCRYPTED" if name else None, "value": sealed})
    else:
        printing.print_text(f"{name}_ENCRYPTED={sealed}" if name else sealed)
