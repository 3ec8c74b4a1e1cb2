"""Where the 157 village offices are: official codes, default positions, and a checked import of better ones."""

from __future__ import annotations

import csv
import difflib
import functools
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from twin.errors import PlacesError
from twin.files import read_rows, write_whole
from twin.module import Options

DATA = Path(__file__).parent / "data"
COLUMNS = {  # canonical name -> what else a table may call it
    "code": ("code", "kode"),
    "latitude_deg": ("latitude_deg", "latitude", "lat"),
    "longitude_deg": ("longitude_deg", "longitude", "lon", "lng"),
    "elevation_m": ("elevation_m", "elevation", "elev", "elev_m", "elev_pvlib_m", "ketinggian"),
    "name": ("name", "nama"),
}
REQUIRED = ("code", "latitude_deg", "longitude_deg")
IMPORTED = "office_imported"


@dataclass(frozen=True)
class Kecamatan:
    """A sub-district and its seat (to about 0.02°)."""

    code: str
    name: str
    latitude_deg: float
    longitude_deg: float
    location_precision: str


@dataclass(frozen=True)
class Site:
    """A village office. `location_precision` tells whether the position is its own or its kecamatan seat's."""

    code: str
    name: str
    kind: str
    kecamatan: str
    latitude_deg: float
    longitude_deg: float
    elevation_m: float | None
    location_precision: str


class Position(Options):
    """An office's own position."""

    code: str
    latitude_deg: float
    longitude_deg: float
    elevation_m: float | None = None


class PlacesOptions(Options):
    """Positions of the offices; where none is given, an office stands at its kecamatan's seat."""

    file: str | None = Field(None, description="table made by `python -m twin places import`, beside the scenario file")
    positions: tuple[Position, ...] = Field((), description="the positions themselves; `file` is resolved into them")

    def sites(self) -> tuple[Site, ...]:
        """All offices in the order of their codes."""
        own = {position.code: position for position in self.positions}
        return tuple(_moved(site, own[site.code]) if site.code in own else site for site in villages())


def _read(name: str) -> list[dict[str, str]]:
    return read_rows(DATA / name)


@functools.cache
def kecamatan() -> tuple[Kecamatan, ...]:
    """The sub-districts: 14 in Trenggalek."""
    return tuple(
        Kecamatan(
            row["code"],
            row["name"],
            float(row["seat_latitude_deg"]),
            float(row["seat_longitude_deg"]),
            row["location_precision"],
        )
        for row in _read("kecamatan.csv")
    )


@functools.cache
def with_role(role: str) -> tuple[int, ...]:
    """Places, in `kecamatan()`, of the sub-districts with a role (`data/kecamatan_roles.csv`): capital, far, …"""
    codes = {row["kecamatan_code"] for row in _read("kecamatan_roles.csv") if row["role"] == role}
    return tuple(i for i, one in enumerate(kecamatan()) if one.code in codes)


@functools.cache
def villages() -> tuple[Site, ...]:
    """The villages, each at its kecamatan's seat: 157 in Trenggalek."""
    seats = {k.code: k for k in kecamatan()}
    found = []
    for row in _read("villages.csv"):
        seat = seats[row["kecamatan_code"]]
        position = (seat.latitude_deg, seat.longitude_deg, None, seat.location_precision)
        found.append(Site(row["code"], row["name"], row["kind"], seat.name, *position))
    return tuple(found)


@functools.cache
def limits() -> dict[str, float]:
    """What a position in the regency must keep to (`data/regency.csv`)."""
    return {row["name"]: float(row["value"]) for row in _read("regency.csv")}


def unknown_code(code: str) -> str | None:
    """What to say of a village code that there is not; None for a known one."""
    codes = [site.code for site in villages()]
    if code in codes:
        return None
    near = difflib.get_close_matches(code, codes, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]} ({_by_code()[near[0]].name})?" if near else f"valid: {codes[0]} … {codes[-1]}"
    return f"unknown village code {code!r}; {hint}"


def import_places(path: Path) -> tuple[Position, ...]:
    """Read a table of office positions: CSV with a comma or semicolon, headers in English or Indonesian.

    Raises PlacesError with every fault: unknown or repeated codes, names that belong to another code, positions outside
    the regency or far from the kecamatan's seat, values that are no numbers, missing columns.
    """
    rows = _table(path)
    positions: list[Position] = []
    faults: list[str] = []
    first_line: dict[str, int] = {}
    for line, row in rows:
        found = _row_faults(row, line)
        code = row["code"]
        if code in first_line:
            found.append(f"line {line}: code {code}: given twice (first on line {first_line[code]})")
        first_line.setdefault(code, line)
        faults += found
        if not found:
            elevation = _number(row.get("elevation_m", ""))
            positions.append(
                Position(
                    code=code,
                    latitude_deg=float(row["latitude_deg"]),
                    longitude_deg=float(row["longitude_deg"]),
                    elevation_m=elevation,
                )
            )
    if faults:
        raise PlacesError(str(path), faults)
    return tuple(sorted(positions, key=lambda position: position.code))


load_positions = import_places  # a scenario's table is checked as an imported one is


