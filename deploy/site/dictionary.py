"""The data dictionary as pages: tables of a run, key figures, and the tables of facts with their confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from deploy.site.markdown import code, table
from twin.files import read_rows
from twin.kpi import catalogue
from twin.module import read_tables
from twin.wording import programme_names

ROOT = Path(__file__).resolve().parents[2]
SECTORS = {
    "traffic": "Traffic", "solar": "Village solar", "labour": "Labour market", "carbon": "Carbon market",
    "programmes": "Programmes", "knowledge": "Knowledge", "live": "Live feeds",
}  # fmt: skip
SIGNS = {">=": "≥", "<=": "≤"}


def pages() -> Iterator[tuple[str, str]]:
    """Path and Markdown of each page."""
    yield "reference/tables.md", tables_page()
    yield "reference/key-figures.md", figures_page()
    yield "reference/facts.md", facts_page()


def tables_page() -> str:
    """Every table that a sector writes, column by column."""
    parts = [
        "# Tables of a run\n",
        "A run is one SQLite file. Each table has a column `month` (`2026-01`) before the columns below; a run holds "
        "this dictionary itself, and `python -m twin export RUN` writes it as `dictionary`.\n",
    ]
    files = sorted((ROOT / "twin").glob("*/*tables.csv"))
    for sector, own in groupby(files, key=lambda path: path.parent.name):
        parts.append(f"## {SECTORS[sector]}\n")
        for name, one in {name: t for path in own for name, t in read_tables(path).items()}.items():
            rows = [(code(c.name), c.kind, "" if c.unit == "-" else c.unit, c.description) for c in one.columns]
            parts += [f"### `{name}`\n", table(("column", "kind", "unit", "what it is"), rows)]
    return "\n".join(parts)


def figures_page() -> str:
    """The catalogue of key figures, programme by programme."""
    parts = [
        "# Key figures\n",
        "What each programme is judged by, computed from the rows of a run by the same code for a simulation, a replay "
        "and a street controller's log. Targets are the source book's and are tested, not assumed; a figure marked * "
        "stands on a [prior](../explanation/figures.md). One without a value is listed with its direction: no sector "
        "computes it yet.\n",
    ]
    names = programme_names("en")
    for programme, figures in groupby(catalogue().values(), key=lambda kpi: kpi.programme):
        rows = [
            (
                f"{kpi.title_en}{'*' if kpi.prior else ''}<br>{code(kpi.name)}",
                f"{kpi.unit}, {kpi.better}",
                "" if kpi.target is None else f"{SIGNS[kpi.target_op]} {kpi.target:,.10g}",
                kpi.formula if kpi.fn is not None else "not computed yet",
                kpi.prior_note if kpi.prior else "",
            )
            for kpi in figures
        ]
        header = ("figure", "unit, better", "target", "formula", "stands on")
        parts += [f"## {names.get(programme, programme)}\n", table(header, rows)]
    return "\n".join(parts)


def facts_page() -> str:
    """Every table of values with a confidence: where it lies, how much in it is a prior, and its sources."""
    parts = [
        "# Fact tables\n",
        "What the models know is kept in CSV files beside them. `stated` is what a source prints, most often the "
        "source book, `official` a statute or an office, `measured` ours or somebody's measurement, `prior` a labelled "
        "estimate.\n",
    ]
    for folder, files in groupby(sorted((ROOT / "twin").rglob("*.csv")), key=_home):
        found = [(path, read_rows(path)) for path in files]
        facts = [(path, rows) for path, rows in found if rows and "confidence" in rows[0]]
        if not facts:
            continue
        parts.append(f"## {SECTORS.get(folder, 'Regency')}\n")
        for path, rows in facts:
            counts = Counter(row["confidence"] for row in rows)
            told = ", ".join(f"{n} {word}" for word, n in counts.most_common())
            sources = "\n".join(f"    - {text}" for text in dict.fromkeys(row["source"] for row in rows) if text)
            parts += [
                f"### `{path.relative_to(ROOT).as_posix()}`\n", f"{len(rows)} rows: {told}.\n",
                f"Columns: {', '.join(code(name) for name in rows[0])}.\n", f'??? quote "Sources"\n{sources}\n',
            ]  # fmt: skip
    return "\n".join(parts)


def _home(path: Path) -> str:
    return path.relative_to(ROOT / "twin").parts[0]
