"""A workflow that cannot be loaded, and says why in an attacker's words."""

import os

raise ImportError(os.environ["HOSTILE_TEXT"])
