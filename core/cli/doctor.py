"""`interlock doctor`: every setting with its source, and what is wrong with this installation."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from interlock.core import extras, parent
from interlock.core.cli import examining, holding, printing, probing
from interlock.core.cli.call import Call
from interlock.core.errors import Conflict, InterlockError, InvalidInput, StoreUnavailable
from interlock.core.graphs import project
from interlock.core.masking import mask_text
from interlock.core.model.connections import find_refusal
from interlock.core.model.people import SYSTEM
from interlock.core.services import connecting, observing
from interlock.core.services.configuring import Setting, list_settings
from interlock.core.services.context import App
from interlock.core.settings import ENV_PREFIX, Settings

OLDEST_PYTHON = (3, 11)
TEST_VARIABLE = "INTERLOCK_TEST_POSTGRES_URL"
_NO_SETTINGS = frozenset({parent.PARENT_VARIABLE, TEST_VARIABLE})


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at; the message says what was found, and what to do if it is wrong."""

    name: str
    ok: bool
    message: str


def doctor(
    call: Call,
    workflow: Annotated[
        str | None,
        typer.Option("--workflow", metavar="NAME", help="Check this workflow instead."),
    ] = None,
) -> int:
    """List the settings and check the installation. Exits with 1 if something is wrong."""
    if workflow is not None:
        given = call.settings()
        return examining.examine(call, given, _open(call, given), workflow)
    settings, settings_check = _load(call)
    checks = [_check_python(), settings_check, *_check_variables(), *_check_extras()]
    if settings is not None:
        checks += _check_surroundings(call, settings)
    listed = list_settings(call.overrides, settings)
    is_healthy = all(check.ok for check in checks)
    if call.as_json:
        printing.print_json(
            {
                "ok": is_healthy,
                "settings": [vars(setting) for setting in listed],
                "checks": [vars(check) for check in checks],
            }
        )
    else:
        _print(listed, checks)
    return 0 if is_healthy else 1


def _load(call: Call) -> tuple[Settings | None, Check]:
    try:
        return call.settings(), Check(name="settings", ok=True, message="All are valid.")
    except InvalidInput as exc:
        message = "; ".join(str(problem) for problem in exc.problems) or str(exc)
        return None, Check(name="settings", ok=False, message=mask_text(message))


def _check_python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    is_new_enough = sys.version_info[:2] >= OLDEST_PYTHON
    return Check(
        name="python",
        ok=is_new_enough,
        message=found if is_new_enough else f"{found}; 3.11 or newer is needed.",
    )


def _check_variables() -> list[Check]:
    """A misspelt variable changes nothing, silently; so it is named here."""
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields} | _NO_SETTINGS
    unknown = [
        n for n in sorted(os.environ) if n.upper().startswith(ENV_PREFIX) and n.upper() not in known
    ]
    if not unknown:
        return []
    return [
        Check(name="variables", ok=True, message=f"Not a setting, unused: {', '.join(unknown)}.")
    ]


def _check_extras() -> list[Check]:
    """What a variable asks for and is not installed; without it everything else works."""
    return [Check(name="extras", ok=False, message=sentence) for sentence in extras.find_missing()]


def _check_surroundings(call: Call, settings: Settings) -> list[Check]:
    is_up = holding.is_held(settings.data_dir)
    checks = [
        _check("project", lambda: _look_at_project(settings.config)),
        _check("policies", lambda: _look_at_policies(settings.config)),
        _check("data folder", lambda: _look_at_folder(settings.data_dir)),
    ]
    try:
        app = _open(call, settings)
    except InterlockError as exc:
        checks.append(Check(name="database", ok=False, message=mask_text(str(exc))))
    else:
        where = mask_text(settings.database_url)
        if app is None:
            checks.append(Check(name="database", ok=True, message="Made by the first start."))
        else:
            checks.append(
                Check(name="database", ok=True, message=f"{where} answers, its schema fits.")
            )
            if not settings.is_embedded:
                checks.append(_check("connections", lambda: _look_at_connections(app)))
            checks += _check_work(app, is_up=is_up)
    checks.append(_check("port", lambda: _look_at_port(settings)))
    return checks


