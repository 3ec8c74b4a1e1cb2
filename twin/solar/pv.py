"""Photovoltaic output with pvlib: all sites at once on flattened arrays, and the slow path that is ModelChain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

# pvlib's "open_rack_glass_polymer": SAPM cell temperature of panels with air behind them.
THERMAL = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["open_rack_glass_polymer"]


@dataclass(frozen=True)
class Sun:
    """Where the sun stands, arrays of shape (sites, hours): angles [deg], irradiance outside the air [W/m²]."""

    zenith_deg: np.ndarray
    apparent_zenith_deg: np.ndarray
    azimuth_deg: np.ndarray
    extraterrestrial_normal: np.ndarray

    @property
    def extraterrestrial_horizontal(self) -> np.ndarray:
        """On a horizontal plane outside the air [W/m²]; 0 while the sun is down."""
        return self.extraterrestrial_normal * np.maximum(np.cos(np.radians(self.zenith_deg)), 0)


@dataclass(frozen=True)
class Irradiance:
    """Global, diffuse horizontal and direct normal irradiance [W/m²], shape (sites, hours)."""

    ghi: np.ndarray
    dhi: np.ndarray
    dni: np.ndarray


def sun_at(hours: pd.DatetimeIndex, latitude_deg: np.ndarray, longitude_deg: np.ndarray) -> Sun:
    """Sun positions for sites of shape (sites,); equal positions are computed once."""
    places, which = np.unique(np.column_stack([latitude_deg, longitude_deg]), axis=0, return_inverse=True)
    found = [pvlib.solarposition.get_solarposition(hours, lat, lon) for lat, lon in places]

    def of(column: str) -> np.ndarray:
        values = np.array([table[column].to_numpy() for table in found], dtype=float)
        return values.reshape(len(places), len(hours))[which.ravel()]

    extra = np.asarray(pvlib.irradiance.get_extra_radiation(hours), dtype=float)
    zenith = of("zenith")
    return Sun(zenith, of("apparent_zenith"), of("azimuth"), np.broadcast_to(extra, zenith.shape))


def irradiance_of(clearness: np.ndarray, sun: Sun, hours: pd.DatetimeIndex) -> Irradiance:
    """Split global irradiance = clearness × extraterrestrial into direct and diffuse (Erbs et al. 1982)."""
    ghi = clearness * sun.extraterrestrial_horizontal
    day_of_year = np.broadcast_to(hours.day_of_year.to_numpy(), ghi.shape)
    split = pvlib.irradiance.erbs(ghi, sun.zenith_deg, day_of_year)
    return Irradiance(ghi, np.asarray(split["dhi"]), np.asarray(split["dni"]))


def dc_kw(
    sun: Sun, light: Irradiance, temp_air_c: np.ndarray, wind_m_per_s: float,
    kwp: float, tilt_deg: float, azimuth_deg: float, gamma_per_c: float, losses_percent: float,
) -> np.ndarray:  # fmt: skip
    """DC power after losses [kW], shape (sites, hours).

    Perez transposition, physical incidence-angle loss, SAPM cell temperature, PVWatts DC: the models of
    `model_chain_dc_kw`, on flattened arrays.
    """
    shape = sun.zenith_deg.shape
    flat = {name: getattr(sun, name).ravel() for name in ("zenith_deg", "apparent_zenith_deg", "azimuth_deg")}
    airmass = pvlib.atmosphere.get_relative_airmass(flat["apparent_zenith_deg"])
    plane = pvlib.irradiance.get_total_irradiance(
        tilt_deg, azimuth_deg, flat["apparent_zenith_deg"], flat["azimuth_deg"],
        light.dni.ravel(), light.ghi.ravel(), light.dhi.ravel(),
        dni_extra=sun.extraterrestrial_normal.ravel(), airmass=airmass, model="perez",
    )  # fmt: skip
    aoi_deg = pvlib.irradiance.aoi(tilt_deg, azimuth_deg, flat["apparent_zenith_deg"], flat["azimuth_deg"])
    effective = plane["poa_direct"] * pvlib.iam.physical(aoi_deg) + plane["poa_diffuse"]
    cell_c = pvlib.temperature.sapm_cell(plane["poa_global"], temp_air_c.ravel(), wind_m_per_s, **THERMAL)
    power = pvlib.pvsystem.pvwatts_dc(effective, cell_c, kwp, gamma_per_c)
    return np.nan_to_num(np.asarray(power, dtype=float).reshape(shape)) * (1 - losses_percent / 100)


def model_chain_dc_kw(
    hours: pd.DatetimeIndex, latitude_deg: float, longitude_deg: float, light: Irradiance, temp_air_c: np.ndarray,
    wind_m_per_s: float, kwp: float, tilt_deg: float, azimuth_deg: float, gamma_per_c: float, losses_percent: float,
) -> np.ndarray:  # fmt: skip
    """The same for one site (arrays of shape (hours,)) by pvlib's ModelChain: slow, and the yardstick."""
    location = pvlib.location.Location(latitude_deg, longitude_deg, tz=str(hours.tz), altitude=0)
    array = pvlib.pvsystem.Array(
        pvlib.pvsystem.FixedMount(tilt_deg, azimuth_deg),
        module_parameters={"pdc0": kwp, "gamma_pdc": gamma_per_c},
        temperature_model_parameters=THERMAL,
    )
    system = pvlib.pvsystem.PVSystem([array], inverter_parameters={"pdc0": kwp})
    chain = pvlib.modelchain.ModelChain(
        system, location, dc_model="pvwatts", ac_model="pvwatts", aoi_model="physical", spectral_model="no_loss",
        temperature_model="sapm", losses_model="no_loss", transposition_model="perez", airmass_model="kastenyoung1989",
    )  # fmt: skip
    weather = {"ghi": light.ghi, "dhi": light.dhi, "dni": light.dni, "temp_air": temp_air_c, "wind_speed": wind_m_per_s}
    chain.run_model(pd.DataFrame(weather, index=hours))
    return chain.results.dc.fillna(0).to_numpy() * (1 - losses_percent / 100)
