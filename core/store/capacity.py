"""What the server says of the connections that it allows, and of who is connected."""

from __future__ import annotations

from sqlalchemy import Connection, text

from interlock.core.model.connections import Room

# Of other roles' sessions the names are not shown; then those processes are not counted.
_ROOM = text("""
SELECT current_setting('max_connections')::int AS server,
       current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
       (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()) AS database,
       (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user) AS role,
       count(DISTINCT application_name) FILTER (WHERE application_name LIKE 'interlock-worker-%') AS workers,
       count(DISTINCT application_name) FILTER (WHERE application_name LIKE 'interlock-web-%') AS webs
FROM pg_stat_activity
WHERE datname = current_database() AND application_name <> current_setting('application_name')
""")


def fetch_room(conn: Connection) -> Room:
    """The server's bounds for this database and role, and how many other processes of ours are there."""
    return Room(**conn.execute(_ROOM).mappings().one())
