"""The API of the real web process: what its documentation says can be sent, and who is kept out."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interlock.core.model.people import Permission, Role
from interlock.core.services import operators, token_keeping
from interlock.core.services.context import App

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def commands() -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL):
        yield from (line for line in block.splitlines() if line.startswith("curl "))


def test_every_command_of_the_documentation_is_carried_out(
    web: Any, served_app: App, make_seed: Callable[..., Any]
) -> None:
    seed = make_seed(served_app, at=served_app.clock.now())
    known = {"URL": web.url, "WORKFLOW": seed.workflow().name}
    known["APPROVAL"] = seed.card(workflow=known["WORKFLOW"]).approval_id
    operators.add(served_app, "ci", role=Role.OPERATOR, actor="ann")
    known["TOKEN"] = token_keeping.make(
        served_app, "ci", scopes=[Permission.SEE], days=1, operator="ci", actor="ann"
    ).secret
    sent = 0
    for command in commands():
        filled = re.sub(r"\$([A-Z]+)", lambda found: known[found[1]], command)
        _, address, *options = shlex.split(filled)
        pairs = list(zip(options[::2], options[1::2], strict=True))
        body = next((value for option, value in pairs if option == "-d"), None)
        headers = [tuple(value.split(": ", 1)) for option, value in pairs if option == "-H"]
        told = httpx.request(
            "GET" if body is None else "POST", address, headers=headers, content=body
        )
        assert told.status_code in {200, 202}, (filled, told.text)
        sent += 1
    assert sent >= 8


def test_the_command_line_prints_what_the_api_answers(
    web: Any,
    served_app: App,
    make_seed: Callable[..., Any],
    clean_env: dict[str, str],
) -> None:
    card = make_seed(served_app, at=served_app.clock.now()).card(risk="high")
    command = [sys.executable, "-P", "-m", "interlock.core.cli", "inbox", "--json"]
    told = subprocess.run(
        [*command, "--data-dir", str(web.data_dir)],
        env=clean_env,
        capture_output=True,
        check=True,
    )
    printed = {each["approval_id"]: each for each in json.loads(told.stdout)}
    answered = httpx.get(f"{web.url}/api/v1/approvals/{card.approval_id}").json()
    listed = printed[card.approval_id]
    assert listed == {name: answered[name] for name in listed}
    assert answered["decisions"] == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"host": "evil.example"}, 421),
        ({"content-type": "text/plain"}, 415),
    ],
)
def test_who_is_kept_out(web: Any, headers: dict[str, str], status: int) -> None:
    given = {"content-type": "application/json"} | headers
    told = httpx.post(f"{web.url}/api/v1/caches/clear", headers=given, content='{"all": true}')
    assert told.status_code == status
    assert "default-src 'self'" in told.headers["content-security-policy"]
    assert not [name for name in told.headers if name.startswith("access-control")]


def test_its_description_is_served_where_it_is_mounted(web: Any) -> None:
    told = httpx.get(f"{web.url}/api/v1/openapi.json").json()
    assert told["servers"] == [{"url": "/api/v1"}]
    assert "/runs/{run_id}/events" in told["paths"]


@pytest.mark.parametrize("path", ["threads/a%0Ab/state", "runs%0A", "nowhere%0A/x"])
def test_what_lies_beneath_it_is_never_answered_by_a_page(web: Any, path: str) -> None:
    told = httpx.get(f"{web.url}/api/v1/{path}")
    assert told.headers["content-type"] in {"application/json", "application/problem+json"}
