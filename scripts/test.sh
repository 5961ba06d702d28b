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
rm -rf build/coverage build/failed .coverage .coverage.*
mkdir -p build/coverage
browser_log=build/browser.log

# Counting what is reached makes a test take two or three times as long. So each line is to be reached by a
# plain example in its own process, on SQLite; those are counted. What Hypothesis finds, what runs on
# Postgres, in other processes and in the browser holds the same lines to more, uncounted.
near="tests/unit tests/contract tests/dashboard"
apart="tests/integration/test_worker_*.py tests/integration/test_cli_*.py"
heavy="hypothesis or postgres"

# The browser tests mostly wait, for a page or a worker: they run beside the others, two files at a time.
"$bin/pytest" tests/e2e -n 2 --dist loadfile -o cache_dir=build/failed/browser >"$browser_log" 2>&1 &
browser=$!
trap 'kill "$browser" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# Those that start processes come first, as long as the browser tests leave room. Not more at a time than there
# are cores: what they start needs these, and a test that has to wait for its turn waits too long.
status=0
note() { [ "$1" -le "$status" ] || status=$1; }
"$bin/pytest" tests/integration -n auto --dist loadgroup -o cache_dir=build/failed/rest \
    --ignore-glob="tests/integration/test_worker_*.py" --ignore-glob="tests/integration/test_cli_*.py" || note $?
# shellcheck disable=SC2086 # these are several, and patterns
"$bin/pytest" $near $apart -n auto --dist loadgroup -o cache_dir=build/failed/rest -k "$heavy" || note $?
# shellcheck disable=SC2086
COVERAGE_FILE=build/coverage/.coverage.rest "$bin/pytest" $near $apart -n auto --dist loadgroup -o cache_dir=build/failed/rest \
    -k "not ($heavy)" --cov --cov-report= --cov-fail-under=0 || note $?
echo "test: the rest is done; waiting for the tests in the browser" >&2
wait "$browser" || note $?
cat "$browser_log"
# 1 is "tests failed"; anything else, that they could not be run.
[ "$status" -le 1 ] || exit "$status"
[ "$status" -eq 0 ] || sh scripts/test_again.sh

"$bin/coverage" combine --quiet build/coverage
"$bin/coverage" report
# What decides and what words the screens is pure, so every line and branch of it is reached.
"$bin/coverage" report --include="core/model/*,dashboard/views/*" --fail-under=100
