"""
One call of the command line: the options every command shares, before or after its name.

`register` gives a command function these options and hands it a `Call` instead of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.core import bootstrap, settings
from interlock.core.cli import edge, printing
from interlock.core.errors import UsageError
from interlock.core.model import people
from interlock.core.model.people import LOCAL, Caller, CallerKind
from interlock.core.services import permitting, rotating
from interlock.core.services.context import App
from interlock.core.settings import Settings

MAX_ACTOR_CHARS = 200

_SHARED: Mapping[str, Any] = {
    "config": Annotated[
        Path | None,
        typer.Option("--config", metavar="PATH", help="The project's langgraph.json."),
    ],
    "data_dir": Annotated[
        Path | None,
        typer.Option(
            "--data-dir", metavar="PATH", help="Folder of the embedded databases and the logs."
        ),
    ],
    "database": Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="postgresql:// or sqlite:/// URL."),
    ],
    "as_json": Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")],
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """What the shared options said; settings and the database are opened when asked for."""

    overrides: Mapping[str, Any] = field(default_factory=dict)
    as_json: bool = False
    _opened: list[App] = field(default_factory=list, init=False, repr=False)

    def joined(self, later: Call) -> Call:
        """The options before the command's name, overruled by those after it."""
        return Call(
            overrides={**self.overrides, **later.overrides},
            as_json=self.as_json or later.as_json,
        )

    def settings(self, **more: Any) -> Settings:
        """
        Read the settings; `more` are options of one command.

        Raises:
            InvalidInput: Some are wrong; each is named.
        """
        return settings.load_settings({**self.overrides, **more})

    def open(self, *, without_keys: bool = False) -> App:
        """
        Open the database and put the services' parts together.

        A process without the keys of what is there would write beside it what others cannot read, or
        everybody can; `without_keys` is for what looks after keys.

        An embedded one that is not there is not made: in a wrong folder the answer would be a new,
        empty one, and nothing can be launched before a worker has published its workflows either.

        Raises:
            InvalidInput: A setting is wrong, or a key of what is there is missing.
            NotFound: There is no database where the settings say.
            StoreUnavailable: The database does not answer or does not fit.
            SignedOut: One has to sign in here, and no good token was given.
        """
        app = self.open_unasked(without_keys=without_keys)
        return permitting.enter(app, caller_of(app.settings))

    def open_unasked(self, *, without_keys: bool = False) -> App:
        """
        The same for commands that whoever holds the database may use; they see to it themselves.

        Raises:
            As `open`, but SignedOut.
        """
        app = bootstrap.build_app(
            self.settings(), name="interlock-cli", origin="cli", may_create=False
        )
        self._opened.append(app)
        if not without_keys:
            rotating.require_keys(app)
        return app

    def close(self) -> None:
        """Close what was opened."""
        for app in self._opened:
            app.engine.dispose()
        self._opened.clear()

    @property
    def data_dir(self) -> Path:
        """Where the log goes even if the settings as a whole are wrong."""
        try:
            return self.settings().data_dir
        except Exception:  # noqa: BLE001 - the failure itself is told elsewhere
            return Path(self.overrides.get("data_dir") or ".interlock")


def caller_of(settings: Settings) -> Caller:
    """Who asks on a command line: whoever has the token, else whoever holds the database."""
    if settings.token is None:
        return LOCAL
    return Caller(CallerKind.TOKEN, people.hash_secret(settings.token.get_secret_value()))


def actor_of(app: App, given: str | None) -> str:
    """
    Under which name a command is recorded: `--as`, else the token's, else the setting `operator`.

    An `--as` that is not the token's own name is refused by the command.

    Raises:
        UsageError: The name is empty, too long, or holds control characters.
    """
    if given is None:
        return permitting.resolve(app).name
    name = given.strip()
    if not name or len(name) > MAX_ACTOR_CHARS or not name.isprintable():
        raise UsageError(f"--as takes a name of 1 to {MAX_ACTOR_CHARS} printable characters.")
    return name


def register(group: typer.Typer, name: str | None = None) -> Callable[[Callable[..., Any]], None]:
    """Make functions `(call, options...) -> exit code or None` commands of `group`."""

    def add(function: Callable[..., int | None]) -> None:
        group.command(name)(_with_shared_options(function))

    return add


def add_callback(group: typer.Typer, *, version: Callable[[], str] | None = None) -> None:
    """Let a group take the shared options before its command's name; `version` adds --version."""

    def keep(ctx: typer.Context, **given: Any) -> None:
        given.pop("version", None)
        ctx.obj = _before(ctx).joined(_call_from(given))

    def show(is_wanted: bool) -> None:
        if is_wanted and version is not None:
            printing.print_text(version())
            raise typer.Exit

    option = typer.Option("--version", callback=show, is_eager=True, help="Print the version.")
    own = [
        inspect.Parameter(
            "version",
            inspect.Parameter.KEYWORD_ONLY,
            default=False,
            annotation=Annotated[bool, option],
        )
    ]
    _set_signature(keep, own if version is not None else [])
    group.callback()(keep)


def _with_shared_options(function: Callable[..., int | None]) -> Callable[..., int]:
    @functools.wraps(function)
    def command(ctx: typer.Context, **given: Any) -> int:
        shared = {name: given.pop(name) for name in _SHARED}
        call = _before(ctx).joined(_call_from(shared))
        path = ctx.command_path.removeprefix("interlock ")
        try:
            return edge.guard(call, path, lambda: function(call, **given))
        finally:
            call.close()

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    _set_signature(command, own)
    return command


def _set_signature(function: Callable[..., Any], own: list[inspect.Parameter]) -> None:
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(
            name, keyword, default=False if name == "as_json" else None, annotation=annotation
        )
        for name, annotation in _SHARED.items()
    ]
    ctx = inspect.Parameter("ctx", keyword, annotation=typer.Context)
    parameters = [ctx, *(p.replace(kind=keyword) for p in own), *shared]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]


def _before(ctx: typer.Context) -> Call:
    kept = ctx.parent.obj if ctx.parent is not None else None
    return kept if isinstance(kept, Call) else Call()


def _call_from(given: Mapping[str, Any]) -> Call:
    overrides = {k: v for k, v in given.items() if k != "as_json" and v is not None}
    return Call(overrides=overrides, as_json=bool(given["as_json"]))
