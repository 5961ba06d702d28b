"""The one place that puts the parts together; only entry points see it."""

from __future__ import annotations

from interlock.core import private
from interlock.core.clock import Clock, SystemClock
from interlock.core.errors import StoreUnavailable
from interlock.core.queue.local import LocalQueue
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.store import migrating


def build_app(settings: Settings, *, clock: Clock | None = None, name: str = "interlock") -> App:
    """
    Open the database, see that its schema fits, and put the parts together.

    Args:
        settings: Where everything is.
        clock: Another clock, for tests.
        name: How the process calls itself towards the database (law 3).

    Raises:
        StoreUnavailable: The database does not answer, or its schema needs a command to be run.
    """
    if settings.is_embedded:
        _prepare_folder(settings)
    engine = engines.open_engine(settings.database_url, application_name=name)
    migrating.ensure_schema(engine, settings.is_embedded)
    return App(settings=settings, engine=engine, queue=LocalQueue(), clock=clock or SystemClock())


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
