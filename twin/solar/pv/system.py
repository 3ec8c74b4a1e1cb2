"""What stands on a roof: one to three planes of panels, losses, and the inverter, with pvlib's model for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALBEDO = 0.25  # pvlib's default ground
PANELS_PER_INVERTER = 1.1  # the source book's 1,100 Wp on a 1,000 W inverter
ETA_REFERENCE = 0.9637  # PVWatts' reference inverter


@dataclass(frozen=True)
class Plane:
    """A roof plane: panels [Wp], tilt and azimuth [deg], azimuth 0 = north, 90 = east."""

    panels_wp: float
    tilt_deg: float
    azimuth_deg: float


@dataclass(frozen=True)
class PvSystem:
    """Planes with common losses and one inverter.

    `losses_percent` holds soiling, wiring, mismatch and ageing together (`combined_losses_percent`); `cell_model` is
    pvlib's "sapm" (open rack, glass-polymer) or "faiman". `inverter_w` is the AC rating; None: as the book sizes it.
    """

    planes: tuple[Plane, ...]
    losses_percent: float = 14.0
    gamma_per_c: float = -0.0035
    inverter_efficiency: float = 0.96
    inverter_w: float | None = None
    cell_model: str = "sapm"

    def __post_init__(self) -> None:
        if not 1 <= len(self.planes) <= 3:
            raise ValueError(f"a roof has 1 to 3 planes, not {len(self.planes)}")

    @property
    def panels_wp(self) -> float:
        """Rating of all planes [Wp]."""
        return sum(plane.panels_wp for plane in self.planes)

    @property
    def inverter_dc_w(self) -> float:
        """DC power at which the inverter gives its rating [W]."""
        return (self.inverter_w or self.panels_wp / PANELS_PER_INVERTER) / self.inverter_efficiency


def combined_losses_percent(soiling: float, wiring: float, ageing_per_year: float, age_years: float) -> float:
    """Losses of several causes together [%], each acting on what the others leave (PVWatts v5, Dobos 2014, eq. 8)."""
    aged = 100 * (1 - (1 - ageing_per_year / 100) ** age_years)
    left = np.prod([1 - share / 100 for share in (soiling, wiring, aged)])
    return float(100 * (1 - left))
