"""The fast path: the models of `chain.py` for all sites at once, in one compiled pass over the hours of daylight.

Curves that depend on one angle alone (refraction, air mass, incidence-angle loss, cell heating by wind) are pvlib's own
functions, evaluated once into tables and read by linear interpolation. Perez' coefficients are pvlib's.
"""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
import pvlib

from twin.solar.pv.chain import FAIMAN, SAPM, Power
from twin.solar.pv.sun import PARALLAX_RAD, SunTrack, site_frames
from twin.solar.pv.system import ALBEDO, ETA_REFERENCE, PvSystem

CELLS = 8192
LOWEST_UP = -0.02  # sine of the elevation at which the tables begin: the sun's rim is gone there
HALF_MAX = 0.7072  # sin(45°): half of a zenith angle of 90°
WIND_MAX_M_S = 40.0
COS_85 = float(np.cos(np.radians(85)))


@dataclass(frozen=True)
class Weather:
    """Hourly weather of all sites, arrays of shape (sites, times): irradiance [W/m²], air [°C], wind [m/s]."""

    ghi: np.ndarray
    dni: np.ndarray
    dhi: np.ndarray
    temp_air_c: np.ndarray
    wind_m_s: np.ndarray


@functools.cache
def _curves() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Refraction [rad at 101,325 Pa] over sin(elevation); zenith [rad], air mass over sin(zenith / 2); IAM over cos."""
    up = np.linspace(LOWEST_UP, 1.0, CELLS + 1)
    refraction = np.radians(
        pvlib.spa.atmospheric_refraction_correction(1013.25, 12.0, np.degrees(np.arcsin(up)), 0.5667)
    )
    zenith = 2 * np.arcsin(np.linspace(0.0, HALF_MAX, CELLS + 1))
    airmass = pvlib.atmosphere.get_relative_airmass(np.minimum(np.degrees(zenith), 90.0))
    iam = pvlib.iam.physical(np.degrees(np.arccos(np.linspace(0.0, 1.0, CELLS + 1))))
    return refraction, np.ascontiguousarray(np.stack([zenith, airmass], axis=-1)), np.asarray(iam)


@functools.cache
def _perez() -> np.ndarray:
    f1, f2 = pvlib.irradiance._get_perez_coefficients("allsitescomposite1990")
    return np.ascontiguousarray(np.hstack([f1, f2]))


@functools.cache
def _heating(cell_model: str) -> np.ndarray:
    """Warming of a cell above the air by 1 W/m² [°C m²/W] over wind from 0 to WIND_MAX_M_S."""
    wind = np.linspace(0.0, WIND_MAX_M_S, CELLS + 1)
    if cell_model == "sapm":
        return np.asarray(pvlib.temperature.sapm_cell(1.0, 0.0, wind, **SAPM))
    return np.asarray(pvlib.temperature.faiman(1.0, 0.0, wind, **FAIMAN))


@numba.njit(cache=True, inline="always")
def _read(table, position):  # type: ignore[no-untyped-def]
    """Linear interpolation in a table of CELLS + 1 values at a position in cells."""
    cell = min(max(int(position), 0), CELLS - 1)
    rest = position - cell
    return table[cell] + rest * (table[cell + 1] - table[cell])


@numba.njit(cache=True, nogil=True)
def _site_dc(vector, extra, frame, pressure, planes, gamma, left, light, curves, dc_w):  # type: ignore[no-untyped-def]
    """DC power of one site after losses; `light` and `curves` as `dc_power_w` packs them."""
    ghi, dni, dhi, temp_air, wind = light
    refraction, zenith_airmass, iam, heating, perez = curves
    cells = float(CELLS)
    for h in range(len(dc_w)):
        total, beam, diffuse = ghi[h], dni[h], dhi[h]
        if total <= 0.0 and beam <= 0.0 and diffuse <= 0.0:
            dc_w[h] = 0.0
            continue
        x, y, z = vector[h, 0], vector[h, 1], vector[h, 2]
        east = frame[0, 0] * x + frame[0, 1] * y
        north = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z
        up = frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z
        level = np.sqrt(max(1.0 - up * up, 1e-12))
        bend = -PARALLAX_RAD * level
        if up > LOWEST_UP:
            bend += pressure * _read(refraction, (up - LOWEST_UP) * (cells / (1.0 - LOWEST_UP)))
        seen = up + bend * level - 0.5 * bend * bend * up
        shrink = np.sqrt(max(1.0 - seen * seen, 0.0)) / level
        daylight = seen >= 0.0
        zenith = airmass = clearness = 0.0
        b = 0
        if daylight and diffuse > 0.0:
            position = np.sqrt(max(0.5 * (1.0 - seen), 0.0)) * (cells / HALF_MAX)
            cell = min(int(position), CELLS - 1)
            rest = position - cell
            low, high = zenith_airmass[cell], zenith_airmass[cell + 1]
            zenith = low[0] + rest * (high[0] - low[0])
            airmass = low[1] + rest * (high[1] - low[1])
            cube = 1.041 * zenith * zenith * zenith
            clearness = ((diffuse + beam) / diffuse + cube) / (1.0 + cube)
            b = (int(clearness >= 1.065) + int(clearness >= 1.23) + int(clearness >= 1.5) + int(clearness >= 1.95)
                 + int(clearness >= 2.8) + int(clearness >= 4.5) + int(clearness >= 6.2))  # fmt: skip
        c = perez[b]
        brightness = diffuse * airmass / extra[h]
        f1 = max(c[0] + c[1] * brightness + c[2] * zenith, 0.0)
        f2 = c[3] + c[4] * brightness + c[5] * zenith
        power = 0.0
        for p in range(len(planes)):
            watt_peak, slope_east, slope_north, slope_up = planes[p]
            facing = shrink * (east * slope_east + north * slope_north) + seen * slope_up
            inside = max(facing, 0.0)
            sky = 0.0
            if daylight:
                tilted = np.sqrt(max(1.0 - slope_up * slope_up, 0.0))
                sky = diffuse * (0.5 * (1.0 - f1) * (1.0 + slope_up) + f1 * inside / max(seen, COS_85) + f2 * tilted)
            spread = max(sky, 0.0) + total * ALBEDO * 0.5 * (1.0 - slope_up)
            direct = beam * inside
            usable = direct * _read(iam, inside * cells) + spread
            cell_c = temp_air[h] + (direct + spread) * _read(heating, wind[h] * (cells / WIND_MAX_M_S))
            power += watt_peak * 1e-3 * usable * (1.0 + gamma * (cell_c - 25.0))
        dc_w[h] = power * left


@numba.njit(cache=True, nogil=True)
def _inverter(dc_w, dc_rating_w, efficiency, ac_w):  # type: ignore[no-untyped-def]
    """PVWatts' inverter (Dobos 2014), element by element."""
    scale, most = efficiency / ETA_REFERENCE, efficiency * dc_rating_w
    for i in range(len(dc_w)):
        if dc_w[i] == 0.0:
            ac_w[i] = 0.0
            continue
        load = dc_w[i] / dc_rating_w
        ac_w[i] = max(min(scale * (-0.0162 * load - 0.0059 / load + 0.9858) * dc_w[i], most), 0.0)


