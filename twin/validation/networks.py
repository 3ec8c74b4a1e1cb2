"""RESCO's networks: our delay beside what Ault and Sharon published."""

from __future__ import annotations

from pathlib import Path

from twin.files import read_rows
from twin.traffic.studies.evaluate import baselines
from twin.validation.comparison import Comparison, Found

PUBLISHED = Path(__file__).parent / "data" / "resco_published.csv"
NOTE = "the size alone is compared: their SUMO is 1.9, ours 1.28 and counts all demand; our max-pressure is tuned"


def resco() -> Found:
    """An hour of each published case, one seed."""
    found: Found = []
    for row in read_rows(PUBLISHED):
        (ours,) = baselines([row["network"]], [row["controller"]], [1])
        found.append(
            Comparison(
                "traffic in SUMO", f"mean delay on {row['network']} under {row['controller']}", row["source"], "data",
                row["unit"], ours["delay_s"], float(row["value"]), 0.4, note=NOTE,
            )
        )  # fmt: skip
    return found
