"""The frame around the pages says who acts and what is missing; a failure never shows its trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import structlog
from streamlit.testing.v1 import AppTest

from interlock.core.services import holding
from interlock.core.settings import Settings
from interlock.dashboard import keys, server


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"operator": "Ada *the* ![x](http://evil.example/x.png)"})


def words(elements: Any) -> str:
    return "\n".join(str(element.value) for element in elements)


def test_it_says_under_which_name_one_decides(open_page: Callable[..., AppTest]) -> None:
    page = open_page()

    assert not page.exception
    assert "You act as Ada \\*the\\* \\!\\[x\\]" in words(page.sidebar.caption)


def test_no_worker_is_said(open_page: Callable[..., AppTest]) -> None:
    assert "No worker has been seen for 40 s" in words(open_page().sidebar.warning)


def test_nothing_is_said_while_a_worker_lives(open_page: Callable[..., AppTest], seed: Any) -> None:
    seed.worker()

    assert words(open_page().sidebar.warning) == ""


def test_a_worker_that_fell_silent_is_said(
    open_page: Callable[..., AppTest], seed: Any, clock: Any
) -> None:
    seed.worker()
    clock.advance(seconds=41)

    assert "No worker" in words(open_page().sidebar.warning)


def test_nobody_waiting_is_said_too(open_page: Callable[..., AppTest]) -> None:
    assert "Nothing waits for a human." in words(open_page().sidebar.caption)


def fail_with_secret() -> None:
    from interlock.dashboard import server

    server.tell_failure(RuntimeError("token-4711"))


def fail_with_refusal() -> None:
    from interlock.core.errors import NotFound
    from interlock.dashboard import server

    server.tell_failure(NotFound("run", "![x](http://evil.example)"))


def test_a_failure_shows_a_reference_and_logs_the_reason_under_it() -> None:
    with structlog.testing.capture_logs() as logs:
        page = AppTest.from_function(fail_with_secret, default_timeout=20).run()
    (shown,) = (str(error.value) for error in page.error)
    (entry,) = (entry for entry in logs if entry["event"] == "a page failed")

    assert "token-4711" not in shown
    assert entry["reference"] in shown
    assert "token-4711" in str(entry["exc_info"])


def test_a_refusal_is_told_in_its_own_words_without_markup() -> None:
    page = AppTest.from_function(fail_with_refusal, default_timeout=20).run()
    (shown,) = (str(error.value) for error in page.error)

    assert shown.startswith("There is no run")
    assert "![x]" not in shown


def test_no_option_of_streamlit_is_unknown() -> None:
    from streamlit import config

    known = config.get_config_options()

    assert [name for name in server.streamlit_options(Settings()) if name not in known] == []


def test_a_file_of_inputs_of_any_allowed_size_can_be_sent():
    for size, megabytes in ((1000, 1), (20_000_000, 20), (1_048_576, 1), (1_048_577, 2)):
        options = server.streamlit_options(Settings(batch_max_bytes=size))
        assert options["server.maxUploadSize"] == megabytes


def test_everything_is_held_and_released_on_any_page(
    open_page: Callable[..., AppTest], app: Any
) -> None:
    page = open_page()
    page.sidebar.text_input(keys.hold_reason()).set_value("the bank is *shut*")
    page.sidebar.button(keys.hold_submit()).click().run()

    (held,) = holding.list_holds(app)
    assert (held.scope, held.reason) == ("", "the bank is *shut*")
    assert "Everything is held by Ada" in words(page.sidebar.warning)
    assert "the bank is \\*shut\\*" in words(page.sidebar.warning)

    page.sidebar.button(keys.release("")).click().run()

    assert holding.list_holds(app) == []
    assert "held by" not in words(page.sidebar.warning)


def test_a_hold_that_somebody_else_took_first_is_told(
    open_page: Callable[..., AppTest], app: Any
) -> None:
    page = open_page()
    holding.hold(app, None, actor="Bob")
    page.sidebar.button(keys.hold_submit()).click().run()

    assert "Everything is held already" in words(page.sidebar.warning)


def test_a_page_opened_while_the_database_is_away_says_so_and_comes_back(
    open_page: Callable[..., AppTest], settings: Settings
) -> None:
    file = settings.data_dir / "app.db"
    away = file.with_name("away.db")
    file.rename(away)

    page = open_page()

    assert not page.exception
    assert "no decision that was taken is lost" in words(page.main.error)
    away.rename(file)
    page.run()
    assert words(page.error) == ""
    assert "Nothing waits for a human." in words(page.sidebar.caption)
