"""Charts of a run: each function reads rows and gives an Altair chart, or None where the run has not what it needs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import pandas as pd

from twin.carbon.figures import TITLES as CARBON
from twin.carbon.figures import Chart
from twin.files import read_rows
from twin.labour.figures import TITLES as LABOUR
from twin.palette import PALETTE
from twin.programmes.figures import TITLES as PROGRAMMES
from twin.run import Run
from twin.wording import INPUT_TITLES

MILLION = 1_000_000
WIDTH, HEIGHT = 640, 260


def _sized(chart: alt.Chart | alt.LayerChart, title: str, height: int = HEIGHT) -> alt.Chart | alt.LayerChart:
    return chart.properties(title=title, width=WIDTH, height=height)


def traffic_delay(run: Run) -> alt.Chart | alt.LayerChart | None:
    """Mean delay of a representative hour, month by month, for every network and controller."""
    if not run.has("traffic_hour"):
        return None
    chart = (
        alt.Chart(run.table("traffic_hour"))
        .mark_line(point=True)
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("delay_s:Q", title="mean delay a vehicle [s], not yet inserted included"),
            color=alt.Color("network:N", scale=alt.Scale(range=PALETTE)),
            strokeDash="controller:N",
            tooltip=["month", "network", "controller", "delay_s", "delay_p95_s", "vehicles", "not_inserted"],
        )
    )
    return _sized(chart, "Delay in a representative hour")


def traffic_queues(run: Run) -> alt.Chart | alt.LayerChart | None:
    """The lanes of the first network, and the queues on them at the busiest moment of its first hour."""
    if not run.has("traffic_queue"):
        return None
    from twin.traffic.networks.geometry import lane_points

    queues = run.table("traffic_queue")
    points = pd.DataFrame(lane_points(queues.network.iloc[0]))
    x = alt.X("x_m:Q", title="east [m]", scale=alt.Scale(zero=False))
    y = alt.Y("y_m:Q", title="north [m]", scale=alt.Scale(zero=False))
    lanes = (
        alt.Chart(points).mark_line(color="#999999", strokeWidth=1).encode(x=x, y=y, detail="lane:N", order="point:Q")
    )
    shown = points.merge(queues[queues.halting_veh > 0], on="lane")
    color = alt.Color("halting_veh:Q", title="halting [veh]", scale=alt.Scale(scheme="plasma", reverse=True))
    waiting = (
        alt.Chart(shown)
        .mark_line(strokeWidth=5)
        .encode(x=x, y=y, detail="lane:N", order="point:Q", color=color, tooltip=["lane", "halting_veh"])
    )
    minute = queues.at_s.iloc[0] / 60
    return _sized(
        lanes + waiting, f"Queues of {queues.network.iloc[0]} in its busiest moment (minute {minute:.0f})", 360
    )


LAMPS = {"G": "#009E73", "g": "#7FCFB9", "y": "#F0E442", "r": "#D55E00", "s": "#CC79A7", "o": "#999999"}


def signal_timing(run: Run) -> alt.Chart | alt.LayerChart | None:
    """The lamps of the largest signal over some minutes: a signal-timing diagram."""
    if not run.has("traffic_lamp"):
        return None
    lamps = run.table("traffic_lamp")
    lamps["group"] = lamps.link.map("{:02d} ".format) + lamps.approach
    chart = (
        alt.Chart(lamps)
        .mark_bar(height=9)
        .encode(
            x=alt.X("from_s:Q", title="time [s]"),
            x2="until_s:Q",
            y=alt.Y("group:N", title="signal group and approach"),
            color=alt.Color("lamp:N", scale=alt.Scale(domain=list(LAMPS), range=list(LAMPS.values()))),
            tooltip=["group", "lamp", "from_s", "until_s"],
        )
    )
    return _sized(chart, f"Signal timing of {lamps.signal.iloc[0]} ({lamps.network.iloc[0]})", 300)


def solar_energy(run: Run) -> alt.Chart | alt.LayerChart | None:
    """Where the offices' electricity comes from, month by month."""
    if not run.has("solar_total"):
        return None
    total = run.table("solar_total")
    flows = total.assign(**{"from solar": total.served_kwh, "from the grid": total.grid_kwh, "unmet": total.unmet_kwh})
    flows = flows.melt("month", ["from solar", "from the grid", "unmet"], "source", "energy_kwh")
    chart = (
        alt.Chart(flows)
        .mark_bar()
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("energy_kwh:Q", title="energy [kWh]"),
            color=alt.Color("source:N", scale=alt.Scale(range=[PALETTE[0], PALETTE[1], PALETTE[5]])),
            tooltip=["month", "source", alt.Tooltip("energy_kwh:Q", format=",.0f")],
        )
    )
    return _sized(chart, "Electricity used in all simulated offices")


