#!/bin/sh
# Every test, with the floors of coverage. With arguments: those of pytest, and no floors.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh dev
bin=.venv/bin
# Compiled once for all processes of the tests, of which there are hundreds, whatever the shell says.
export PYTHONDONTWRITEBYTECODE=

if [ $# -gt 0 ]; then
    sh scripts/system_parts.sh || echo "test: going on, the tests asked for may not need them" >&2
    exec "$bin/pytest" -n auto --dist loadgroup "$@"
fi

sh scripts/system_parts.sh
rm -rf build/coverage .coverage .coverage.*
mkdir -p build/coverage
browser_log=build/browser.log

# The browser tests mostly wait, for a page or a worker: they run beside the others, two files at a
# time. What they reach is reached by the others too, so they are not slowed by counting it.
"$bin/pytest" tests/e2e -n 2 --dist loadfile -p no:cacheprovider >"$browser_log" 2>&1 &
browser=$!
trap 'kill "$browser" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

status=0
COVERAGE_FILE=build/coverage/.coverage.rest "$bin/pytest" --ignore=tests/e2e -n auto --dist loadgroup \
    --cov --cov-report= --cov-fail-under=0 || status=$?
echo "test: the rest is done; waiting for the tests in the browser" >&2
wait "$browser" || status=$?
cat "$browser_log"
[ "$status" -eq 0 ] || exit "$status"

"$bin/coverage" combine --quiet build/coverage
"$bin/coverage" report
# What decides and what words the screens is pure, so every line and branch of it is reached.
"$bin/coverage" report --include="core/model/*,dashboard/views/*" --fail-under=100
