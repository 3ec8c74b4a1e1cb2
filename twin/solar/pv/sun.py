"""Where the sun stands: pvlib's algorithm once a day, a spline between, and one rotation a site.

A site of the regency sees the sun where every other one does, but for the rotation of its own horizon: the direction is
computed once a timestamp in a frame fixed to the Earth and turned into east, north and up with three products. Its
declination and its longitude against the clock change so slowly that daily values of pvlib's SPA (NREL) and a cubic
spline give them to about 1e-6 degree. That direction is the one from the Earth's centre; a site sees the sun lower by
its parallax.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib
from scipy.interpolate import CubicSpline

REFERENCE_DEG = (-8.1, 111.6)  # where pvlib is asked; the middle of the regency
PARALLAX_RAD = np.radians(8.794 / 3600)  # of the sun at the horizon, at its mean distance
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class SunTrack:
    """Earth-fixed unit vectors to the sun, shape (times, 3), and normal irradiance outside the air [W/m²], (times,)."""

    vector: np.ndarray
    extra_w_m2: np.ndarray


def site_frames(latitude_deg: np.ndarray, longitude_deg: np.ndarray) -> np.ndarray:
    """Unit vectors east, north, up of every site in the Earth-fixed frame, shape (sites, 3, 3)."""
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    zero = np.zeros_like(lat)
    east = np.stack([-np.sin(lon), np.cos(lon), zero], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return np.stack([east, north, up], axis=1)


def sun_track(times: pd.DatetimeIndex) -> SunTrack:
    """Direction of the sun from the Earth's centre at `times` (time-zone aware)."""
    utc = times.tz_convert("UTC")
    nodes = pd.date_range(utc.min().floor("D") - 3 * DAY, utc.max().ceil("D") + 3 * DAY, freq="D")
    table = pvlib.solarposition.get_solarposition(nodes, *REFERENCE_DEG, altitude=0)
    elevation, azimuth = np.radians(table["elevation"].to_numpy()), np.radians(table["azimuth"].to_numpy())
    elevation = elevation + PARALLAX_RAD * np.cos(elevation)
    local = np.stack(
        [np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)], axis=-1
    )
    frame = site_frames(np.array([REFERENCE_DEG[0]]), np.array([REFERENCE_DEG[1]]))[0]
    fixed = local @ frame
    days = (utc - nodes[0]) / DAY
    # At 0 h UT the sun is over the antimeridian, but for the equation of time.
    lag = np.angle(np.exp(1j * (np.arctan2(fixed[:, 1], fixed[:, 0]) - np.pi)))
    spline = CubicSpline(np.arange(len(nodes)), np.stack([np.arcsin(fixed[:, 2]), lag], axis=-1))
    declination, late = spline(days.to_numpy()).T
    longitude = np.pi + late - 2 * np.pi * (days.to_numpy() % 1.0)
    vector = np.stack(
        [np.cos(declination) * np.cos(longitude), np.cos(declination) * np.sin(longitude), np.sin(declination)],
        axis=-1,
    )
    return SunTrack(vector, np.asarray(pvlib.irradiance.get_extra_radiation(times), dtype=float))


def cos_zenith(track: SunTrack, latitude_deg: np.ndarray, longitude_deg: np.ndarray) -> np.ndarray:
    """Cosine of the true (not refracted) zenith angle, shape (sites, times)."""
    up = site_frames(latitude_deg, longitude_deg)[:, 2] @ track.vector.T
    return up - PARALLAX_RAD * (1 - up * up)
