"""Turning counts by quarter-hour: read from a table, checked against the network, all faults at once."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twin.errors import CountsError
from twin.traffic.demand.vehicles import kinds

QUARTER_S = 900
REQUIRED = ("junction", "from_edge", "to_edge", "begin", "count")
COLUMNS = (*REQUIRED, "vehicle")
ALL = "all"


class Turn(NamedTuple):
    """A movement through a junction, of one kind of vehicle or of `all`."""

    junction: str
    from_edge: str
    to_edge: str
    vehicle: str = ALL


@dataclass(frozen=True, eq=False)
class Counts:
    """Vehicles a turn and quarter-hour: `veh` has the shape (turns, quarters); whole numbers if counted, else expected.

    `begin_s` is the first quarter's time of day [s]; `prior` says that these are nobody's counts but an estimate.
    """

    where: str
    begin_s: int
    turns: tuple[Turn, ...]
    veh: np.ndarray
    prior: bool = False

    @property
    def quarters(self) -> int:
        """How many quarter-hours."""
        return int(self.veh.shape[1])

    def scaled(self, factor: float) -> Counts:
        """The same counts times `factor` [-]: expected numbers, not whole ones."""
        return replace(self, veh=self.veh * factor)

    def hourly(self) -> np.ndarray:
        """Mean flow over the whole time, one entry a turn [veh/h]."""
        return self.veh.sum(axis=1) * 3600 / (QUARTER_S * self.quarters)


def whole(counts: Counts, rng: np.random.Generator) -> Counts:
    """Expected counts as whole vehicles: every turn's running sum is rounded at its own random threshold.

    A count's expectation stays what it was, a turn's total is off by less than one, and whole counts stay as they are.
    """
    threshold = rng.random((len(counts.turns), 1))
    sums = np.floor(np.cumsum(counts.veh, axis=1) + threshold)
    return replace(counts, veh=np.diff(sums, axis=1, prepend=0.0))


def vehicle_turns(net: Any) -> dict[tuple[str, str], str]:
    """Every movement that a car may make in a sumolib network, and the junction where it makes it."""
    return {
        (edge.getID(), to.getID()): edge.getToNode().getID()
        for edge in net.getEdges()
        for to, connections in edge.getOutgoing().items()
        if any(connection.getFromLane().allows("passenger") for connection in connections)
    }


def read_counts(path: Path, net: Any) -> Counts:
    """Counts from a CSV file (comma or semicolon) with the columns junction, from_edge, to_edge, begin (HH:MM), count.

    A sixth column `vehicle` (motorcycle, car, bus, truck; `all` or nothing for all together) is optional. `net` is the
    network by sumolib. Raises CountsError with every fault: unknown columns, junctions, edges, turns (and the nearest
    spelling), edges that do not meet there, counts that are no whole numbers from 0 on, begins off the quarter-hour,
    quarters missing between the first and the last, rows given twice, `all` mixed with kinds.
    """
    rows = list(_rows(path))
    if not rows:
        raise CountsError(str(path), ["has a header and no rows"])
    turns = vehicle_turns(net)
    faults: list[str] = []
    seen: dict[tuple[Turn, int], tuple[int, int]] = {}  # (turn, begin) -> (line, count)
    for line, row in rows:
        found = [*_place_faults(row, net, turns), *_value_faults(row)]
        if not found:
            turn = Turn(row["junction"], row["from_edge"], row["to_edge"], row["vehicle"] or ALL)
            key = (turn, _begin_s(row["begin"]) or 0)
            if key in seen:
                found = [f"{_words(turn)} at {row['begin']}: given twice (first on line {seen[key][0]})"]
            seen.setdefault(key, (line, int(row["count"])))
        faults += [f"line {line}: {fault}" for fault in found]
    faults += _gaps(seen)
    if faults:
        raise CountsError(str(path), faults)
    return _table(path, {key: count for key, (_, count) in seen.items()})


def counts_csv(counts: Counts) -> str:
    """Counts as the CSV text that `read_counts` takes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*Turn._fields, "begin", "count"])
    for turn, row in zip(counts.turns, counts.veh, strict=True):
        for quarter, number in enumerate(row):
            begin_s = counts.begin_s + quarter * QUARTER_S
            writer.writerow([*turn, f"{begin_s // 3600:02}:{begin_s % 3600 // 60:02}", f"{number:.0f}"])
    return text.getvalue()


