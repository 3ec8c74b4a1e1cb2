"""Exporting a run's tables for other tools."""

from __future__ import annotations

import json
from pathlib import Path

from twin.run import Run

FORMATS = ("parquet", "csv")


def export_run(run: Run, to: Path | None = None, format: str = "parquet") -> list[Path]:
    """Write every table, the data dictionary and the provenance into a folder; returns the files' paths."""
    folder = to or run.path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in [*((name, run.table(name)) for name in run.tables), ("dictionary", run.dictionary)]:
        path = folder / f"{name}.{format}"
        if format == "parquet":
            table.to_parquet(path, index=False)
        else:
            table.to_csv(path, index=False)
        written.append(path)
    path = folder / "provenance.json"
    path.write_text(json.dumps(run.provenance, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*written, path]
