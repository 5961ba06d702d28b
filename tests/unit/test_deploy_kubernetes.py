"""The manifests fit Kubernetes' own schemas, each other, and what the code knows: settings, commands, ports."""

from __future__ import annotations

import re
from itertools import chain

import pytest
import yaml

from tests import deploying
from tests.deploying import KUBERNETES, ROOT

NOT_SCHEMED = {"Kustomization", "PodMonitor"}  # of kustomize and of an operator, not of Kubernetes
FILES = sorted(KUBERNETES.rglob("*.yaml"))
FOUND = [
    (path, document)
    for path in FILES
    if path.name != "adapter-values.yaml"
    for document in deploying.documents(path)
]
OBJECTS = [d for _, d in FOUND if d["kind"] not in NOT_SCHEMED]
KUSTOMIZATIONS = {path.parent: d for path, d in FOUND if d["kind"] == "Kustomization"}
PODS = {d["metadata"]["name"]: d for d in OBJECTS if d["kind"] in {"Deployment", "Job"}}
CONTAINERS = {name: next(deploying.containers(d)) for name, d in PODS.items()}
SETTINGS = next(d["data"] for d in OBJECTS if d["kind"] == "ConfigMap")
IMAGE_ENV = deploying.variables_of(deploying.instructions(ROOT / "Dockerfile"))
ADAPTER = deploying.documents(KUBERNETES / "monitoring" / "adapter-values.yaml")[0]
DOCS = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def of_kind(kind):
    return [d for d in OBJECTS if d["kind"] == kind]


def literal(container):
    return {e["name"]: e["value"] for e in container["env"] if "value" in e}


def secret_keys(container):
    found = (e["valueFrom"]["secretKeyRef"] for e in container["env"] if "valueFrom" in e)
    return {(each["name"], each["key"]) for each in found}


def labels_of(pod):
    return pod["spec"]["template"]["metadata"]["labels"]


def picks(labels):
    return [name for name, pod in PODS.items() if labels.items() <= labels_of(pod).items()]


@pytest.mark.parametrize("document", OBJECTS, ids=lambda d: f"{d['kind']}-{d['metadata']['name']}")
def test_each_object_is_what_its_schema_takes(document):
    assert deploying.kubernetes_faults(document) == []


def test_a_wrong_key_would_be_found():
    broken = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x"},
        "spec": {"port": []},
    }
    assert deploying.kubernetes_faults(broken) != []


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda p: p.name)
def test_every_file_of_a_folder_is_taken_up(folder):
    beside = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATIONS[folder]["resources"]) == beside - {"adapter-values.yaml"}


def test_images_and_the_jobs_name_are_of_this_version():
    version = deploying.project_version()
    tags = [i for d in KUSTOMIZATIONS.values() for i in d.get("images", ())]
    assert {(i["name"], i["newTag"]) for i in tags} == {("interlock", version)}
    assert {c["image"] for c in CONTAINERS.values()} == {"interlock"}
    suffix = "-" + version.replace(".", "-")
    assert KUSTOMIZATIONS[KUBERNETES / "migrate"]["nameSuffix"] == suffix
    assert f"job/interlock-migrate{suffix}" in DOCS


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_container_has_real_settings_and_a_real_command(name):
    container = CONTAINERS[name]
    shared = SETTINGS if "envFrom" in container else {}
    assert deploying.wrong_settings(IMAGE_ENV | shared | literal(container)) == []
    referred = {entry["name"] for entry in container["env"] if "valueFrom" in entry}
    assert deploying.wrong_settings(dict.fromkeys(referred, "")) == []
    assert deploying.is_command(container["args"])


def test_what_is_secret_is_referred_to_and_told_in_the_docs():
    given = {
        **SETTINGS,
        **dict(chain.from_iterable(literal(c).items() for c in CONTAINERS.values())),
    }
    assert [n for n in given if re.search("SECRET|TOKEN|PASSWORD|_KEYS$|DATABASE$", n)] == []
    for name, key in chain.from_iterable(map(secret_keys, CONTAINERS.values())):
        assert f"secret generic {name} " in DOCS
        assert key in DOCS
    assert of_kind("Secret") == []


def test_each_kind_of_process_has_a_role_of_its_own_in_the_database():
    urls = {
        name: {s for s, key in secret_keys(c) if key == "database-url"}
        for name, c in CONTAINERS.items()
    }
    assert urls == {name: {name} for name in CONTAINERS}


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_container_may_as_little_as_it_can(name):
    pod, container = PODS[name]["spec"]["template"]["spec"], CONTAINERS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    mounted = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
    assert {IMAGE_ENV["INTERLOCK_DATA_DIR"], "/tmp"} <= set(mounted)
    assert set(mounted.values()) == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("name", ["interlock-web", "interlock-worker"])
