#!/bin/sh
# Format, lint, types, import contracts, the image and the dependencies. All are run, so that one call shows
# all that is wrong.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh dev
bin=.venv/bin
failed=""
mkdir -p build

run() {
    name=$1
    shift
    if "$@" >"build/check-$name.txt" 2>&1; then
        echo "check: $name ok"
    else
        failed="$failed $name"
        sed 's|build/types/interlock/||' "build/check-$name.txt"
    fi
}

# setuptools maps interlock.core to core/; mypy is given a tree that has the import names.
link_types() {
    mkdir -p build/types/interlock
    ln -sfn ../../../core build/types/interlock/core
    ln -sfn ../../../dashboard build/types/interlock/dashboard
}

link_types
run format "$bin/ruff" format --check .
run lint "$bin/ruff" check .
run types "$bin/mypy"
run imports "$bin/lint-imports" --no-logo --cache-dir build/import_linter_cache
run image "$bin/hadolint" Dockerfile
if command -v promtool >/dev/null; then
    run rules promtool check rules deploy/prometheus/rules.yml
    run alerts promtool test rules tests/prometheus_rules.yml
else
    echo "check: rules left out, there is no promtool (Debian: apt-get install prometheus)"
fi
# Without a network it says that nothing was looked at, and passes, unless AUDIT=must.
if "$bin/python" scripts/audit.py >build/check-audit.txt 2>&1; then
    echo "check: audit $(cat build/check-audit.txt)"
else
    failed="$failed audit"
    cat build/check-audit.txt
fi
[ -z "$failed" ] || { echo "check: failed:$failed (make format mends format and part of lint)" >&2; exit 1; }