def write_positions(positions: Sequence[Position], path: Path, force: bool = False) -> None:
    """Write the table that a scenario's `places.file` takes; whole or not at all. Raises PlacesError if it is there."""
    if path.exists() and not force:
        raise PlacesError(str(path), ["is there already; --force overwrites it, --to names another"])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", "name", "latitude_deg", "longitude_deg", "elevation_m", "location_precision"])
    for p in positions:
        elevation = "" if p.elevation_m is None else p.elevation_m
        writer.writerow([p.code, _by_code()[p.code].name, p.latitude_deg, p.longitude_deg, elevation, IMPORTED])
    write_whole(path, text.getvalue())


@functools.cache
def _by_code() -> dict[str, Site]:
    return {site.code: site for site in villages()}


def _moved(site: Site, to: Position) -> Site:
    here = (to.latitude_deg, to.longitude_deg, to.elevation_m, IMPORTED)
    return Site(site.code, site.name, site.kind, site.kecamatan, *here)


def _table(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Rows by canonical column name, each with its line in the file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PlacesError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise PlacesError(str(path), [f"is not UTF-8 text (byte {error.start}); save it as UTF-8"]) from error
    except ValueError as error:
        raise PlacesError(str(path), [f"is no file's name: {error}"]) from error
    header, _, _ = text.partition("\n")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if header.count(";") > header.count(",") else ",")
    lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    if not lines:
        raise PlacesError(str(path), ["is empty"])
    names = [name.strip().lower() for name in lines[0][1]]
    place = {column: names.index(alias) for column, aliases in COLUMNS.items() for alias in aliases if alias in names}
    missing = [column for column in REQUIRED if column not in place]
    if missing:
        raise PlacesError(str(path), [_missing(column, names) for column in missing])
    if len(lines) == 1:
        raise PlacesError(str(path), ["has a header and no rows"])
    return [
        (line, {column: row[i].strip() if i < len(row) else "" for column, i in place.items()})
        for line, row in lines[1:]
    ]


def _missing(column: str, names: Sequence[str]) -> str:
    near = next(
        (m for alias in COLUMNS[column] for m in difflib.get_close_matches(alias, names, n=1, cutoff=0.7)), None
    )
    hint = f"is {near!r} meant?" if near else f"found: {', '.join(names)}"
    return f"line 1: no column {column} (also {', '.join(COLUMNS[column][1:])}); {hint}"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _row_faults(row: dict[str, str], line: int) -> list[str]:
    faults = []
    code = row["code"]
    if (unknown := unknown_code(code)) is not None:
        faults.append(f"line {line}: {unknown}")
    elif row.get("name") and row["name"].casefold() != _by_code()[code].name.casefold():
        faults.append(f"line {line}: {code} is {_by_code()[code].name}, not {row['name']!r}")
    for column in ("latitude_deg", "longitude_deg", "elevation_m"):
        text = row.get(column, "")
        if _number(text) is None and (text or column != "elevation_m"):
            hint = f"; write {text.replace(',', '.')}" if _number(text.replace(",", ".")) is not None else ""
            faults.append(f"line {line}: {column}: {text!r} is not a number{hint}")
    if not faults:
        faults += _position_faults(code, float(row["latitude_deg"]), float(row["longitude_deg"]), line)
    return faults


def _position_faults(code: str, latitude_deg: float, longitude_deg: float, line: int) -> list[str]:
    if (outside := outside_regency(latitude_deg, longitude_deg)) is not None:
        return [f"line {line}: {code}: {outside}"]
    seat = _by_code()[code]
    far = distance_km(latitude_deg, longitude_deg, seat.latitude_deg, seat.longitude_deg)
    if far > limits()["seat_distance_max_km"]:
        return [
            f"line {line}: {code}: {latitude_deg}, {longitude_deg} lies {far:.0f} km from the seat of {seat.kecamatan}"
        ]
    return []


def outside_regency(latitude_deg: float, longitude_deg: float) -> str | None:
    """What to say of a position that is not in the regency; None for one that is."""
    if _inside(latitude_deg, longitude_deg):
        return None
    hint = "; latitude and longitude seem swapped" if _inside(longitude_deg, latitude_deg) else ""
    hint = "; the minus sign of the latitude is missing" if _inside(-latitude_deg, longitude_deg) else hint
    return f"{latitude_deg}, {longitude_deg} lies outside the regency{hint}"


def _inside(latitude_deg: float, longitude_deg: float) -> bool:
    box = limits()
    return (
        box["latitude_min_deg"] <= latitude_deg <= box["latitude_max_deg"]
        and box["longitude_min_deg"] <= longitude_deg <= box["longitude_max_deg"]
    )


def distance_km(lat1_deg: float, lon1_deg: float, lat2_deg: float, lon2_deg: float) -> float:
    """Great-circle distance [km] on a sphere of 6,371 km (haversine)."""
    lat1, lat2 = math.radians(lat1_deg), math.radians(lat2_deg)
    dlat, dlon = lat2 - lat1, math.radians(lon2_deg - lon1_deg)
    a = math.sin(dlat / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(a))
