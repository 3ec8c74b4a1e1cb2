"""`python -m twin traffic …`: baselines, tuning, networks from OpenStreetMap, calibration."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from twin import terminal

app = typer.Typer(no_args_is_help=True, help="Roads, signals and traffic in SUMO.")

NetworkNames = Annotated[
    list[str],
    typer.Option(
        "--network", help="trenggalek, a RESCO network (cologne1 …), a .sumocfg, a .net.xml or a folder. Repeatable."
    ),
]
NetworkName = Annotated[
    str, typer.Option("--network", help="trenggalek, a RESCO network, a .sumocfg, a .net.xml, a folder.")
]
ControllerNames = Annotated[
    list[str] | None, typer.Option("--controller", help="A baseline; all where none is named. Repeatable.")
]
DayTypeName = Annotated[
    str, typer.Option("--day-type", help="On trenggalek: weekday, market_day, school_peak, lebaran or night; priors.")
]
Seeds = Annotated[str, typer.Option("--seeds", help="`7`, `1..5` or `1,3,5`.")]
Scale = Annotated[float, typer.Option("--scale", min=0.01, max=10, help="Demand against the network's own.")]
SHOWN = ("delay_s", "delay_p95_s", "stops", "speed_km_h", "not_inserted")


@app.command(
    epilog="Examples: `python -m twin traffic baselines --network cologne1 --seeds 1..3` · "
    "`python -m twin traffic baselines --network trenggalek --day-type market_day --seeds 1..10 --json`"
)
def baselines(
    networks: NetworkNames,
    controllers: ControllerNames = None,
    seeds: Seeds = "1..3",
    day_type: DayTypeName = "weekday",
    scale: Scale = 1.0,
    untuned: Annotated[bool, typer.Option("--untuned", help="Default settings instead of the tuned ones.")] = False,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Simulate an hour under each baseline; delay counts every demanded vehicle, also those that never got in.

    Baselines run with the settings found by `tune`, in `twin/traffic/data/tuned.csv`.
    """
    from twin.traffic.studies import evaluate

    names = evaluate.known_controllers(controllers or ())
    with terminal.progress_bar("simulating hours") as progress:
        rows = evaluate.baselines(
            networks, names, terminal.seeds_of(seeds), progress, day_type=day_type, scale=scale, untuned=untuned
        )
    if as_json:
        terminal.print_json(rows)
        return
    _print_summary(rows)


def _print_summary(rows: list[dict[str, Any]]) -> None:
    from twin.traffic.studies.evaluate import summary

    for (network, seeds), lines in groupby(summary(rows, SHOWN), lambda line: (line["network"], line["seeds"])):
        shown = [
            {"controller": line["controller"], **{figure: terminal.plus_minus(line[figure]) for figure in SHOWN}}
            for line in lines
        ]
        terminal.print_rows(shown, f"{network}: mean ± half-width of the 95 % interval over {seeds} seeds", False)


