"""Downloads: a workbook of runs side by side, and the brief of one."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from dashboards import runs
from dashboards.runs import File
from dashboards.text import language, programme, t, title, unit_of
from twin.brief import brief
from twin.kpi import catalogue
from twin.run import Run
from twin.wording import said

MONTHLY = (
    "budget_balance",
    "programme_month",
    "appraisal",
    "solar_total",
    "labour_total",
    "carbon_month",
    "traffic_hour",
)
PRIOR = PatternFill("solid", fgColor="FFF3D6")
FORMULA = ("=", "+", "-", "@")  # a cell that begins so would be computed by a spreadsheet


def workbook(picked: Mapping[str, File]) -> bytes:
    """Figures of all runs with unit, target, source and prior; the scenarios; and the monthly tables, as XLSX."""
    book = Workbook()
    book.remove(book.active)
    _figures(book, picked)
    _scenarios(book, picked)
    _sheet(book, "dictionary", *_frame(runs.dictionary(next(iter(picked.values())))))
    for table in MONTHLY:
        frames = [
            runs.table(file, table).assign(variant=name)
            for name, file in picked.items()
            if len(runs.table(file, table))
        ]
        if frames:
            headers = ["variant", *(column for column in frames[0].columns if column != "variant")]
            _sheet(book, table, headers, (row for frame in frames for row in frame[headers].itertuples(index=False)))
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _figures(book: Workbook, picked: Mapping[str, File]) -> None:
    headers = [t(f"column.{key}") for key in ("programme", "figure", "unit")] + list(picked)
    headers += [t(f"column.{key}") for key in ("target", "source", "formula", "prior")]
    rows, priors = [], []
    for name, kpi in catalogue().items():
        values = [runs.values(file).get(name) for file in picked.values()]
        if all(value is None for value in values):
            continue
        target = "" if kpi.target is None else f"{kpi.target_op} {kpi.target:g}"
        note = (said(kpi.prior_note, language()) or t("yes")) if kpi.prior else ""
        rows.append(
            [
                programme(kpi.programme),
                title(kpi),
                unit_of(kpi.unit),
                *values,
                target,
                said(kpi.source, language()),
                kpi.formula,
                note,
            ]
        )
        priors.append(kpi.prior)
    sheet = _sheet(book, t("export.figures"), headers, rows)
    for number, prior in enumerate(priors, start=2):
        for cell in sheet[number] if prior else ():
            cell.fill = PRIOR
    sheet.append([])
    sheet.append([t("export.prior_legend")])


def _scenarios(book: Workbook, picked: Mapping[str, File]) -> None:
    flat = {name: dict(_flat("", runs.scenario(file).resolved())) for name, file in picked.items()}
    paths = dict.fromkeys(path for one in flat.values() for path in one)
    rows = [[path, *(one.get(path) for one in flat.values())] for path in paths]
    _sheet(book, t("export.assumptions"), [t("assumptions.path"), *picked], rows)


def _flat(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner)
    else:
        yield path, value if value is None or isinstance(value, str | int | float) else str(value)


def _frame(frame: Any) -> tuple[list[str], Iterable[Sequence[Any]]]:
    return list(frame.columns), frame.itertuples(index=False)


def _sheet(book: Workbook, name: str, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """A sheet with a bold, fixed header; nothing in it is a formula."""
    sheet = book.create_sheet(name[:31])
    sheet.append([_plain(header) for header in headers])
    for row in rows:
        sheet.append([_plain(value) for value in row])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for number in range(1, len(headers) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = 22
    return sheet


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return None if value != value else value


def brief_bytes(file: File) -> bytes:
    """The two-page brief of a run."""
    with Run.open(file.path) as run:
        return brief(run)
