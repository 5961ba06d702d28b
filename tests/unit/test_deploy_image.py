"""The Dockerfile and compose.yaml say what the code knows: settings, commands, ports, files."""

from __future__ import annotations

import json
import re

import pytest

from interlock.core.settings import ENV_PREFIX, Settings
from tests import deploying
from tests.deploying import ROOT

IMAGE = deploying.instructions(ROOT / "Dockerfile")
STAGES = [n for n, (name, _) in enumerate(IMAGE) if name == "FROM"]
LAST = IMAGE[STAGES[-1] :]
ENV = deploying.variables_of(LAST)
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
EXAMPLE = dict(
    re.findall(r"^#?(\w+)=(.*)$", (ROOT / "deploy" / "compose.env").read_text(), re.MULTILINE)
)
COMPOSE = deploying.interpolate(
    deploying.documents(ROOT / "compose.yaml")[0],
    {"POSTGRES_PASSWORD": "x"},
)
SERVICES = COMPOSE["services"]
OURS = [name for name, found in SERVICES.items() if found["image"].startswith("interlock:")]
URL = re.compile(r"http://127\.0\.0\.1:(\d+)/(\w+)")


def one(name, among=LAST):
    (found,) = [text for kind, text in among if kind == name]
    return found


# --- Dockerfile ---------------------------------------------------------------------------------


def test_the_base_is_named_with_its_patch_version_and_can_be_pinned_further():
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-[a-z]+", one("ARG", IMAGE))
    bases = {text.split(" AS ")[0] for kind, text in IMAGE if kind == "FROM"}
    assert bases == {"${PYTHON_IMAGE}", "build"}


def test_the_last_stage_runs_as_nobody_in_particular_and_holds_nothing_that_builds():
    assert one("USER") == "10001:10001"
    copied = [text for kind, text in LAST if kind == "COPY"]
    assert copied == ["--from=installed /opt/interlock /opt/interlock"]
    assert "pip uninstall" in one("RUN")
    assert "pip uninstall --yes setuptools pip" in one("RUN", IMAGE[STAGES[1] : STAGES[2]])


def test_all_is_installed_from_the_lock_by_its_hashes():
    installs = [t for kind, t in IMAGE if kind == "RUN" and "pip install" in t]
    assert [("--require-hashes" in t, "--no-index" in t) for t in installs] == [
        (True, False),
        (False, True),
    ]


def test_what_is_copied_is_there_and_is_let_through_to_the_engine():
    first = IMAGE[STAGES[0] : STAGES[1]]
    copied = {s for kind, text in first if kind == "COPY" for s in text.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert copied == {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines


def test_the_image_sets_what_are_settings_and_starts_what_is_a_command():
    assert deploying.wrong_settings(ENV) == []
    assert json.loads(one("ENTRYPOINT")) == ["interlock"]
    assert deploying.is_command(json.loads(one("CMD")))
    assert one("WORKDIR") == ENV["HOME"] == ENV["INTERLOCK_DATA_DIR"]


def test_the_health_of_the_image_is_asked_at_the_port_it_opens():
    port, page = URL.search(one("HEALTHCHECK")).groups()
    assert (port, page) == (ENV["INTERLOCK_PORT"], "healthz")
    assert port in one("EXPOSE").split()
    assert ENV["INTERLOCK_PORT"] == str(Settings.model_fields["port"].default)


# --- compose.yaml -------------------------------------------------------------------------------


def test_compose_is_what_its_specification_takes():
    assert deploying.faults(COMPOSE, deploying.schema("compose.json")) == []


def test_a_wrong_key_would_be_found():
    broken = {"services": {"web": {"image": "x", "restarts": "always"}}}
    assert deploying.faults(broken, deploying.schema("compose.json")) != []


@pytest.mark.parametrize("name", OURS)
def test_each_service_of_ours_has_real_settings_and_a_real_command(name):
    environment = SERVICES[name]["environment"]
    assert deploying.wrong_settings(ENV | environment) == []
    others = {variable for variable in environment if not variable.startswith(ENV_PREFIX)}
    assert others == {"PGPASSWORD"}
    assert deploying.is_command(SERVICES[name]["command"])


def test_the_image_is_called_by_this_version():
    assert {SERVICES[name]["image"] for name in OURS} == {
        f"interlock:{deploying.project_version()}"
    }
    assert set(OURS) == {"migrate", "web", "worker"}


def test_every_variable_that_is_asked_for_stands_in_the_example_and_the_other_way_round():
    ports_and_level = {"PROMETHEUS_PORT", "GRAFANA_PORT", "INTERLOCK_LOG_LEVEL"}
    assert deploying.variables_in(COMPOSE_TEXT) - ports_and_level == set(EXAMPLE)


def test_web_and_workers_start_after_the_migration_and_that_after_the_database():
    done = {"migrate": {"condition": "service_completed_successfully"}}
    assert SERVICES["web"]["depends_on"] == SERVICES["worker"]["depends_on"] == done
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


def test_all_that_should_run_is_started_again():
    once = {name for name, found in SERVICES.items() if found["restart"] != "unless-stopped"}
    assert once == {"migrate"}


def test_volumes_and_networks_are_declared_and_mounted_files_exist():
    mounts = [m.split(":") for found in SERVICES.values() for m in found.get("volumes", ())]
    sources = {mount[0] for mount in mounts if len(mount) > 1}
    files = {source for source in sources if source.startswith("./")}
    assert sources - files == set(COMPOSE["volumes"])
    assert [source for source in files if not (ROOT / source).is_dir()] == []
    assert {n for found in SERVICES.values() for n in found["networks"]} == set(COMPOSE["networks"])


def test_a_worker_is_asked_where_it_answers_and_has_time_to_drain():
    worker = SERVICES["worker"]
    port, page = URL.search(worker["healthcheck"]["test"][-1]).groups()
    assert (port, page) == (worker["environment"]["INTERLOCK_WORKER_PORT"], "readyz")
    drain_s = float(worker["environment"]["INTERLOCK_DRAIN_S"])
    assert deploying.seconds(worker["stop_grace_period"]) >= drain_s + 10


def test_only_this_host_reaches_what_is_published_and_nothing_writes_to_the_image():
    published = [p for found in SERVICES.values() for p in found.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert f":{ENV['INTERLOCK_PORT']}" in SERVICES["web"]["ports"][0]
    assert all(SERVICES[n]["read_only"] and SERVICES[n]["cap_drop"] == ["ALL"] for n in OURS)
    assert all(ENV["INTERLOCK_DATA_DIR"] in SERVICES[n]["volumes"] for n in OURS)


def test_images_of_others_are_pinned():
    others = [found["image"] for name, found in SERVICES.items() if name not in OURS]
    assert [i for i in others if not re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", i)] == []
