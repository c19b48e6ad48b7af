"""``python -m eventlet.httpc``: the command ``httpc``."""

from __future__ import annotations

import sys

from ._command._main import main

if __name__ == "__main__":
    sys.exit(main())
