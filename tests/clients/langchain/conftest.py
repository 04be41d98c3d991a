"""The servers are those of the official clients' tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

from servers import proxy, upstream_server  # noqa: E402, F401