def solar_week(run: Run) -> alt.Chart | alt.LayerChart | None:
    """Energy flows of a week in one office, hour by hour."""
    week = run.table("solar_week") if run.has("solar_week") else None
    if week is None or week.empty:
        return None
    flows = week.melt("hour", ["pv_kwh", "load_kwh", "served_kwh", "grid_kwh", "soc_kwh"], "flow", "energy_kwh")
    chart = (
        alt.Chart(flows)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("hour:Q", title="hour of the week"),
            y=alt.Y("energy_kwh:Q", title="kWh in the hour (soc: kWh stored)"),
            color=alt.Color("flow:N", scale=alt.Scale(range=PALETTE)),
            tooltip=["hour", "flow", "energy_kwh"],
        )
    )
    return _sized(chart, f"A week in one office ({week['code'].iloc[0]})")


def solar_outage_day(run: Run) -> alt.Chart | alt.LayerChart | None:
    """A day on which PLN failed one office for long: what carried it, hour by hour; grey where PLN was gone."""
    day = run.table("solar_outage_day") if run.has("solar_outage_day") else None
    if day is None or day.empty:
        return None
    day["until"] = day.hour + 1
    flows = day.melt("hour", ["pv_kwh", "load_kwh", "served_kwh", "unmet_kwh", "soc_kwh"], "flow", "energy_kwh")
    x = alt.X("hour:Q", title="hour of the day")
    gone = (
        alt.Chart(day[day.out_min > 0])
        .mark_rect(color="#999999")
        .encode(x=x, x2="until:Q", opacity=alt.Opacity("out_min:Q", title="minutes without PLN"))
    )
    lines = (
        alt.Chart(flows)
        .mark_line(interpolate="step-after")
        .encode(
            x=x,
            y=alt.Y("energy_kwh:Q", title="kWh in the hour (soc: kWh stored)"),
            color=alt.Color("flow:N", scale=alt.Scale(range=PALETTE)),
            tooltip=["hour", "flow", "energy_kwh"],
        )
    )
    return _sized(gone + lines, f"A day with an outage ({day['code'].iloc[0]}, {day['month'].iloc[0]})")


def solar_loss_of_load(run: Run) -> alt.Chart | alt.LayerChart | None:
    """Loss-of-load curve: in which share of the office-months more than so much load was met by nobody."""
    if not run.has("solar_reliability"):
        return None
    table = run.table("solar_reliability")
    table["office"] = table.has_system.map({1: "with a system", 0: "without"})
    table["rank"] = table.groupby("office").unmet_kwh.rank(method="first", ascending=False)
    table["share_percent"] = 100 * table["rank"] / table.groupby("office").unmet_kwh.transform("size")
    table["step"] = table.share_percent.round()
    curve = table.groupby(["office", "step"], as_index=False).unmet_kwh.mean()
    chart = (
        alt.Chart(curve)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("step:Q", title="share of office-months with at least so much [%]"),
            y=alt.Y("unmet_kwh:Q", title="load that nobody met [kWh/month]"),
            color=alt.Color("office:N", scale=alt.Scale(range=PALETTE)),
            tooltip=["office", "step", alt.Tooltip("unmet_kwh:Q", format=".2f")],
        )
    )
    return _sized(chart, "Loss of load in PLN's outages (outages are drawn from a prior)")