def fast_power(
    system: PvSystem,
    latitude_deg: np.ndarray,
    longitude_deg: np.ndarray,
    altitude_m: np.ndarray,
    track: SunTrack,
    weather: Weather,
) -> Power:
    """DC and AC power of every site [W], shape (sites, times); the models and the order of `chain_power`."""
    frames = site_frames(latitude_deg, longitude_deg)
    pressure = pvlib.atmosphere.alt2pres(altitude_m) / 101325.0
    slopes = [(np.radians(plane.tilt_deg), np.radians(plane.azimuth_deg), plane.panels_wp) for plane in system.planes]
    planes = np.array([(wp, np.sin(t) * np.sin(a), np.sin(t) * np.cos(a), np.cos(t)) for t, a, wp in slopes])
    curves = (*_curves(), _heating(system.cell_model), _perez())
    left = 1 - system.losses_percent / 100
    dc_w, ac_w = np.empty(weather.ghi.shape), np.empty(weather.ghi.shape)

    def one(i: int) -> None:
        light = (weather.ghi[i], weather.dni[i], weather.dhi[i], weather.temp_air_c[i], weather.wind_m_s[i])
        _site_dc(track.vector, track.extra_w_m2, frames[i], pressure[i], planes, system.gamma_per_c, left, light,
                 curves, dc_w[i])  # fmt: skip
        _inverter(dc_w[i], system.inverter_dc_w, system.inverter_efficiency, ac_w[i])

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        list(pool.map(one, range(len(frames))))
    return Power(dc_w, ac_w)
