"""Who is simulated: the village offices, and what a scenario adds to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.places import Site as Office
from twin.places import distance_km, kecamatan
from twin.solar.options import SolarOptions


@dataclass(frozen=True)
class Site:
    """A place with a load. `kind` is office, mosque or jls; `planned` says whether the scenario gives it a system."""

    code: str
    kind: str
    kecamatan: str
    latitude_deg: float
    longitude_deg: float
    elevation_m: float | None
    planned: bool

    @property
    def off_grid(self) -> bool:
        """Whether PLN does not reach it at all."""
        return self.kind == "jls"


def sites_of(options: SolarOptions, offices: Sequence[Office]) -> list[Site]:
    """Every office in the order of codes, then the extra sites; these always have a system."""
    chosen = options.offices
    found = [
        Site(o.code, "office", o.kecamatan, o.latitude_deg, o.longitude_deg, o.elevation_m,
             chosen == "all" or o.code in chosen)
        for o in offices
    ]  # fmt: skip
    for extra in options.extra_sites:
        near = nearest_kecamatan(extra.latitude_deg, extra.longitude_deg)
        found.append(
            Site(extra.name, extra.kind, near, extra.latitude_deg, extra.longitude_deg, extra.elevation_m, True)
        )
    return found


def nearest_kecamatan(latitude_deg: float, longitude_deg: float) -> str:
    """The sub-district whose seat is nearest."""
    seats = kecamatan()
    far = [distance_km(latitude_deg, longitude_deg, seat.latitude_deg, seat.longitude_deg) for seat in seats]
    return seats[int(np.argmin(far))].name


def feeders(sites: Sequence[Site]) -> np.ndarray:
    """A number for every site; the sites of a kecamatan hang on one feeder."""
    names = sorted({site.kecamatan for site in sites})
    return np.array([names.index(site.kecamatan) for site in sites], dtype=np.int64)
