"""Whether to take the roads that Windows takes.

``EVENTLET_PORTABLE=1`` in the environment at the first import forces them on any platform, so that
they can be tested where they are not needed.
"""

from __future__ import annotations

import os
import sys

PORTABLE = sys.platform == "win32" or os.environ.get("EVENTLET_PORTABLE", "") not in ("", "0")
