"""The list of notebooks as a page: the first heading and the first paragraph of each file."""

from __future__ import annotations

import json
import re
from pathlib import Path

INTRODUCTION = """# Notebooks

`.venv/bin/jupyter lab notebooks` opens them. Each goes from data to a picture on its own, has its seeds and sizes in
one cell, and ends with exercises.
"""


def page(folder: Path) -> str:
    """One section a notebook, in the order of their names; says so where there is none yet."""
    found = sorted(folder.glob("*.ipynb"))
    return "\n".join([INTRODUCTION, *(map(_section, found) if found else ["None is here yet.\n"])])


def _section(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]  # nbformat would take seconds to import
    lines = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown").splitlines()
    headings = [line.lstrip("# ") for line in lines if line.startswith("#")]
    text = "\n".join("" if line.startswith("#") else line for line in lines).strip()
    paragraph = re.split(r"\n\s*\n", text)[0]
    return f"## {headings[0] if headings else path.stem}\n\n`notebooks/{path.name}`\n\n{paragraph}\n"
