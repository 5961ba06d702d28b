#!/bin/sh
# Every test, with the floors of coverage. With arguments: those of pytest, and no floors.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh dev
bin=.venv/bin

if [ $# -gt 0 ]; then
    sh scripts/system_parts.sh || echo "test: going on, the tests asked for may not need them" >&2
    exec "$bin/pytest" -n auto --dist loadgroup "$@"
fi

sh scripts/system_parts.sh
rm -f .coverage .coverage.*
# The browser tests come last and alone: a browser, a server and a worker fill two cores.
status=0
"$bin/pytest" -n auto --cov --cov-report= --cov-fail-under=0 --ignore=tests/e2e || status=$?
"$bin/pytest" tests/e2e --cov --cov-append --cov-report= --cov-fail-under=0 || status=$?
[ "$status" -eq 0 ] || exit "$status"
"$bin/coverage" report
# What decides and what words the screens is pure, so every line and branch of it is reached.
"$bin/coverage" report --include="core/model/*,dashboard/views/*" --fail-under=100
