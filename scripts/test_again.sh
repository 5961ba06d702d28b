#!/bin/sh
# Of what failed beside hundreds of other processes, once more and alone: what fails again is broken. What
# passes now is named, to be mended: it waited too short a time, or it found a fault that is rare. So few may be.
set -eu
cd "$(dirname "$0")/.."
most=3
names=$(.venv/bin/python - <<'EOF'
import json
import re
from pathlib import Path

for place in sorted(Path("build/failed").glob("*/v/cache/lastfailed")):
    for name in json.loads(place.read_text(encoding="utf-8")):
        print(re.sub(r"@\w+$", "", name))  # the group it ran in
EOF
)
count=$(printf '%s\n' "$names" | grep -c . || true)
if [ "$count" -eq 0 ] || [ "$count" -gt "$most" ]; then
    echo "test: $count tests failed; up to $most are tried again" >&2
    exit 1
fi
printf '%s\n' "$names" | sed 's/^/test: failed, tried again alone: /' >&2
printf '%s\n' "$names" | tr '\n' '\0' | xargs -0 .venv/bin/pytest -p no:cacheprovider -p no:randomly
