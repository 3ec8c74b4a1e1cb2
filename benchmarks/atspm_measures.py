"""Performance measures of the PyPI package atspm from a controller's log.

    python -m benchmarks.atspm_measures LOG.sqlite --python ATSPM_ENVIRONMENT/bin/python

atspm needs an older pandas than the twin, so it lives in an environment of its own (`pip install atspm "duckdb<2"`
there); without it this says so and stops. The log's `hires` table goes to it as it is: TimeStamp, DeviceId, EventId,
Parameter.
"""

from __future__ import annotations

import argparse
import csv
import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

MEASURES = """
import json, sys
from atspm import SignalDataProcessor
names = ["has_data", "actuations", "arrival_on_green", "split_failures", "terminations", "timeline", "full_ped"]
extra = {"has_data": {"no_data_min": 5, "min_data_points": 1}, "actuations": {},
         "arrival_on_green": {"latency_offset_seconds": 0},
         "split_failures": {"red_time": 5, "red_occupancy_threshold": 0.8, "green_occupancy_threshold": 0.8,
                            "by_approach": True},
         "timeline": {"min_duration": 0.2, "cushion_time": 1},
         "full_ped": {"seconds_between_actuations": 15, "return_volumes": False}}
with SignalDataProcessor(raw_data=sys.argv[1], detector_config=sys.argv[2], bin_size=15, output_dir=sys.argv[3],
                         output_to_separate_folders=False, output_format="csv", output_file_prefix="", verbose=0,
                         aggregations=[{"name": n, "params": extra.get(n, {})} for n in names]) as processor:
    processor.load()
    processor.aggregate()
    found = {}
    for name in names:
        relation = processor.conn.execute(f"SELECT * FROM {name}")
        columns = [one[0] for one in relation.description]
        rows = relation.fetchall()
        found[name] = {"rows": len(rows), "columns": columns, "first": [str(v) for v in rows[0]] if rows else []}
        if name == "arrival_on_green" and rows:
            at = columns.index("Percent_AOG")
            values = [float(row[at]) for row in rows if row[at] is not None]
            found[name]["mean_percent_arrivals_on_green"] = 100 * sum(values) / len(values)
print(json.dumps(found))
"""


def write_events(log: Path, folder: Path) -> tuple[Path, Path]:
    """The events and the detectors of a log as the files that atspm takes."""
    with closing(sqlite3.connect(f"{log.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        events = connection.execute("SELECT time, device_id, event_id, parameter FROM hires ORDER BY rowid").fetchall()
        site = json.loads(connection.execute("SELECT value FROM provenance WHERE key = 'site'").fetchone()[0])
    rows = [(at.replace("T", " ").removesuffix("+00:00"), *rest) for at, *rest in events]
    raw = _csv(folder / "events.csv", ("TimeStamp", "DeviceId", "EventId", "Parameter"), rows)
    detectors = []
    for j, junction in enumerate(site["junctions"]):
        for zone in sorted({zone for zone in junction["zone_of"] if zone >= 0}):
            links = [link for link, own in enumerate(junction["zone_of"]) if own == zone]
            phases = [
                p for p, state in enumerate(junction["plan"]["phases"]) if any(state[link] in "Gg" for link in links)
            ]
            for function in ("Presence", "Advance"):
                detectors.append((j + 1, (phases or [0])[0] + 1, zone + 1, function))
    return raw, _csv(folder / "detectors.csv", ("DeviceId", "Phase", "Parameter", "Function"), detectors)


def _csv(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def main() -> int:
    """Compute and print the measures; exit code 2 where atspm is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("--python", default=sys.executable, help="of an environment that has atspm")
    given = parser.parse_args()
    there = subprocess.run([given.python, "-c", "import atspm"], capture_output=True, check=False)
    if there.returncode:
        sys.stderr.write(f"atspm is not installed for {given.python}: skipped\n")
        return 2
    with tempfile.TemporaryDirectory() as name:
        raw, detectors = write_events(given.log, Path(name))
        words = [given.python, "-c", MEASURES, str(raw), str(detectors), name]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        return 1
    sys.stdout.write(json.dumps(json.loads(done.stdout.splitlines()[-1]), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
