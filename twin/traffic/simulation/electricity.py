"""What signals draw: lamps by the time that they are lit, controllers all the time; and how much of it is solar."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import numpy as np

from twin.files import read_rows
from twin.traffic.folders import DATA

DARK = "o"
WS_PER_KWH = 3.6e6


@functools.cache
def power() -> dict[str, float]:
    """Values of `data/signal_power.csv` by name [W, %]; sources and confidence stand there."""
    return {row["name"]: float(row["value"]) for row in read_rows(DATA / "signal_power.csv")}


def lit_seconds(
    changes: Iterable[tuple[float, int, str]], junctions: int, end_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lamp-seconds lit and seconds with electricity by junction, float (junctions,) each.

    `changes` are (time [s], junction, state) in order of time, a state lasting until the junction's next one or
    `end_s`. Every signal group (letter of the state) lights one lamp, whatever its colour; `o` is off.
    """
    lamps_s, powered_s = np.zeros(junctions), np.zeros(junctions)
    last: dict[int, tuple[float, str]] = {}
    closing = [(end_s, j, "") for j in range(junctions)]
    for time_s, j, state in [*changes, *closing]:
        since_s, shown = last.get(j, (time_s, ""))
        lit = sum(letter.lower() != DARK for letter in shown)
        lamps_s[j] += lit * (time_s - since_s)
        powered_s[j] += (time_s - since_s) * (lit > 0)
        last[j] = time_s, state
    return lamps_s, powered_s


def signal_electricity_kwh(lamps_s: np.ndarray, powered_s: np.ndarray, lamp: str = "led") -> np.ndarray:
    """Electricity of each junction [kWh], float (junctions,), from `lit_seconds`; `lamp` is led or incandescent.

    A signal group is taken as one head. Raises KeyError for another kind of lamp.
    """
    watts = power()
    return (lamps_s * watts[f"{lamp}_lamp"] + powered_s * watts["controller"]) / WS_PER_KWH


def signal_plts_percent(electricity_kwh: np.ndarray, hybrid: Sequence[bool]) -> float | None:
    """Share of all signals' electricity that is solar [%]: of the `hybrid` junctions the table's share, of others none.

    None where nothing was drawn.
    """
    total_kwh = float(electricity_kwh.sum())
    solar_kwh = float(electricity_kwh @ np.asarray(hybrid, dtype=float)) * power()["plts_percent"] / 100
    return 100 * solar_kwh / total_kwh if total_kwh > 0 else None
