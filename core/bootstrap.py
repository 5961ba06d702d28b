"""The one place that puts the parts together; only entry points see it."""

from __future__ import annotations

from pathlib import Path

from interlock.core import ciphers, masking, private
from interlock.core.clock import Clock, SystemClock
from interlock.core.errors import NotFound, StoreUnavailable
from interlock.core.model.people import LOCAL, Caller
from interlock.core.queue.choosing import queue_for
from interlock.core.services import connecting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import columns, migrating, pooler
from interlock.core.store import engine as engines


def build_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    name: str = "interlock",
    origin: str = "",
    may_create: bool = True,
    caller: Caller = LOCAL,
) -> App:
    """
    Open the database, see that its schema fits, and put the parts together.

    Args:
        settings: Where everything is.
        clock: Another clock, for tests.
        name: How the process calls itself towards the database (law 3).
        origin: From where things are done in this process, for the audit: web, cli, worker, demo.
        may_create: Make the embedded database and its folder where they are not there yet.
        caller: Who asks: whoever holds the database, unless it is a process of ours.

    Raises:
        NotFound: The embedded database is not there, and may not be made.
        StoreUnavailable: The database does not answer, or its schema needs a command to be run.
        InvalidInput: The process asks for more connections than the server has.
    """
    if settings.is_embedded and may_create:
        _prepare_folder(settings)
    elif settings.is_embedded:
        _require_file(settings)
    masking.use(masking.FieldRules(settings.masked_fields))
    keys = [key.get_secret_value() for key in settings.encryption_keys]
    cipher = ciphers.open_cipher(keys, settings.encryption_keys_file)
    engine = engines.open_engine(
        settings.database_url,
        application_name=name,
        origin=origin,
        pool_size=settings.pool_size,
        pool_overflow=settings.pool_overflow,
    )
    columns.use_cipher(engine, cipher)
    app = App(
        settings=settings,
        engine=engine,
        queue=queue_for(engine),
        clock=clock or SystemClock(),
        caller=caller,
        cipher=cipher,
    )
    try:
        pooler.require_sessions(engine)
        migrating.ensure_schema(engine, settings.is_embedded)
        connecting.check(app, origin)
    except BaseException:
        engine.dispose()
        raise
    return app


def _require_file(settings: Settings) -> None:
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            "database",
            str(path),
            hint="Name the data folder of your `interlock up` with --data-dir, or start one here.",
        ) from None
    except OSError as exc:
        raise StoreUnavailable(f"{path} cannot be read: {exc.strerror}.") from exc


def _prepare_folder(settings: Settings) -> None:
    """Make the data folder; the checkpoints' file too, as the library would make it for everyone."""
    try:
        private.make_folder(settings.data_dir)
        private.make_file(settings.checkpoints_path)
    except OSError as exc:
        raise StoreUnavailable(
            f"The data folder {settings.data_dir} cannot be written: {exc.strerror}.",
            hint="Name another with --data-dir.",
        ) from exc
