"""Commands that keep running: up, web, worker."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from interlock.core import parent
from interlock.core.cli import edge
from interlock.core.cli.call import Call
from interlock.core.errors import InvalidInput, NotAllowed, UsageError
from interlock.core.model.demonstration import DEFAULT_PER_MINUTE, DEFAULT_SEED
from interlock.core.settings import Settings

EXIT_MISCONFIGURED = 78  # to `up`: I can never start, and have said why

PortOption = Annotated[
    int | None,
    typer.Option(
        "--port", metavar="N", min=0, max=65535, help="Port of the dashboard; 0 takes a free one."
    ),
]


AttachOption = Annotated[
    str | None,
    typer.Option(
        "--attach",
        metavar="URL|FILE",
        help="Checkpoints that another application fills: a postgresql:// URL or a SQLite file.",
    ),
]


def up(
    call: Call,
    port: PortOption = None,
    attach: AttachOption = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the browser.")
    ] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Play the shipped workflows: a week that was, and new work."),
    ] = False,
    demo_rate: Annotated[
        int,
        typer.Option("--demo-rate", metavar="N", help="New work a minute; 0 is none."),
    ] = DEFAULT_PER_MINUTE,
    demo_seed: Annotated[
        int, typer.Option("--demo-seed", metavar="N", help="Another one plays another week.")
    ] = DEFAULT_SEED,
    reload: Annotated[
        bool, typer.Option("--reload", help="Follow changes of the project's files.")
    ] = False,
) -> int:
    """Run the dashboard and a worker until Ctrl-C."""
    from interlock.core.cli import up as running

    options = running.UpOptions(
        open_browser=not no_browser,
        reload=reload,
        as_json=call.as_json,
        demo=running.DemoOptions(per_minute=demo_rate, seed=demo_seed) if demo else None,
    )
    settings = call.settings(port=port, attach=attach)
    _refuse_in_production(settings, {"--demo": demo, "--reload": reload})
    return running.run(settings, options)


def web(call: Call, port: PortOption = None, attach: AttachOption = None) -> int:
    """Run the dashboard alone. As many as wanted on one Postgres."""

    def run() -> int:
        return _run_main(
            "interlock.dashboard.server", _prepare(call, "web", port=port, attach=attach)
        )

    return _serve(call, run)


def worker(
    call: Call,
    attach: AttachOption = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="End with 75 when the project's files change.")
    ] = False,
    workflows: Annotated[
        str | None,
        typer.Option("--workflows", metavar="A,B", help="Load and take these workflows alone."),
    ] = None,
    tenants: Annotated[
        str | None,
        typer.Option("--tenants", metavar="A,B", help="Those of these tenants alone."),
    ] = None,
) -> int:
    """Run a worker alone. As many as wanted on one Postgres; one on SQLite."""

    def run() -> int:
        _refuse_in_production(call.settings(), {"--reload": reload})
        return _run_main(
            "interlock.core.worker.main",
            _prepare(
                call, "worker", attach=attach, worker_workflows=workflows, worker_tenants=tenants
            ),
            reload=reload,
        )

    return _serve(call, run)


def _refuse_in_production(settings: Settings, options: Mapping[str, bool]) -> None:
    """What is for trying things out changes what runs, or plays work, among work that counts."""
    given = [option for option, is_given in options.items() if is_given]
    if settings.is_production and given:
        raise UsageError(f"{given[0]} is refused where INTERLOCK_ENVIRONMENT is production.")


def _serve(call: Call, run: Callable[[], int]) -> int:
    """Run a process; under a parent, one that can never start says so by its exit code."""
    is_child = parent.watch_parent()
    try:
        code = run()
    except (InvalidInput, NotAllowed, UsageError) as exc:
        if not is_child:
            raise
        edge.tell(call, exc)
        return EXIT_MISCONFIGURED
    return 1 if code == EXIT_MISCONFIGURED and not is_child else code


def serve_main(call: Call, module: str, process: str) -> int:
    """Run a process whose module has a `main`, under its parent if it has one."""
    return _serve(call, lambda: _run_main(module, _prepare(call, process)))


def _prepare(call: Call, process: str, **more: object) -> Settings:
    from interlock.core import logs, reporting  # 0.3 s that a command which only reads does not pay

    settings = call.settings(**more)
    logs.configure(settings, process=process)
    reporting.configure(process)
    return settings


def _run_main(module: str, settings: Settings, **more: bool) -> int:
    # By name: the dashboard stands above this layer, and both take seconds to import.
    main: Callable[..., int] = importlib.import_module(module).main
    return main(settings, **more)
