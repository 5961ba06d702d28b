#!/bin/sh
# Make .venv and install the locked versions and the project into it.
# With "dev", the tools of the tests and checks too. Does nothing when nothing changed.
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in
    dev) kind=dev lock=requirements-dev.lock ;;
    "") kind=run lock=requirements.lock ;;
    *) echo "usage: scripts/setup.sh [dev]" >&2; exit 2 ;;
esac

say() { echo "setup: $*" >&2; }
stop() { say "$*"; exit 1; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
# The folder is part of it: a moved .venv has scripts that point nowhere.
state() { { pwd -P; .venv/bin/python -V; cat "$1" pyproject.toml; } 2>&1 | cksum; }
is_current() { [ -f ".venv/.installed-$1" ] && [ "$(cat ".venv/.installed-$1")" = "$(state "$2")" ]; }

find_python() {
    for name in python3.13 python3.12 python3.11 python3; do
        command -v "$name" >/dev/null && is_new_enough "$name" && command -v "$name" && return
    done
    return 1
}

make_venv_with_python() {
    python=$(find_python) ||
        stop "Python 3.11 or newer is needed. On Debian or Ubuntu: apt-get install python3 python3-venv"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || {
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        stop "$python cannot make virtual environments. On Debian or Ubuntu: apt-get install python$version-venv"
    }
    say "making .venv with $("$python" -V)"
    rm -rf .venv
    "$python" -m venv .venv
}

make_venv_with_uv() {
    say "making .venv with uv"
    rm -rf .venv
    # uv fetches a Python itself where the machine has none that fits.
    uv venv --quiet --seed --python ">=3.11,<3.14" .venv
}

has_uv() { command -v uv >/dev/null && uv --version >/dev/null 2>&1; }

install() {
    if has_uv; then
        uv pip install --quiet --compile-bytecode --python .venv/bin/python "$@"
    else
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

# requirements-dev.lock holds all of requirements.lock, so it serves for both.
if is_new_enough .venv/bin/python; then
    is_current dev requirements-dev.lock && exit 0
    is_current "$kind" "$lock" && exit 0
elif has_uv; then
    make_venv_with_uv
else
    make_venv_with_python
fi
if ! has_uv && ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    .venv/bin/python -m ensurepip >/dev/null # uv made this .venv, and uv is gone
fi

say "installing the versions of $lock (some minutes the first time)"
rm -f .venv/.installed-*
install --require-hashes -r "$lock"
# The backend is in the lock, so that nothing unlocked is fetched to build the project.
install --no-deps --no-build-isolation --no-index -e .
# Once here instead of at every start: where Python may not keep what it compiles, that halves a start.
# Some packages ship files that are not for this Python; those are left as they are.
.venv/bin/python -m compileall -q -j 0 .venv/lib core dashboard >/dev/null 2>&1 || true
state "$lock" >".venv/.installed-$kind"
say "done"
