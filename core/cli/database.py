"""`interlock db`: what is done to the database as a whole."""

from __future__ import annotations

import asyncio

from interlock.core.cli import printing
from interlock.core.cli.call import Call


def upgrade(call: Call) -> None:
    """Bring the schema to this version. Safe from several hosts at once."""
    # Alembic and LangGraph: seconds that no other command pays.
    from interlock.core.graphs import project, setting_up
    from interlock.core.store import engine, migrating, pooler

    settings = call.settings()
    told: list[str] = []
    store_config = (
        None if settings.is_embedded else project.read_project(settings.config).store_config
    )
    opened = engine.open_engine(settings.database_url, application_name=setting_up.APPLICATION)
    try:
        pooler.require_sessions(opened)
        revision = migrating.upgrade(opened)
    finally:
        opened.dispose()
    if not settings.is_embedded:  # the files of an embedded one are made by its worker
        asyncio.run(setting_up.set_up(settings, store_config, warn=told.append))
    if call.as_json:
        printing.print_json({"revision": revision, "warnings": told})
        return
    for sentence in told:
        printing.print_text(sentence)
    printing.print_text(f"The database is at revision {revision}.")
