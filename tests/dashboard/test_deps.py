"""Who a page is drawn for: a process that was started for people who sign in stays closed to others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.errors import SignedOut
from interlock.core.model.people import LOCAL, SYSTEM, Caller, CallerKind, Role
from interlock.core.queue.local import LocalQueue
from interlock.core.services import operators, permitting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.dashboard import deps


@pytest.fixture
def web(sqlite_url, frozen, tmp_path, monkeypatch):
    opened = engines.open_engine(sqlite_url, origin="web")
    settings = Settings(data_dir=tmp_path, sign_in="local", operator="holder")
    built = App(settings, opened, LocalQueue(), frozen, caller=SYSTEM)
    monkeypatch.setattr(deps, "process_app", lambda: built)
    deps.forget_all()
    yield built
    deps.forget_all()
    opened.dispose()


def test_ending_sign_in_beside_a_public_process_opens_none_of_its_pages(web):
    operators.add(web, "root", role=Role.ADMIN, actor="setup")
    assert operators.read_sign_in(web) == ""  # as `interlock sign-in off` leaves it
    with pytest.raises(SignedOut, match="has to sign in"):
        deps.app()
    with pytest.raises(SignedOut):
        deps.person(permitting.bind(web, LOCAL))
    with pytest.raises(SignedOut):
        deps.person(permitting.bind(web, Caller(CallerKind.SESSION, "made up")))


def test_started_without_sign_in_a_process_serves_whoever_opens_it(web, monkeypatch):
    quiet = replace(web, settings=Settings(data_dir=web.settings.data_dir, operator="holder"))
    monkeypatch.setattr(deps, "process_app", lambda: quiet)
    assert deps.person(deps.app()).name == "holder"
