"""The foot of the menu: whether this browser tells of new cards."""

from __future__ import annotations

from interlock.core.services import notice_desk
from interlock.dashboard import deps
from interlock.dashboard.components.bell import bell
from interlock.dashboard.views.bell import MOST, build


def draw_bell() -> None:
    """Let the browser know the newest cards that whoever looks may decide."""
    app = deps.app()
    bell(build(notice_desk.list_newest_cards(app, limit=MOST), deps.person(app)))
