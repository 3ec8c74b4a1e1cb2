"""What the workers share: arguments from standard input, progress and result as lines of JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

NICENESS = 10  # the services come first


def _tell(**document: Any) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def progress(done: int, of: int, now: str = "") -> None:
    """Tell how far it is."""
    _tell(done=done, of=of, now=now)


def work(does: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Do the work of one job."""
    os.nice(NICENESS)
    _tell(result=does(json.load(sys.stdin)))