def _table(path: Path, found: dict[tuple[Turn, int], int]) -> Counts:
    turns, begins = sorted({turn for turn, _ in found}), sorted({begin for _, begin in found})
    veh = np.array([[float(found[turn, begin]) for begin in begins] for turn in turns])
    return Counts(str(path), begins[0], tuple(turns), veh)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Every row by column name, with its line in the file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CountsError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise CountsError(str(path), [f"is not UTF-8 text (byte {error.start}); save it as UTF-8"]) from error
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if header.count(";") > header.count(",") else ",")
    names = [name.strip().lower() for name in next(reader, [])]
    faults = [f"line 1: no column {c}; found: {', '.join(names)}" for c in REQUIRED if c not in names]
    faults += [f"line 1: unknown column {n!r}{_hint(n, COLUMNS)}" for n in names if n not in COLUMNS]
    faults += [f"line 1: column {n!r} is there twice" for n in sorted({n for n in names if names.count(n) > 1})]
    if faults:
        raise CountsError(str(path), faults)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            padded = [cell.strip() for cell in cells] + [""] * len(names)
            yield reader.line_num, {"vehicle": "", **dict(zip(names, padded, strict=False))}


def _hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(known)[:12])}"


def _words(turn: Turn) -> str:
    kind = "" if turn.vehicle == ALL else f" ({turn.vehicle})"
    return f"{turn.junction}: {turn.from_edge} → {turn.to_edge}{kind}"


def _place_faults(row: dict[str, str], net: Any, turns: dict[tuple[str, str], str]) -> list[str]:
    """What is wrong with a row's junction, edges and turn."""
    junction, from_edge, to_edge = row["junction"], row["from_edge"], row["to_edge"]
    faults = []
    if not net.hasNode(junction):
        junctions = sorted({at for at in turns.values() if net.getNode(at).getType() != "dead_end"})
        faults.append(f"unknown junction {junction!r}{_hint(junction, junctions)}")
    for column, edge in (("from_edge", from_edge), ("to_edge", to_edge)):
        if not net.hasEdge(edge):
            near_by = {
                edges[column == "to_edge"] for edges, at in turns.items() if at == junction or not net.hasNode(junction)
            }
            faults.append(f"{column}: unknown edge {edge!r}{_hint(edge, near_by)}")
    if faults:
        return faults
    ends, begins = net.getEdge(from_edge).getToNode().getID(), net.getEdge(to_edge).getFromNode().getID()
    if ends != junction:
        faults.append(f"edge {from_edge} ends at {ends}, not at {junction}")
    if begins != junction:
        faults.append(f"edge {to_edge} begins at {begins}, not at {junction}")
    if not faults and (from_edge, to_edge) not in turns:
        others = sorted(to for at, to in turns if at == from_edge)
        faults.append(f"no turn from {from_edge} into {to_edge} at {junction}; from there one can turn into {others}")
    return faults


def _begin_s(text: str) -> int | None:
    """Seconds of the day of a quarter-hour "HH:MM"; None for any other text."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):(00|15|30|45)", text)
    return int(found[1]) * 3600 + int(found[2]) * 60 if found else None


def _value_faults(row: dict[str, str]) -> list[str]:
    """What is wrong with a row's begin, kind and count."""
    faults = []
    if _begin_s(row["begin"]) is None:
        faults.append(f"begin: {row['begin']!r} is not a quarter-hour HH:00, HH:15, HH:30 or HH:45")
    if row["vehicle"] not in ("", ALL, *kinds()):
        faults.append(f"unknown vehicle {row['vehicle']!r}{_hint(row['vehicle'], (ALL, *kinds()))}")
    if not re.fullmatch(r"\d+", row["count"]):
        faults.append(f"count: {row['count']!r} is not a whole number from 0 on")
    return faults


def _gaps(seen: dict[tuple[Turn, int], tuple[int, int]]) -> list[str]:
    """Quarters, or kinds of vehicles, that some turn has no count of; a quarter that nobody has is told once."""
    if not seen:
        return []
    turns, begins = {turn for turn, _ in seen}, {begin for _, begin in seen}
    counted = {turn.vehicle for turn in turns}
    if ALL in counted and len(counted) > 1:
        return [f"counts of all vehicles are mixed with counts of {', '.join(sorted(counted - {ALL}))}; give one sort"]
    faults = []
    for begin in range(min(begins), max(begins) + QUARTER_S, QUARTER_S):
        clock = f"{begin // 3600:02}:{begin % 3600 // 60:02}"
        if begin not in begins:
            faults.append(f"no count of any turn at {clock}; write 0 where nobody passed")
        else:
            faults += [f"{_words(turn)}: no count at {clock}" for turn in sorted(turns) if (turn, begin) not in seen]
    movements = sorted({turn._replace(vehicle=ALL) for turn in turns})
    never = [turn for one in movements for kind in sorted(counted) if (turn := one._replace(vehicle=kind)) not in turns]
    return faults + [f"{_words(turn)}: never counted; write 0 where none passed" for turn in never]
