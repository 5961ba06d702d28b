"""`python -m interlock.core.cli`: what `up` starts its children with."""

from __future__ import annotations

import sys

from interlock.core.cli import main

if __name__ == "__main__":
    sys.exit(main())