def _open(call: Call, settings: Settings) -> App | None:
    """Open the database; None for an embedded one that no start has made yet: looking makes none."""
    if settings.is_embedded:
        path = Path(settings.database_url.removeprefix("sqlite:///"))
        if not path.exists():
            return None
    return replace(call.open_unasked(), caller=SYSTEM)  # it counts, and tells no contents


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, message=look())
    except InterlockError as exc:
        return Check(name=name, ok=False, message=str(exc))


def _look_at_project(config: Path | None) -> str:
    found = project.read_project(config)
    graphs = ", ".join(graph.name for graph in found.graphs)
    unused = ", ".join(found.unused_keys)
    told = [f"{config or 'the shipped gallery'}: {graphs}.", *found.warnings]
    if unused:
        told.append(f"Interlock does not use these keys of it: {unused}.")
    return " ".join(told)


def _look_at_policies(config: Path | None) -> str:
    """What the file alone tells; what names a node that is not there is told under `workflows`."""
    try:
        policies = project.read_project(config).policies
    except InvalidInput:
        return "Not looked at: the project cannot be read."
    if policies.told:
        raise InvalidInput(" ".join(policies.told))
    if not policies.path:
        return "There is no interlock.toml; every node runs as LangGraph runs it."
    return f"{policies.path}: {', '.join(policies.workflow) or 'none'}."


def _look_at_folder(folder: Path) -> str:
    """Try to write where the data is or will be; looking leaves nothing behind."""
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as exc:
        wrong = f"cannot be made in {there}" if there != folder.absolute() else "cannot be written"
        raise StoreUnavailable(
            f"The data folder {folder} {wrong}: {exc.strerror}.",
            hint="Name another with --data-dir.",
        ) from exc
    if there != folder.absolute():
        return f"{folder} is made by the first start."
    return f"{folder} can be written."


def _look_at_connections(app: App) -> str:
    room = connecting.look(app)
    needs = {
        kind: connecting.need_of(app.settings, kind) for kind in (connecting.WEB, connecting.WORKER)
    }
    for need in needs.values():
        if refusal := find_refusal(need, room):
            raise InvalidInput(refusal)
    told = "; ".join(f"a {kind} process may ask for {need}" for kind, need in needs.items())
    warning = connecting.find_warning(app.settings, room) or ""
    return f"{told[0].upper()}{told[1:]}; the server has {room} for all. {warning}".strip()


def _check_work(app: App, *, is_up: bool) -> list[Check]:
    found = observing.overview(app)
    alive, due = found.workers_alive, found.jobs_due
    if alive:
        worker = Check(name="workers", ok=True, message=f"{alive} alive.")
    else:
        waiting = f", and {due} jobs wait for one" if due else ""
        worker = Check(
            name="workers",
            ok=not (due or is_up),
            message=f"None is alive{waiting}; `interlock up` or `interlock worker` starts one.",
        )
    broken = [w for w in observing.list_workflows(app) if w.error is not None]
    loaded = Check(
        name="workflows",
        ok=not broken,
        message="; ".join(f"{w.name}: {w.error}" for w in broken)
        or "All published ones are loaded.",
    )
    return [worker, loaded]


def _look_at_port(settings: Settings) -> str:
    try:
        holding.hold_port(settings.host, settings.port, wait_s=0)
    except Conflict:
        host = probing.local_host(settings.host)
        if probing.fetch(host, settings.port, "/healthz", timeout_s=2)[0] == 200:
            return f"{settings.host}:{settings.port}: the dashboard answers there."
        raise
    return f"{settings.host}:{settings.port} is free."


def _print(settings: list[Setting], checks: list[Check]) -> None:
    printing.print_table(
        ["setting", "value", "source", "description"],
        [(s.variable, s.value, s.source, s.description) for s in settings],
        empty="",
        whole=["setting", "value", "description"],
    )
    printing.print_text("")
    printing.print_table(
        ["check", "result", "found"],
        [(c.name, "ok" if c.ok else "WRONG", c.message) for c in checks],
        empty="",
        whole=["found"],
    )
