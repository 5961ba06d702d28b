"""Rules, dashboard and autoscaler ask for figures that /metrics tells, with labels that it gives them."""

from __future__ import annotations

import json
import re
from itertools import chain

import pytest

from interlock.core.model.alerts import RuleName
from tests import deploying
from tests.deploying import KUBERNETES, ROOT
from tests.unit.test_watching_docs import FAMILIES

DEPLOY = ROOT / "deploy"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
ALERTS = deploying.documents(DEPLOY / "prometheus" / "rules.yml")[0]["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "interlock.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ADAPTER = deploying.documents(KUBERNETES / "monitoring" / "adapter-values.yaml")[0]["rules"]
SCRAPE = deploying.documents(DEPLOY / "prometheus" / "prometheus.yml")[0]["scrape_configs"]
QUERIES = {
    **{alert["alert"]: alert["expr"] for alert in ALERTS},
    **{
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in PANELS
        for target in panel["targets"]
    },
    **{f"adapter {rule['name']['as']}": rule["metricsQuery"] for rule in ADAPTER["external"]},
    **{f"seen {rule['name']['as']}": rule["seriesQuery"] for rule in ADAPTER["external"]},
}

# Of Prometheus itself, and of the collector of processes.
_OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
_OF_TARGETS = {"instance", "job", "namespace", "le"}
_WORDS = {"and", "or", "unless", "on", "by", "ignoring", "bool", "offset"}
_GROUPS = re.compile(r"\b(?:by|on|ignoring)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")
_NAME = re.compile(r"\b([a-z_]+)\b(?!\s*\()")
LABELS = {
    name: {label for sample in family.samples for label in sample.labels}
    for name, family in FAMILIES.items()
}


def family_of(name):
    for ending in ("_bucket", "_count", "_sum"):
        if name.removesuffix(ending) in LABELS and name.endswith(ending):
            return name.removesuffix(ending)
    return name


def unknown(query):
    """Figures and labels in a query that nobody tells."""
    wrong = []
    for name, inside in _SELECTOR.findall(query):
        asked = set(re.findall(r"(\w+)\s*[=!]", inside))
        wrong += [
            f"{name}{{{x}}}" for x in asked - _OF_TARGETS - LABELS.get(family_of(name), set())
        ]
    for labels in _GROUPS.findall(query):
        asked = {label.strip() for label in labels.split(",")} - {""}
        wrong += sorted(asked - _OF_TARGETS - set(chain.from_iterable(LABELS.values())))
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\{[^}]*\}', "", _GROUPS.sub("", query))
    names = {family_of(name) for name in _NAME.findall(bare)} - _WORDS - _OTHERS
    return wrong + sorted(names - set(LABELS))


@pytest.mark.parametrize("title", QUERIES)
def test_what_is_asked_for_is_told(title):
    assert unknown(QUERIES[title]) == []


@pytest.mark.parametrize(
    "query",
    [
        "max(interlock_runs_waiting)",
        'max(interlock_breaker_state{status="open"})',
        "max by (workflow) (active_workflows)",
    ],
)
def test_what_nobody_tells_would_be_found(query):
    assert unknown(query) != []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda a: a["alert"])
def test_each_alert_leads_to_its_section_of_the_runbook(alert):
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)
    assert page == "docs/runbook.md"
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    assert f"`{alert['alert']}`" in RUNBOOK
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}


@pytest.mark.parametrize("rule", list(RuleName))
def test_each_alert_of_our_own_has_its_place_in_the_runbook(rule):
    assert f"`{rule}`" in RUNBOOK


def test_prometheus_asks_the_workers_where_they_answer():
    services = deploying.documents(ROOT / "compose.yaml")[0]["services"]
    worker = services["worker"]["environment"]
    shared = set(services["worker"]["networks"]) & set(services["prometheus"]["networks"])
    assert len(shared) == 1, "by a name that leads to two addresses, each worker is asked twice"
    assert set(services["grafana"]["networks"]) <= set(services["prometheus"]["networks"])
    (job,) = SCRAPE
    (target,) = job["dns_sd_configs"]
    assert target["names"] == ["worker"]
    assert str(target["port"]) == worker["INTERLOCK_WORKER_PORT"]
    jobs = re.findall(r'job=~"([^"]+)"', "".join(QUERIES.values()))
    assert all(re.fullmatch(pattern, job["job_name"]) for pattern in jobs)


def test_grafana_finds_the_dashboard_and_its_source():
    provisioned = DEPLOY / "grafana" / "provisioning"
    (source,) = deploying.documents(provisioned / "datasources" / "prometheus.yaml")[0][
        "datasources"
    ]
    (provider,) = deploying.documents(provisioned / "dashboards" / "interlock.yaml")[0]["providers"]
    services = deploying.documents(ROOT / "compose.yaml")[0]["services"]
    grafana = services["grafana"]
    assert source["url"] == "http://prometheus:9090"
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/interlock.json"
    variables = {v["name"]: v for v in DASHBOARD["templating"]["list"]}
    assert variables["source"]["current"]["value"] == source["uid"]


def test_panels_have_ids_of_their_own_and_do_not_lie_on_each_other():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
