"""What is held against what, as a table: `evidence.csv`, each line with the test that does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from deploy.site.markdown import table
from twin.files import read_rows

ROOT = Path(__file__).resolve().parents[2]
LINES = Path(__file__).parent / "evidence.csv"
FOLDER = "explanation"


def files() -> Iterator[tuple[str, str]]:
    """Path on the site and text of every test file that the table names; a byte-order mark tells a browser UTF-8."""
    for name in sorted({line["test"] for line in read_rows(LINES)}):
        yield f"{FOLDER}/{name}.txt", "\ufeff" + (ROOT / name).read_text(encoding="utf-8")


def tables() -> str:
    """A table a part of the twin."""
    parts = []
    for part, lines in groupby(read_rows(LINES), key=lambda line: line["part"]):
        rows = [
            (line["what"], f"*{line['kind']}*: {line['against']}", _link(line["test"], line["function"]))
            for line in lines
        ]
        parts += [f"### {part}\n", table(("what", "held against", "test"), rows)]
    return "\n".join(parts)


def measured(path: Path) -> str:
    """What `python -m twin validate --json` found, as it was when the site was made."""
    if not path.is_file():
        return "`python -m twin validate` makes the table; `make docs` shows it here.\n"
    rows = [
        (
            f"{row['model']}: {row['compared']}", f"*{row['kind']}*: {row['with']}",
            *(_number(row[key], row["unit"]) for key in ("ours", "theirs")),
            *(_number(row[key], row["difference_unit"]) for key in ("difference", "tolerance")), row["verdict"],
        )
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]  # fmt: skip
    return table(("compared", "with", "ours", "theirs", "apart", "may be", "verdict"), rows)


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:,.4g} {unit}".removesuffix(" -")


def _link(test: str, function: str) -> str:
    return f"[{function.removeprefix('test_').replace('_', ' ')}]({test}.txt)"
