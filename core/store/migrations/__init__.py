"""The database's way from version to version, carried out by Alembic from `migrating` alone."""
