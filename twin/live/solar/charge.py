"""A battery's charge: a Kalman filter over its energy balance, with the power sensor's constant error as a state.

State (charge, bias). In a step the charge changes by the power that is left when the bias is taken from what the sensor
told, times the charging efficiency, or over the discharging one; linearised there (extended Kalman filter: Simon,
Optimal State Estimation, 2006, 13.2). A charge told by the battery's voltage corrects both. Without a power reading the
last one is held, and the charge is known less well by as much as power varies in so long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ChargeModel:
    """A battery as it is believed: efficiencies 0 … 1, charges [kWh], and standard deviations of what is not known."""

    charge_efficiency: float
    discharge_efficiency: float
    least_kwh: float
    most_kwh: float
    step_h: float
    soc_sd_kwh: float
    power_sd_kw: float
    bias_sd_kw: float
    bias_walk_kw: float
    model_sd_kwh: float
    change_sd_kw: float  # of power from one step to the next


def estimate(model: ChargeModel, power_kw: np.ndarray, soc_kwh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the charge [kWh] (n, offices), from readings up to each step, NaN for none."""
    m, offices = model, power_kw.shape[1]
    mean = np.stack([np.full(offices, (m.least_kwh + m.most_kwh) / 2), np.zeros(offices)], axis=1)
    cov = np.zeros((offices, 2, 2))
    cov[:, 0, 0], cov[:, 1, 1] = ((m.most_kwh - m.least_kwh) / np.sqrt(12)) ** 2, m.bias_sd_kw**2
    last, age = np.zeros(offices), np.zeros(offices)
    means, sds = np.zeros_like(power_kw), np.zeros_like(power_kw)
    for k in range(len(power_kw)):
        there = ~np.isnan(power_kw[k])
        last, age = np.where(there, power_kw[k], last), np.where(there, 0.0, age + 1)
        net = last - mean[:, 1]
        gain = np.where(net > 0, m.charge_efficiency, 1 / m.discharge_efficiency) * m.step_h
        mean[:, 0] += gain * net
        unknown_kw2 = m.power_sd_kw**2 + age * m.change_sd_kw**2
        cov = _predicted(cov, gain)
        cov[:, 0, 0] += gain**2 * unknown_kw2 + m.model_sd_kwh**2
        cov[:, 1, 1] += m.bias_walk_kw**2
        told = ~np.isnan(soc_kwh[k])
        weight = np.where(told[:, None], cov[:, :, 0] / (cov[:, 0, 0] + m.soc_sd_kwh**2)[:, None], 0.0)
        mean += weight * np.where(told, soc_kwh[k] - mean[:, 0], 0.0)[:, None]
        cov = cov - weight[:, :, None] * cov[:, None, 0, :]
        mean[:, 0] = np.clip(mean[:, 0], m.least_kwh, m.most_kwh)
        means[k], sds[k] = mean[:, 0], np.sqrt(cov[:, 0, 0])
    return means, sds


def _predicted(cov: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """F P Fᵀ with F = [[1, −gain], [0, 1]]."""
    there = np.tile(np.eye(2), (len(gain), 1, 1))
    there[:, 0, 1] = -gain
    return there @ cov @ there.transpose(0, 2, 1)


def held(
    soc_kwh: np.ndarray, change_sd_kwh: np.ndarray, soc_sd_kwh: float, first: float
) -> tuple[np.ndarray, np.ndarray]:
    """Plain persistence: the last charge told, `first` before any; `change_sd_kwh` (n,) by its age in steps."""
    mean, sd = np.zeros_like(soc_kwh), np.zeros_like(soc_kwh)
    last, age = np.full(soc_kwh.shape[1], first), np.full(soc_kwh.shape[1], len(soc_kwh) - 1)
    for k, told in enumerate(soc_kwh):
        there = ~np.isnan(told)
        last, age = np.where(there, told, last), np.where(there, 0, np.minimum(age + 1, len(soc_kwh) - 1))
        mean[k], sd[k] = last, np.sqrt(soc_sd_kwh**2 + change_sd_kwh[age] ** 2)
    return mean, sd
