"""What the pages of deployment tell: commands that are there, sums that add up."""

from __future__ import annotations

import re

import pytest

from interlock.core.services.connecting import WEB, WORKER, need_of
from interlock.core.settings import Settings
from tests import deploying
from tests.deploying import KUBERNETES, ROOT

PAGES = {
    name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("deploy", "runbook", "sizing", "threat-model")
}
TOLD = sorted({tuple(words) for page in PAGES.values() for words in deploying.commands_told(page)})


@pytest.mark.parametrize("words", TOLD, ids=" ".join)
def test_each_command_that_is_told_is_one(words):
    assert deploying.is_command(words)


def test_a_command_that_is_none_would_be_found():
    assert list(deploying.commands_told("`interlock releese x`")) == [["releese", "x"]]
    with pytest.raises(Exception, match="releese"):
        deploying.is_command(["releese", "x"])


def test_the_runbook_has_a_section_for_each_of_its_links():
    for page in PAGES.values():
        for name, anchor in re.findall(r"\]\(([a-z-]*)(?:\.md)?#([a-z-]+)\)", page):
            target = (ROOT / "docs" / f"{name}.md").read_text() if name else page
            headings = re.findall(r"^#+ (.+)$", target, re.MULTILINE)
            slugs = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{name}#{anchor}"


def most(environment, process):
    pool = {
        name: environment[f"INTERLOCK_{name.upper()}"] for name in ("pool_size", "pool_overflow")
    }
    return need_of(Settings(**pool), process).most


def test_the_connections_of_compose_fit_its_server_and_add_up():
    services = deploying.documents(ROOT / "compose.yaml")[0]["services"]
    web, worker = (most(services[name]["environment"], name) for name in (WEB, WORKER))
    together = web + services["worker"]["deploy"]["replicas"] * worker
    room = int(re.search(r"max_connections=(\d+)", str(services["postgres"]["command"]))[1])
    assert (
        f"| {together} | {room} is set there: {(room - 10 - web) // worker} workers fit |"
        in PAGES["sizing"]
    )
    assert f"web asks for {web} at most and a worker for {worker} " in PAGES["sizing"]


def test_the_connections_of_kubernetes_add_up_with_every_worker_there():
    settings = deploying.documents(KUBERNETES / "settings.yaml")[0]["data"]
    web_replicas = deploying.documents(KUBERNETES / "web.yaml")[0]["spec"]["replicas"]
    scaler = deploying.documents(KUBERNETES / "worker.yaml")[-1]["spec"]
    together = (web_replicas + 1) * most(settings, WEB)
    together += (scaler["maxReplicas"] + 1) * most(settings, WORKER)
    (told,) = re.findall(r"`deploy/kubernetes`: .*\| (\d+) \| (\d+) \|", PAGES["sizing"])
    assert int(told[0]) == together <= int(told[1]) - 10
