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
data=build/coverage
rm -rf "$data" .coverage .coverage.*
mkdir -p "$data"

# The browser tests mostly wait, for a page or a worker: they run beside the others.
run() { # part, then arguments of pytest
    part=$1
    shift
    COVERAGE_FILE="$data/.coverage.$part" "$bin/pytest" "$@" --cov --cov-report= --cov-fail-under=0
}
run browser tests/e2e -p no:cacheprovider >"$data/browser.log" 2>&1 &
browser=$!
trap 'kill "$browser" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

status=0
run rest -n auto --dist loadgroup --ignore=tests/e2e || status=$?
echo "test: the rest is done; waiting for the tests in the browser" >&2
wait "$browser" || status=$?
cat "$data/browser.log"
[ "$status" -eq 0 ] || exit "$status"

"$bin/coverage" combine --quiet "$data/.coverage.rest" "$data/.coverage.browser"
"$bin/coverage" report
# What decides and what words the screens is pure, so every line and branch of it is reached.
"$bin/coverage" report --include="core/model/*,dashboard/views/*" --fail-under=100
