"""How a battery loses capacity: by the calendar and by what passes through it; at 80 % it is replaced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

END_OF_LIFE = 0.8  # share of the first capacity at which makers end their cycle life


@dataclass(frozen=True)
class Life:
    """Full cycles, and years at rest, to the end of life."""

    cycles: float
    calendar_years: float


def faded(health: np.ndarray, discharged_kwh: np.ndarray, capacity_kwh: float, years: float, life: Life) -> np.ndarray:
    """Share of the first capacity that is left after so many years and kWh discharged; both losses add up linearly."""
    cycles = discharged_kwh / capacity_kwh if capacity_kwh > 0 else np.zeros_like(discharged_kwh)
    return health - (1 - END_OF_LIFE) * (cycles / life.cycles + years / life.calendar_years)


def replaced(health: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Health after worn-out batteries were replaced, and which were."""
    worn = health <= END_OF_LIFE
    return np.where(worn, 1.0, health), worn


def life_years(discharged_kwh_per_year: float, capacity_kwh: float, life: Life) -> float:
    """Years until a battery is worn out at this use."""
    cycles = discharged_kwh_per_year / capacity_kwh if capacity_kwh > 0 else 0.0
    return 1 / (cycles / life.cycles + 1 / life.calendar_years)
