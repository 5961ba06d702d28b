"""The table of roles in the docs is the one that commands ask."""

from __future__ import annotations

from pathlib import Path

from interlock.core.model.people import MAY, WHAT, Permission, Role

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"


def test_the_table_of_roles_is_as_the_code_has_it():
    told = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    heads = ["permission", "what it is", *(role.value for role in Role)]
    rows = [
        [f"`{p.value}`", WHAT[p], *("yes" if p in MAY[role] else "" for role in Role)]
        for p in Permission
    ]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in told] == [
        heads,
        ["---"] * len(heads),
        *rows,
    ]
