"""Another regency in place of Trenggalek: a folder of tables that stand in for the shipped ones of the same path.

    python -m twin regency copy --to ponorogo data/kecamatan data/villages data/regency programmes/data/budgets
    TWIN_REGENCY=ponorogo python -m twin run smoke

`ponorogo/data/villages.csv` then stands in for `twin/data/villages.csv`, and so on; what the folder has not stays as it
is shipped. The tables are part of every digest, so runs and cached months of two regencies never meet.
"""

from __future__ import annotations

import csv
import difflib
import functools
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from twin.errors import RegencyError

PACKAGE = Path(__file__).parent
VARIABLE = "TWIN_REGENCY"
CODE = re.compile(r"\d\d\.\d\d\.\d\d(\.\d{4})?")  # of a sub-district or a village, as the interior ministry writes it


@functools.cache
def shipped_tables() -> dict[str, Path]:
    """Every table of facts that can be replaced, by its path in the package without `.csv`."""
    found = sorted(path for path in PACKAGE.rglob("*.csv") if path.parent.name == "data")
    return {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in found}


@functools.cache
def folder() -> Path | None:
    """The folder that TWIN_REGENCY names, checked once a process; None for Trenggalek. Raises RegencyError."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    check(Path(named))
    return Path(named).absolute()


def tables(of: Path | None) -> list[Path]:
    """The tables of a regency's folder, in order; none for Trenggalek."""
    return sorted(of.rglob("*.csv")) if of is not None else []


def in_place_of(path: Path) -> Path:
    """The table that is to be read instead of a shipped one: the regency's own, where it has it."""
    own = folder()
    if own is None or not path.is_relative_to(PACKAGE):
        return path
    instead = own / path.relative_to(PACKAGE)
    return instead if instead.is_file() else path


def copy(names: Sequence[str], to: Path) -> list[Path]:
    """Copy shipped tables to a folder to begin from. Raises RegencyError for unknown names and for what is there."""
    faults = [_unknown(name) for name in names if name not in shipped_tables()]
    targets = {name: to / f"{name}.csv" for name in names}
    faults += [f"{path}: is there already, and is not overwritten" for path in targets.values() if path.exists()]
    if faults:
        raise RegencyError(str(to), faults)
    for name, path in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shipped_tables()[name], path)
    return list(targets.values())


def check(of: Path) -> list[str]:
    """Names of the tables that a folder replaces. Raises RegencyError with every fault.

    Each must stand where a shipped one stands and have its columns; seats must lie within the regency's limits, and no
    table in force, shipped or own, may name a sub-district or village that there is not.
    """
    if not of.is_dir():
        raise RegencyError(str(of), [f"is no folder; {VARIABLE} names one with tables such as data/villages.csv"])
    faults: list[str] = []
    rows: dict[str, list[dict[str, str]]] = {}
    for path in tables(of):
        name = path.relative_to(of).with_suffix("").as_posix()
        if name not in shipped_tables():
            faults.append(_unknown(name))
            continue
        try:
            rows[name] = _rows(path)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            faults.append(f"{name}.csv: cannot be read: {error}")
            continue
        wanted, have = (list(table[0]) if table else [] for table in (_rows(shipped_tables()[name]), rows[name]))
        missing = [column for column in wanted if column not in have]
        if not rows[name]:
            faults.append(f"{name}.csv: holds no row")
        elif missing:
            faults.append(f"{name}.csv: has no column {', '.join(missing)}; columns: {', '.join(wanted)}")
    if not rows and not faults:
        faults.append("holds no table; `python -m twin regency copy` makes some to begin from")
    if not faults:
        faults = _places_faults(rows)
    if faults:
        raise RegencyError(str(of), faults)
    return list(rows)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, restval=""))


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, shipped_tables(), n=1)
    return f"{name}.csv: stands in for no shipped table; " + (
        f"did you mean {near[0]}.csv?" if near else "`python -m twin regency tables` lists them"
    )


def _places_faults(own: dict[str, list[dict[str, str]]]) -> list[str]:
    """What does not agree between the tables of places and people."""

    def table(name: str) -> list[dict[str, str]]:
        return own[name] if name in own else _rows(shipped_tables()[name])

    faults: list[str] = []
    try:
        limits = {row["name"]: float(row["value"]) for row in table("data/regency")}
        seats = [
            (row["name"], float(row["seat_latitude_deg"]), float(row["seat_longitude_deg"]))
            for row in table("data/kecamatan")
        ]
    except ValueError as error:
        return [f"data/regency.csv or data/kecamatan.csv: {error}"]
    edges = [f"{axis}_{end}_deg" for axis in ("latitude", "longitude") for end in ("min", "max")]
    if absent := [edge for edge in edges if edge not in limits]:
        return [f"data/regency.csv: has no row {', '.join(absent)}"]
    for name, latitude, longitude in seats:
        inside = all(
            limits[f"{axis}_min_deg"] <= value <= limits[f"{axis}_max_deg"]
            for axis, value in (("latitude", latitude), ("longitude", longitude))
        )
        if not inside:
            faults.append(f"data/kecamatan.csv: {name}: seat {latitude}, {longitude} lies outside data/regency.csv")
    codes = {row["code"] for name in ("data/kecamatan", "data/villages") for row in table(name)}
    for name in shipped_tables():
        named = {
            value for row in table(name) for value in row.values() if isinstance(value, str) and CODE.fullmatch(value)
        }
        if unknown := sorted(named - codes):
            rest = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
            faults.append(f"{name}.csv: names places that there are not: {', '.join(unknown[:3])}{rest}")
    return faults
