"""Charts of the programmes: cost beside benefit, who closes the gap, what pays most, and targets against values."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd

from twin.kpi import score
from twin.palette import PALETTE
from twin.run import Run

Chart = alt.Chart | alt.LayerChart | None

MILLION = 1_000_000
ROW_PX = 18  # height of a bar with its label
MOST_OF_TARGET = 200  # a bar is not drawn beyond this [%]


def programme_money(run: Run) -> Chart:
    """What each programme cost and brought over the run."""
    if not run.has("programme_month"):
        return None
    total = run.table("programme_month").groupby("programme", as_index=False)[["cost_idr", "benefit_idr"]].sum()
    total = total.assign(cost=total.cost_idr / MILLION, benefit=total.benefit_idr / MILLION)
    flows = total.melt("programme", ["cost", "benefit"], "flow", "million_idr")
    return (
        alt.Chart(flows)
        .mark_bar()
        .encode(
            y=alt.Y("programme:N", title="programme"),
            yOffset="flow:N",
            x=alt.X(
                "million_idr:Q",
                title="over the run [million Rp], symlog",
                scale=_symlog(),
                axis=alt.Axis(labelOverlap="greedy", tickCount=5),
            ),
            color=alt.Color("flow:N", scale=alt.Scale(domain=["cost", "benefit"], range=[PALETTE[1], PALETTE[0]])),
            tooltip=["programme", "flow", alt.Tooltip("million_idr:Q", format=",.1f")],
        )
    )


def benefit_wedge(run: Run) -> Chart:
    """Benefits since the start, a wedge a programme, under the line of all costs: where they meet, it has paid."""
    if not run.has("programme_month"):
        return None
    months = run.table("programme_month").sort_values("month", kind="stable")
    months["benefit"] = months.groupby("programme").benefit_idr.cumsum() / MILLION
    costs = months.groupby("month", as_index=False).cost_idr.sum()
    costs["million_idr"] = costs.cost_idr.cumsum() / MILLION
    costs["what"] = "cost of all"
    x = alt.X("month:O", title="month")
    wedges = (
        alt.Chart(months)
        .mark_area()
        .encode(
            x=x,
            y=alt.Y("benefit:Q", title="since the start [million Rp]"),
            color=alt.Color("programme:N", scale=alt.Scale(range=[*PALETTE, "#8C8C8C"])),
            tooltip=["month", "programme", alt.Tooltip("benefit:Q", format=",.1f")],
        )
    )
    line = (
        alt.Chart(costs)
        .mark_line(color="#1B1B1B", strokeWidth=3, point=True)
        .encode(
            x=x,
            y=alt.Y("million_idr:Q", title="since the start [million Rp]"),
            tooltip=["month", "what", alt.Tooltip("million_idr:Q", format=",.1f")],
        )
    )
    return wedges + line


def carbon_wedge(run: Run) -> Chart:
    """Tonnes of CO2 measured as avoided or taken up since the start, a wedge an activity."""
    if not run.has("carbon_mrv"):
        return None
    rows = run.table("carbon_mrv")
    if rows.empty:
        return None
    by_month = rows.pivot_table(index="month", columns="activity", values="measured_tco2e", aggfunc="sum", fill_value=0)
    since = by_month.cumsum().reset_index().melt("month", var_name="activity", value_name="tco2e")
    return (
        alt.Chart(since)
        .mark_area()
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("tco2e:Q", title="since the start [tCO2e]"),
            color=alt.Color("activity:N", scale=alt.Scale(range=PALETTE)),
            tooltip=["month", "activity", alt.Tooltip("tco2e:Q", format=",.2f")],
        )
    )


def cost_curve(run: Run) -> Chart:
    """Programmes by what a rupiah brings: width is the capital it takes, height the benefit-cost ratio."""
    if not run.has("appraisal"):
        return None
    rows = run.table("appraisal").sort_values("bcr", ascending=False, kind="stable")
    rows["until"] = rows.cost_idr.cumsum() / MILLION
    rows["from"] = rows.until - rows.cost_idr / MILLION
    x = alt.X("from:Q", title="capital, the best first [million Rp]")
    bars = (
        alt.Chart(rows)
        .mark_rect(stroke="#FFFFFF")
        .encode(
            x=x,
            x2="until:Q",
            y=alt.Y("bcr:Q", title="benefit-cost ratio [-], symlog", scale=_symlog(1)),
            y2=alt.datum(0),
            color=alt.Color("programme:N", sort=None, scale=alt.Scale(range=[*PALETTE, "#8C8C8C"])),
            tooltip=["programme", alt.Tooltip("bcr:Q", format=".2f"), alt.Tooltip("cost_idr:Q", format=",.0f"),
                     alt.Tooltip("probability_npv_positive:Q", format=".0%")],
        )
    )  # fmt: skip
    even = alt.Chart(pd.DataFrame({"ratio": [1.0]})).mark_rule(color="#1B1B1B", strokeDash=[6, 4])
    return bars + even.encode(y=alt.Y("ratio:Q", title="benefit-cost ratio [-], symlog"))


def targets(run: Run) -> Chart:
    """Every target of the source book that the run can judge: how much of it is reached; the line is the target."""
    found = [
        {"figure": s.kpi.name, "programme": s.kpi.programme, "value": s.value, "target": s.kpi.target,
         "unit": s.kpi.unit, "of_target_percent": 100 * s.value / s.kpi.target,
         "verdict": "met" if s.kpi.met(s.value) else "missed"}
        for s in score(run)
        if s.value is not None and s.kpi.target
    ]  # fmt: skip
    if not found:
        return None
    rows = pd.DataFrame(found)
    rows["drawn"] = rows.of_target_percent.clip(0, MOST_OF_TARGET)
    bars = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            y=alt.Y("figure:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X("drawn:Q", title="of the target reached, drawn up to 200 [%]"),
            color=alt.Color("verdict:N", scale=alt.Scale(domain=["met", "missed"], range=[PALETTE[0], PALETTE[1]])),
            tooltip=["figure", "value", "unit", "target", "verdict"],
        )
    )
    line = alt.Chart(pd.DataFrame({"at": [100.0]})).mark_rule(color="#1B1B1B", strokeWidth=2)
    return (bars + line.encode(x=alt.X("at:Q", title="of the target reached, drawn up to 200 [%]"))).properties(
        height=ROW_PX * len(rows)
    )


def budget_waterfall(run: Run) -> Chart:
    """From what the regency set aside, over what each programme costs and earns it, to what is left."""
    if not run.has("ledger") or not run.has("budget_balance"):
        return None
    balance, ledger = run.table("budget_balance"), run.table("ledger")
    if balance.empty:
        return None
    spending = ledger[(ledger.debit == "spending") | (ledger.credit == "spending")]
    spent = spending.amount_idr.where(spending.credit == "spending", -spending.amount_idr)
    spent = spent.groupby(spending.programme).sum()
    earned = ledger[ledger.credit == "income"].groupby("programme").amount_idr.sum()
    steps = [("set aside", float(balance.opening_idr.iloc[0]), "level")]
    steps += [(str(name), float(value), "spending") for name, value in spent.sort_values().items()]
    steps += [(str(name), float(value), "income") for name, value in earned.sort_values(ascending=False).items()]
    rows, at = [], 0.0
    for number, (name, value, what) in enumerate(steps):
        rows.append({"number": number, "programme": name, "what": what, "from": at / MILLION,
                     "until": (at + value) / MILLION, "million_idr": value / MILLION})  # fmt: skip
        at += value
    rows.append({"number": len(steps), "programme": "left", "what": "level", "from": 0.0, "until": at / MILLION,
                 "million_idr": at / MILLION})  # fmt: skip
    colours = alt.Scale(domain=["level", "spending", "income"], range=["#8C8C8C", PALETTE[1], PALETTE[0]])
    steps_drawn = pd.DataFrame(rows)
    steps_drawn["step"] = steps_drawn.programme + ": " + steps_drawn.what
    return (
        alt.Chart(steps_drawn)
        .mark_bar()
        .encode(
            y=alt.Y("step:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
            x=alt.X("from:Q", title="million Rp"),
            x2="until:Q",
            color=alt.Color("what:N", scale=colours),
            tooltip=["programme", "what", alt.Tooltip("million_idr:Q", format=",.1f")],
        )
    )


def personnel_wait(run: Run) -> Chart:
    """How long a filing waits at the counter and in the application."""
    return _two_lines(run, "wait_manual_h", "wait_digital_h", "wait of a filing [h]")


def personnel_use(run: Run) -> Chart:
    """Return trips of a month at the counter and with the application."""
    return _two_lines(run, "trips_manual", "trips_digital", "return trips in the month")


def _two_lines(run: Run, manual: str, digital: str, axis: str) -> Chart:
    if not run.has("personnel_month"):
        return None
    table = run.table("personnel_month")
    if table.empty:
        return None
    lines = table.rename(columns={manual: "counter", digital: "application"}).melt(
        "month", ["counter", "application"], "way", "amount"
    )
    return (
        alt.Chart(lines)
        .mark_line(point=True)
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("amount:Q", title=axis),
            color=alt.Color("way:N", scale=alt.Scale(range=PALETTE[:2])),
            strokeDash="way:N",
            tooltip=["month", "way", alt.Tooltip("amount:Q", format=",.1f")],
        )
    )


def _symlog(constant: float = 10) -> alt.Scale:
    return alt.Scale(type="symlog", constant=constant)


TITLES: dict[Callable[[Run], Chart], str] = {
    programme_money: "Cost and benefit of each programme over the run",
    benefit_wedge: "Which programme closes how much of the gap: benefits since the start under all costs (line)",
    carbon_wedge: "CO2 measured as avoided or taken up since the start",
    cost_curve: "What a rupiah of capital brings: above the dashed line a programme pays",
    budget_waterfall: "The regency's money: from what is set aside to what is left",
    personnel_wait: "Anti Mbangkong Plus: how long a filing waits",
    personnel_use: "Anti Mbangkong Plus: return trips",
    targets: "The source book's targets: how much of each is reached (line: the target)",
}
