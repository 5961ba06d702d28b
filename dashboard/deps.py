"""
What pages need from outside: the application and who acts. The only place of the dashboard that
builds it; tests replace these functions.
"""

from __future__ import annotations

import threading

from interlock.core import bootstrap
from interlock.core.services.context import App
from interlock.core.settings import Settings, load_settings

_lock = threading.Lock()
_settings: Settings | None = None
_app: App | None = None


def use(settings: Settings) -> None:
    """Serve with these settings, read once from the command line, instead of the environment's."""
    global _settings, _app
    with _lock:
        _settings, _app = settings, None


def app() -> App:
    """
    The application of this process; built on the first call, the same for every session.

    Raises:
        StoreUnavailable: The database does not answer; the next call tries again.
    """
    global _app
    with _lock:
        if _app is None:
            _app = bootstrap.build_app(
                _settings or load_settings(), name="interlock-web", origin="web"
            )
        return _app


def actor() -> str:
    """Under whose name this session decides; nobody signs in yet, so it is the configured operator."""
    return app().settings.operator
