"""`python -m twin programmes …`: how likely the targets are, what they stand on, and the paperless office's savings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from twin import terminal

app = typer.Typer(
    no_args_is_help=True, help="Crypto, podcast, AI-Preneur, Anti Mbangkong, LARAS: targets and assumptions."
)

ScenarioName = Annotated[str, typer.Option("--scenario", help="A YAML file or a shipped scenario.")]
Seeds = Annotated[str, typer.Option("--seeds", help="`7`, `1..5` or `1,3,5`.")]
Which = Annotated[str, typer.Option("--assumptions", help="`book` (its claims) or `twin` (our own labelled priors).")]


@app.command(
    epilog="Examples: `python -m twin programmes targets --scenario book --seeds 1..100` · add `--json` for machines"
)
def targets(
    scenario: ScenarioName = "book",
    seeds: Seeds = "1..100",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override: `--set programmes.crypto_regulation=voucher_token`. Repeatable."),
    ] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Probability of each target over seeds, with the assumptions that it hangs on most (rank correlation).

    Runs these programmes alone. A probability stands on priors wherever one is among the assumptions.
    """
    from twin.programmes import studies
    from twin.scenario import Scenario

    loaded = Scenario.load(scenario, overrides or ())
    if loaded.programmes is None or loaded.horizon_months < 1:
        raise typer.BadParameter(f"scenario {loaded.name} has no programmes: choose one with them, such as book")
    with terminal.progress_bar(f"{loaded.name}: seeds") as progress:
        rows = studies.targets(loaded, terminal.seeds_of(seeds), progress)
    if as_json:
        terminal.print_json(rows)
        return
    shown = [
        {"programme": r["programme"], "target": r["target"],
         "probability": "–" if r["probability"] is None else f"{r['probability']:.2f}",
         "p10 / median / p90": "–" if r["median"] is None else f"{r['p10']:.3g} / {r['median']:.3g} / {r['p90']:.3g}",
         "matters most": ", ".join(f"{d['assumption'].split('.')[1]} {d['rank_correlation']:+.2f}"
                                   for d in r["matters_most"])}
        for r in rows
    ]  # fmt: skip
    terminal.print_rows(shown, f"{loaded.name}: targets over seeds {seeds} (all stand on priors)", False)


@app.command(epilog="Example: `python -m twin programmes savings --seeds 1..20`")
def savings(seeds: Seeds = "1..20", assumptions: Which = "twin", as_json: terminal.JsonFlag = False) -> None:
    """Anti Mbangkong: the counter against the application on the same filings, beside each row of the book's table."""
    from twin.programmes import studies

    with terminal.progress_bar("filing") as progress:
        rows = studies.manual_against_digital(_known(assumptions), terminal.seeds_of(seeds), progress)
    terminal.print_rows(rows, f"a month, seeds {seeds}, {assumptions}'s assumptions (priors)", as_json)


@app.command(epilog="Example: `python -m twin programmes assumptions crypto --assumptions book`")
def assumptions(
    programme: Annotated[str, typer.Argument(help="crypto, podcast, aipreneur, personnel or laras.")],
    which: Which = "twin",
    as_json: terminal.JsonFlag = False,
) -> None:
    """The ranges that a programme's parameters are drawn from, with source and confidence."""
    from twin.programmes import studies

    if programme not in studies.MOVING:
        raise typer.BadParameter(f"{programme!r} is none of {', '.join(studies.MOVING)}")
    terminal.print_rows(studies.assumptions_of(programme, _known(which)), f"{programme}, {which}", as_json)


@app.command(epilog="Example: `python -m twin programmes cohorts --json`")
def cohorts(assumptions: Which = "twin", as_json: terminal.JsonFlag = False) -> None:
    """AI-Preneur: how many cohorts a year bring the most with the mentors there are, at the most likely values."""
    from twin.programmes.aipreneur import best_cohorts
    from twin.programmes.dynamics import typical

    p = typical(_known(assumptions), "aipreneur")
    best, nets = best_cohorts(p)
    rows = [{"cohorts_year": n, "net_benefit_idr": round(net), "best": n == best} for n, net in enumerate(nets)]
    terminal.print_rows(rows, f"{p['mentors']:g} mentors, {assumptions}'s assumptions", as_json)


@app.command(epilog="Example: `python -m twin programmes case --json`")
def case(as_json: terminal.JsonFlag = False) -> None:
    """AI-Preneur: the book's benefit table as printed, computed anew, and by the twin's priors, 20 businesses, a year.

    The book takes revenue for benefit and adds the tax and wages that it pays; the twin counts value added once.
    """
    from twin.programmes.aipreneur import case_rows

    terminal.print_rows(case_rows(), "AI-Preneur a year (the twin's inputs are priors)", as_json)


@app.command(epilog="Example: `python -m twin programmes alternatives --seeds 1..100`")
def alternatives(scenario: ScenarioName = "book", seeds: Seeds = "1..100", as_json: terminal.JsonFlag = False) -> None:
    """The podcast against the same money on paid views or on trainers' visits: cost per reach, visit and sale at UMKM.

    Also the studio's slots beside the book's 70 and 30 %. All of it stands on priors.
    """
    from twin.programmes.alternatives import against
    from twin.scenario import Scenario

    loaded = Scenario.load(scenario)
    if loaded.programmes is None or loaded.programmes.starts.podcast is None:
        raise typer.BadParameter(f"scenario {loaded.name} has no podcast: choose one with it, such as book")
    with terminal.progress_bar(f"{loaded.name}: seeds") as progress:
        prices, studio = against(loaded, terminal.seeds_of(seeds), progress)
    if as_json:
        terminal.print_json({"prices": prices, "studio": studio})
        return
    terminal.print_rows(prices, f"{loaded.name}: what the podcast's money buys, seeds {seeds} (priors)", False)
    terminal.print_rows(studio, f"{loaded.name}: studio and views, seeds {seeds} (priors)", False)


@app.command("fit-adoption", epilog="Example: `python -m twin programmes fit-adoption users.csv --since 2024-08`")
def fit_adoption(
    data: Annotated[Path, typer.Argument(metavar="DATA.csv", help="`month` (2025-01), `adopters` (all so far).")],
    since: Annotated[str | None, typer.Option("--since", help="Month in which it began; default: the first.")] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Fit Bass's curve to adopters counted month by month: p, q and m with 95 % intervals, beside published ranges."""
    from twin.programmes import fitting
    from twin.programmes.adoption import published

    if since is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", since):
        raise typer.BadParameter(f"--since {since!r} is not written like 2025-01")
    adopted = fitting.read_adopted(data, since)
    found, known = fitting.fit(adopted), published()
    rows = []
    for name, unit in (("p", "1/year"), ("q", "1/year"), ("m", "adopters")):
        low, high = found.intervals[name] or (None, None)
        usual = known.get(f"bass_{name}")
        rows.append({"parameter": name, "value": found.values[name], "low_95": low, "high_95": high, "unit": unit,
                     "published": f"{usual.low:g} to {usual.high:g}" if usual else ""})  # fmt: skip
    terminal.print_rows(rows, f"{data}: {len(adopted.years)} months", as_json)
    terminal.tell(
        f"monthly counts vary {found.overdispersion:.2f} times as much as chance alone (Poisson) would make them"
    )
    if None in found.intervals.values():
        terminal.tell("a parameter without an interval is left open by these data: more months are needed")


def _known(assumptions: str) -> str:
    if assumptions not in ("book", "twin"):
        raise typer.BadParameter(f"{assumptions!r} is neither book nor twin")
    return assumptions