@app.command(
    epilog="Example: `python -m twin traffic uncontrolled --network trenggalek --day-type night --seeds 301..310`"
)
def uncontrolled(
    networks: NetworkNames,
    seeds: Seeds = "1..3",
    day_type: DayTypeName = "weekday",
    scale: Scale = 1.0,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Simulate the hour with green for every vehicle all the time: the delay that no signal causes.

    No street could have it. What a control has more is its control delay, the part that another control can change.
    """
    from twin.traffic.studies.uncontrolled import uncontrolled

    chosen, rows = terminal.seeds_of(seeds), []
    with terminal.progress_bar("simulating hours") as progress:
        for network in networks:
            rows += uncontrolled(network, chosen, progress, day_type=day_type, scale=scale)
    if as_json:
        terminal.print_json(rows)
        return
    _print_summary(rows)


@app.command(epilog="Example: `python -m twin traffic tune --network cologne1 --controller max_pressure --settings 16`")
def tune(
    networks: NetworkNames,
    controllers: ControllerNames = None,
    most: Annotated[int, typer.Option("--settings", min=1, help="How many settings to draw from the grid.")] = 16,
    to: Annotated[Path, typer.Option("--to", help="Table that keeps what is found.")] = Path("tuned.csv"),
) -> None:
    """Find each baseline's best settings on a network: many on one seed, the better quarter on more seeds.

    The winner's neighbours in the grid, which differ from it in one value, then compete in the same way. The seeds
    (101 …) are never used to evaluate. Interrupted, the same command goes on where it was.
    """
    from twin.traffic.signals.baselines import BASELINES
    from twin.traffic.studies import evaluate
    from twin.traffic.studies.tune import keep, tune

    for network in networks:
        for controller in evaluate.known_controllers(controllers or ()):
            if BASELINES[controller].grid:
                found = tune(network, controller, most, terminal.tell)
                keep(found, to)
                terminal.tell(f"{network} {controller}: {found.delay_s:.1f} s with {dict(found.settings)} -> {to}")


@app.command("import-osm", epilog="Example: `python -m twin traffic import-osm town.osm.pbf --to town/`")
def import_osm_command(
    file: Annotated[Path, typer.Argument(help="An OpenStreetMap extract: .osm, .osm.xml, .osm.gz or .osm.pbf.")],
    to: Annotated[Path, typer.Option("--to", help="A new folder for the network.")],
    demand_veh_per_h: Annotated[
        float, typer.Option("--demand", min=1, help="Vehicles an hour that drive across it; a prior.")
    ] = 1200.0,
) -> None:
    """Build a network with signals, left-hand traffic and a labelled prior of demand from an OpenStreetMap extract."""
    from twin.traffic.networks.osm import import_osm

    network = import_osm(file, to, demand_veh_per_h=demand_veh_per_h)
    terminal.say(f"network: {network.net_file.parent}; run it with `python -m twin traffic baselines --network {to}`")


@app.command(epilog="Example: `python -m twin traffic check --network my.sumocfg`")
def check(network: NetworkName) -> None:
    """Check a network and its demand: says nothing if they are sound, else every fault at once (exit code 2)."""
    from twin.traffic.networks.check import check
    from twin.traffic.networks.locate import locate

    check(locate(network))


@app.command(
    epilog="Example: `python -m twin traffic calibrate --network trenggalek --counts counts.csv --to demand.rou.xml`"
)
def calibrate(
    network: NetworkName,
    counts: Annotated[
        Path,
        typer.Option("--counts", help="CSV: junction,from_edge,to_edge,begin (HH:MM),vehicle,count by 15 minutes."),
    ],
    to: Annotated[Path, typer.Option("--to", help="Where to write the routes that reproduce the counts.")],
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=20)] = 3,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Find demand that reproduces turning counts; exit code 1 where fewer than 85 % of the turns have GEH < 5."""
    from twin.traffic.demand.calibration import calibrate_file

    report = calibrate_file(network, counts, to, rounds)
    summary: dict[str, Any] = report.summary()
    if as_json:
        terminal.print_json(summary)
    else:
        terminal.print_rows(summary.pop("worst"), "turns that fit worst", False)
        terminal.print_rows([{"figure": key, "value": value} for key, value in summary.items()], "calibration", False)
    if not report.passed:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m twin traffic saturation --cycles 8 --json`")
def saturation(
    lane_width_m: Annotated[float, typer.Option("--lane-width", min=2, max=6, help="Width of a lane [m].")] = 3.25,
    lanes: Annotated[int, typer.Option("--lanes", min=1, max=4)] = 2,
    cycles: Annotated[int, typer.Option("--cycles", min=2, help="Signal cycles a mix.")] = 8,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Measure the saturation flow and the passenger-car equivalents that emerge, beside the capacity manual's."""
    from dataclasses import asdict

    from twin.traffic.studies.saturation import experiment

    flows, equivalents = experiment(lane_width_m=lane_width_m, lanes=lanes, cycles=cycles)
    documents = {"flows": [asdict(one) for one in flows], "equivalents": [asdict(one) for one in equivalents]}
    if as_json:
        terminal.print_json(documents)
        return
    figures = (
        "motorcycle_share",
        "saturation_flow_veh_per_h",
        "saturation_flow_pcu_per_h",
        "manual_pcu_per_h",
        "ratio",
    )
    rows = [{"mix": row["mix"], **{name: row[name] for name in figures}} for row in documents["flows"]]
    terminal.print_rows(rows, "saturation flow of an approach, an hour of green", False)
    terminal.print_rows(documents["equivalents"], "what a vehicle counts in cars", False)


@app.command(epilog="Example: `python -m twin traffic feed --network cologne1 --json`")
def feed(
    network: NetworkName,
    at_h: Annotated[
        float | None, typer.Option("--at", help="Hour of the day; an hour before the simulated day's end if not given.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the day that is shown.")] = 1,
    day_type: DayTypeName = "weekday",
    scores: Annotated[
        str | None,
        typer.Option("--scores", help="Seeds of unseen days (301..305): how good forecasts were."),
    ] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Travel time and congestion of every road now and in the next hour, as the public app would show them.

    A forecast from detector data, learned from other simulated days; these are simulated on first use (minutes). With
    --scores: mean errors of each method on unseen days, beside persistence and the usual time of day; below 0 under
    `against_persistence_s` is better, with half of its 95 % interval beside it.
    """
    from twin.traffic.forecast.days import INTERVAL_S
    from twin.traffic.forecast.feed import SHOWN_MIN, forecast_scores, public_feed

    if scores is not None:
        with terminal.progress_bar("simulating days") as progress:
            judged = forecast_scores(network, terminal.seeds_of(scores), day_type=day_type, progress=progress)
        judged = [{"in_min": int(row["horizon"]) * INTERVAL_S // 60, **row} for row in judged]
        keys = ("in_min", "method", "mae_s", "mape_percent", "against_persistence_s", "against_persistence_half_s")
        short = [{key: row[key] for key in keys} for row in judged if row["in_min"] in SHOWN_MIN]
        terminal.print_rows(judged if as_json else short, f"{network}: forecasts of travel time", as_json)
        return
    with terminal.progress_bar("simulating days") as progress:
        rows = public_feed(network, seed, at_h, day_type=day_type, progress=progress)
    if as_json:
        terminal.print_json(rows)
        return
    lines = [
        {"road": row["name"], "free_flow_s": row["free_flow_s"],
         **{f"+{time['in_min']} min": f"{time['travel_s']:.0f} s {time['level']}" for time in row["times"]}}
        for row in rows
    ]  # fmt: skip
    terminal.print_rows(lines, f"{network} at {rows[0]['at']}: travel time and level of service, A (free) to F", False)
