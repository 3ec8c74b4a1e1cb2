"""JSON from outside is parsed only where it is not nested so deep that the parser's own stack could end the process.

Python raises RecursionError there, unless a package in the process has raised the limit: then it crashes.
"""

from __future__ import annotations

import json
import re
from typing import Any

MOST = 50
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def too_deep(text: bytes) -> bool:
    """Whether arrays and objects are nested more than `MOST` deep."""
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", text)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST:
            return True
    return False


def loads(text: str) -> Any:
    """As `json.loads`. Raises ValueError also where the text is nested too deep."""
    if too_deep(text.encode()):
        raise ValueError(f"nested more than {MOST} deep")
    return json.loads(text)