def test_what_serves_has_the_stated_size_and_its_keys(name):
    container = CONTAINERS[name]
    assert container["resources"] == {
        "requests": {"cpu": "500m", "memory": "512Mi"},
        "limits": {"cpu": "2", "memory": "2Gi"},
    }
    (keys,) = [v for v in PODS[name]["spec"]["template"]["spec"]["volumes"] if "secret" in v]
    (mount,) = [m for m in container["volumeMounts"] if m["name"] == keys["name"]]
    file = f"{mount['mountPath']}/{keys['secret']['items'][0]['path']}"
    assert file == SETTINGS["INTERLOCK_ENCRYPTION_KEYS_FILE"]


def test_ports_are_those_that_are_listened_on_and_probed():
    web, worker = CONTAINERS["interlock-web"], CONTAINERS["interlock-worker"]
    assert str(web["ports"][0]["containerPort"]) == IMAGE_ENV["INTERLOCK_PORT"]
    port = literal(worker)["INTERLOCK_WORKER_PORT"]
    assert str(worker["ports"][0]["containerPort"]) == port
    for container in (web, worker):
        names = {p["name"] for p in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            assert asked["port"] in names
            assert asked["path"] in {"/healthz", "/readyz"}
    (service,) = of_kind("Service")
    assert service["spec"]["ports"][0]["targetPort"] == web["ports"][0]["name"]
    (route,) = of_kind("Ingress")[0]["spec"]["rules"][0]["http"]["paths"]
    assert route["backend"]["service"] == {
        "name": service["metadata"]["name"],
        "port": {"name": service["spec"]["ports"][0]["name"]},
    }
    opened = [
        p
        for d in of_kind("NetworkPolicy")
        for r in d["spec"].get("ingress", ())
        for p in r["ports"]
    ]
    assert {str(p["port"]) for p in opened} == {IMAGE_ENV["INTERLOCK_PORT"], port}


def test_selectors_find_what_they_are_for():
    for pod in of_kind("Deployment"):
        name = pod["metadata"]["name"]
        assert picks(pod["spec"]["selector"]["matchLabels"]) == [name]
    assert picks(of_kind("Service")[0]["spec"]["selector"]) == ["interlock-web"]
    for budget in of_kind("PodDisruptionBudget"):
        found = picks(budget["spec"]["selector"]["matchLabels"])
        assert found == [budget["metadata"]["name"]]
    for policy in of_kind("NetworkPolicy"):
        if labels := policy["spec"]["podSelector"].get("matchLabels"):
            assert picks(labels) == [policy["metadata"]["name"]]
    monitor = deploying.documents(KUBERNETES / "monitoring" / "pod-monitor.yaml")[0]["spec"]
    assert picks(monitor["selector"]["matchLabels"]) == ["interlock-worker"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert endpoint["port"] == CONTAINERS["interlock-worker"]["ports"][0]["name"]


def test_the_autoscaler_owns_the_workers_and_asks_for_what_the_adapter_brings():
    (scaler,) = of_kind("HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "interlock-worker")
    assert "replicas" not in PODS["interlock-worker"]["spec"]
    assert PODS["interlock-web"]["spec"]["replicas"] == scaler["spec"]["minReplicas"] == 3
    asked = {m["external"]["metric"]["name"] for m in scaler["spec"]["metrics"]}
    assert asked == {rule["name"]["as"] for rule in ADAPTER["rules"]["external"]}


def test_whoever_stops_has_time_to_drain():
    worker = PODS["interlock-worker"]["spec"]["template"]["spec"]
    drain_s = float(literal(CONTAINERS["interlock-worker"])["INTERLOCK_DRAIN_S"])
    assert worker["terminationGracePeriodSeconds"] >= drain_s + 10


def test_the_host_is_the_same_wherever_it_is_named():
    spec = of_kind("Ingress")[0]["spec"]
    (host,) = {spec["rules"][0]["host"], *spec["tls"][0]["hosts"]}
    assert SETTINGS["INTERLOCK_PUBLIC_URL"] == f"https://{host}"
    assert yaml.safe_load(SETTINGS["INTERLOCK_ALLOWED_HOSTS"]) == [host]