def solar_map(run: Run) -> alt.Chart | alt.LayerChart | None:
    """Share of each office's load that its system carried, on a map of points."""
    if not run.has("solar_month"):
        return None
    by_office = (
        run.table("solar_month").groupby("code", as_index=False)[["served_kwh", "load_kwh", "vehicles_kwh"]].sum()
    )
    sites = pd.DataFrame(
        [
            (s.code, s.name, s.kecamatan, s.latitude_deg, s.longitude_deg, s.location_precision)
            for s in run.scenario.places.sites()
        ],
        columns=["code", "office", "kecamatan", "latitude_deg", "longitude_deg", "location_precision"],
    )
    by_office = by_office.merge(sites, on="code")
    by_office["served_percent"] = 100 * by_office.served_kwh / (by_office.load_kwh + by_office.vehicles_kwh)
    chart = (
        alt.Chart(by_office)
        .mark_circle(size=70, opacity=0.6)
        .encode(
            x=alt.X("longitude_deg:Q", title="longitude [°E]", scale=alt.Scale(zero=False)),
            y=alt.Y("latitude_deg:Q", title="latitude [°N]", scale=alt.Scale(zero=False)),
            color=alt.Color("served_percent:Q", title="load served [%]", scale=alt.Scale(scheme="viridis")),
            tooltip=["office", "kecamatan", alt.Tooltip("served_percent:Q", format=".1f"), "location_precision"],
        )
    )
    return _sized(
        chart,
        "Village offices: load carried by the solar system (offices of a kecamatan share its seat by default)",
        360,
    )


def labour_unemployment(run: Run) -> alt.Chart | alt.LayerChart | None:
    """Open unemployment and open seats over the labour force, month by month."""
    if not run.has("labour_total"):
        return None
    total = run.table("labour_total")
    shares = {
        "open seats": 100 * total.open_seats / (total.employed + total.unemployed),
        "unemployed": total.tpt_percent,
    }
    rates = pd.DataFrame({"month": total.month, **shares}).melt("month", ["unemployed", "open seats"], "rate", "%")
    chart = (
        alt.Chart(rates)
        .mark_line(point=True)
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("%:Q", title="of the labour force [%]"),
            color=alt.Color("rate:N", scale=alt.Scale(range=PALETTE)),
            tooltip=["month", "rate", alt.Tooltip("%:Q", format=".2f")],
        )
    )
    return _sized(chart, "Open unemployment (TPT) and open seats; search and JOBTREN's effect are priors")


def labour_duration(run: Run) -> alt.Chart | alt.LayerChart | None:
    """How long the unemployed have been so, month by month."""
    if not run.has("labour_duration"):
        return None
    spells = run.table("labour_duration")
    spells["spell"] = spells.weeks_from.map("from week {:02d}".format)
    chart = (
        alt.Chart(spells)
        .mark_bar()
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("people:Q", title="unemployed people"),
            color=alt.Color("spell:N", scale=alt.Scale(scheme="viridis", reverse=True)),
            tooltip=["month", "spell", "people"],
        )
    )
    return _sized(chart, "Spells of unemployment so far")


def programme_npv(run: Run) -> alt.Chart | alt.LayerChart | None:
    """Net present value of each programme: the median and the 10–90 % range of the draws."""
    if not run.has("appraisal"):
        return None
    appraisal = run.table("appraisal")
    for column in ("npv_p10_idr", "npv_p50_idr", "npv_p90_idr"):
        appraisal[column.replace("idr", "million_idr")] = appraisal[column] / MILLION
    base = alt.Chart(appraisal).encode(y=alt.Y("programme:N", sort=None))
    # Programmes differ by factors of thousands: a symmetric-log axis shows both signs and all sizes.
    x = alt.X(
        "npv_p10_million_idr:Q",
        title="net present value [million Rp], symlog",
        scale=alt.Scale(type="symlog", constant=10),
    )
    bars = base.mark_rule(strokeWidth=4, color=PALETTE[4]).encode(x=x, x2="npv_p90_million_idr:Q")
    points = base.mark_point(filled=True, size=80, color=PALETTE[0]).encode(
        x="npv_p50_million_idr:Q",
        tooltip=[
            "programme",
            "npv_p10_million_idr",
            "npv_p50_million_idr",
            "npv_p90_million_idr",
            "probability_npv_positive",
        ],
    )
    return _sized(bars + points, "Net present value by programme (P10, P50, P90)")


