"""What a system costs and is worth: the book's lines, replacements, levelised cost, net present value, payback."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twin.programmes.appraisal import annuity
from twin.solar.facts import values
from twin.solar.options import SolarOptions
from twin.solar.plan.rollout import capital_lines
from twin.solar.system import roof_of

PANELS, CONTROLLER, BATTERY, INVERTER = (
    "2 panels of 550 Wp", "solar charge controller 60 A", "battery 48 V 100 Ah", "inverter"
)  # fmt: skip


@dataclass(frozen=True)
class Capital:
    """Parts of the price of one site [Rp]; `fixed` is cables, technicians and the class."""

    panels_idr: float
    battery_idr: float
    electronics_idr: float
    fixed_idr: float

    @property
    def total_idr(self) -> float:
        """All of it."""
        return self.panels_idr + self.battery_idr + self.electronics_idr + self.fixed_idr


def capital_of(options: SolarOptions) -> Capital:
    """The book's prices scaled to a design: a panel, a kWh of battery; controllers and inverters in whole pieces."""
    lines, size, o = dict(capital_lines()), values("money"), options
    panel, kwh = lines.pop(PANELS) / size["panels"], lines.pop(BATTERY) / size["battery_kwh"]
    roof = roof_of(options)
    panels_kw = 0.0 if roof is None else roof.panels_wp / 1000
    controllers = max(1, math.ceil(panels_kw / size["controller_kw"]))
    inverters = max(1, math.ceil(o.inverter_kw / size["inverter_kw"]))
    electronics = controllers * lines.pop(CONTROLLER) + inverters * lines.pop(INVERTER)
    return Capital(o.panels * panel, o.battery_kwh * kwh, electronics, sum(lines.values()))


def replacements_idr(capital: Capital, battery_years: float, rate: float, horizon_years: int) -> float:
    """Present value of batteries and electronics bought again within the horizon [Rp]."""
    found = 0.0
    for price, life in (
        (capital.battery_idr, battery_years), (capital.electronics_idr, values("money")["inverter_life_years"])
    ):  # fmt: skip
        times = np.arange(life, horizon_years - 1e-9, life)
        found += price * float(((1 + rate) ** -times).sum())
    return found


@dataclass(frozen=True)
class Worth:
    """Money of one design over its horizon; `payback_years` is simple, and inf where upkeep eats the saving."""

    npv_idr: np.ndarray
    lcoe_idr_per_kwh: np.ndarray
    payback_years: np.ndarray


def worth(capital: Capital, saving_idr_year: np.ndarray, served_kwh_year: np.ndarray, battery_years: float) -> Worth:
    """For arrays of yearly savings and of energy served: the priors of `data/money.csv` for all else."""
    m = values("money")
    rate, years = m["discount_rate_percent"] / 100, int(m["horizon_years"])
    upkeep = capital.total_idr * m["operation_percent_year"] / 100
    factor = annuity(rate, years)
    cost = capital.total_idr + replacements_idr(capital, battery_years, rate, years) + upkeep * factor
    net = saving_idr_year - upkeep
    with np.errstate(divide="ignore"):
        lcoe = cost / (served_kwh_year * factor)
        payback = np.where(net > 0, capital.total_idr / np.where(net > 0, net, 1.0), np.inf)
    return Worth(saving_idr_year * factor - cost, lcoe, payback)