def tornado(run: Run) -> alt.Chart | alt.LayerChart | None:
    """The twelve inputs that move a programme's net present value most."""
    if not run.has("tornado"):
        return None
    swings = run.table("tornado")
    swings["swing_idr"] = (swings.npv_high_idr - swings.npv_low_idr).abs()
    swings = swings.nlargest(12, "swing_idr")
    titles = {row["name"]: row["title_en"] for row in read_rows(INPUT_TITLES)}
    swings["which"] = swings.programme + ": " + swings.input.map(titles)
    for end in ("low", "high"):
        swings[f"npv_{end}_million_idr"] = swings[f"npv_{end}_idr"] / MILLION
    chart = (
        alt.Chart(swings)
        .mark_bar(color=PALETTE[0])
        .encode(
            y=alt.Y(
                "which:N", sort=alt.SortField("swing_idr", "descending"), title=None, axis=alt.Axis(labelLimit=360)
            ),
            x=alt.X("npv_low_million_idr:Q", title="net present value with the input low … high [million Rp]"),
            x2="npv_high_million_idr:Q",
            tooltip=["which", "low", "high", "npv_low_million_idr", "npv_high_million_idr", "confidence"],
        )
    )
    return _sized(chart, "What the net present values depend on most")


def budget_balance(run: Run) -> alt.Chart | alt.LayerChart | None:
    """Regional income and spending of the programmes, and what is left, month by month."""
    if not run.has("budget_balance"):
        return None
    balance = run.table("budget_balance")
    balance["income"] = balance.income_idr / MILLION
    balance["spending"] = -balance.spending_idr / MILLION
    balance["closing"] = balance.closing_idr / MILLION
    flows = balance.melt("month", ["income", "spending"], "flow", "million_idr")
    bars = (
        alt.Chart(flows)
        .mark_bar()
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("million_idr:Q", title="million Rp"),
            color=alt.Color("flow:N", scale=alt.Scale(range=PALETTE[:2])),
            tooltip=["month", "flow", alt.Tooltip("million_idr:Q", format=",.3f")],
        )
    )
    line = alt.Chart(balance).mark_line(color=PALETTE[7], point=True).encode(x="month:O", y="closing:Q")
    return _sized(bars + line, "Programmes in the regional budget: booked income and spending, and the balance (line)")


def _of_sector(
    figure: Callable[[Run], alt.Chart | alt.LayerChart | None], title: str
) -> Callable[[Run], alt.Chart | alt.LayerChart | None]:
    """A chart of a sector's own module in this page's size."""

    @functools.wraps(figure)
    def sized(run: Run) -> Chart:
        chart = figure(run)
        if chart is None:
            return None
        return _sized(chart, title, HEIGHT if chart.height is alt.Undefined else int(chart.height))

    return sized


FIGURES: dict[str, Callable[[Run], alt.Chart | alt.LayerChart | None]] = {
    figure.__name__: figure
    for figure in (
        *(_of_sector(figure, title) for figure, title in PROGRAMMES.items()),
        traffic_delay, traffic_queues, signal_timing, solar_energy, solar_week, solar_outage_day, solar_loss_of_load,
        solar_map, *(_of_sector(figure, title) for figure, title in CARBON.items()),
        labour_unemployment, labour_duration, *(_of_sector(figure, title) for figure, title in LABOUR.items()),
        programme_npv, tornado, budget_balance,
    )
}  # fmt: skip


@dataclass(frozen=True)
class Basis:
    """What a figure stands on, as it is written below it: `interval` says what its spread is, or that it has none."""

    unit: str
    interval: str
    source: str
    prior: str


@functools.cache
def bases() -> Mapping[str, Basis]:
    """The basis of every figure by name (`data/figures.csv`); `prior` is empty where it stands on none."""
    rows = read_rows(Path(__file__).parent / "data" / "figures.csv")
    return {row["figure"]: Basis(row["unit"], row["interval"], row["source"], row["prior"]) for row in rows}
