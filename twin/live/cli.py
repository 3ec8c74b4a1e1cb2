"""`python -m twin live`: follow a city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.terminal import JsonFlag, SeedOption, print_facts, print_rows, progress_bar

app = typer.Typer(no_args_is_help=True, help="Follow a city: take its feeds in, judge them, replay its days.")
FOLDER = Path("runs/live")
NetworkOption = Annotated[str, typer.Option("--network", help="The city's road network.")]
ScaleOption = Annotated[float, typer.Option("--scale", min=0.1, max=3, help="The city's demand; the twin believes 1.")]
DayTypeOption = Annotated[
    str, typer.Option("--day-type", help="Of the city's demand, on the sketch; the twin believes a weekday.")
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of the live days.")]
DurationOption = Annotated[int, typer.Option("--duration-s", min=60, max=3600, help="Simulated time [s].")]


@app.command(epilog="Example: `python -m twin live demo --duration-s 600 --speed 60`")
def demo(
    network: NetworkOption = "trenggalek",
    seed: SeedOption = 1,
    duration_s: DurationOption = 3600,
    scale: ScaleOption = 1.1,
    speed: Annotated[float, typer.Option("--speed", min=0, max=60, help="Times life; 0: as fast as can be.")] = 0.0,
    mqtt: Annotated[bool, typer.Option("--mqtt", help="Through an embedded broker; at 60 unless --speed.")] = False,
    out: OutOption = FOLDER,
    as_json: JsonFlag = False,
) -> None:
    """Run a simulated city, take in what its street tells (with a line's faults), and record it as a live day."""
    from twin.live.demo import demo as run_demo

    with progress_bar("the street") as progress:
        store = run_demo(network, seed, duration_s, scale, speed, out, progress, mqtt)
    print_facts({"run": str(store.sealed[-1]), **store.totals}, "live day", as_json)


@app.command(epilog="Example: `python -m twin live intake --mqtt broker.example:8883 --username twin --tls-ca ca.pem`")
def intake(
    mqtt: Annotated[str, typer.Option("--mqtt", metavar="HOST:PORT", help="The broker; topics trenggalek/live/#.")],
    for_s: Annotated[float | None, typer.Option("--for-s", min=1, help="Seal the day after so long [s].")] = None,
    username: Annotated[
        str | None, typer.Option("--username", help="The password is read from TWIN_LIVE_MQTT_PASSWORD.")
    ] = None,
    tls_ca: Annotated[Path | None, typer.Option("--tls-ca", help="TLS with this certificate authority.")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Our certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key.")] = None,
    out: OutOption = FOLDER,
    as_json: JsonFlag = False,
) -> None:
    """Take in what a broker sends, a run a day; a broker that is gone is waited for.

    Ctrl-C leaves the day unfinished, and the same command goes on with it.
    """
    from twin.live.mqtt import broker_at
    from twin.live.mqtt import intake as take_in

    broker = broker_at(mqtt, username, tls_ca, tls_cert, tls_key)
    with progress_bar(f"from {mqtt} [s]") as progress:
        told, interrupted = take_in(broker, out, for_s, progress)
    print_facts(told, "live intake", as_json)
    if interrupted:
        raise typer.Abort


@app.command(epilog="Example: `python -m twin live score --detectors 70 --plot reliability.html`")
def score(
    detectors: Annotated[
        list[float] | None, typer.Option("--detectors", min=0, max=100, help="Working detectors [%]; again for more.")
    ] = None,
    network: NetworkOption = "trenggalek",
    seed: SeedOption = 1,
    duration_s: DurationOption = 1800,
    scale: ScaleOption = 1.1,
    day_type: DayTypeOption = "weekday",
    plot: Annotated[
        Path | None, typer.Option("--plot", help="What intervals promise and hold, as .html (offline) or .svg.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Estimate a simulated city's queues, turning rates and travel times from what its detectors tell; score that.

    Against the truth, beside what knows less: the last readings (an approach's mean where there was none), the exits'
    own shares, and the twin's own hour. Turning rates and travel times need 600 s.
    """
    from twin.live.estimate.judged import check_plot
    from twin.live.estimate.judged import plot as plotted
    from twin.live.estimate.study import score as scored

    if plot is not None:
        check_plot(plot)
    with progress_bar("hours and estimates") as progress:
        judged = scored(network, seed, duration_s, scale, detectors or (100.0, 70.0, 40.0), progress, day_type)
    title = f"estimates of {network}, against the truth"
    print_rows([one.row() for one in judged], title, as_json)
    if plot is not None:
        plotted(judged, f"{title}: what their intervals hold", plot)


@app.command(epilog="Example: `python -m twin live replay runs/live/live-2026-01-05.sqlite`")
def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A live day.")],
    as_json: JsonFlag = False,
) -> None:
    """Take a live day's messages in again and compare every table; exit code 1 where they differ."""
    from twin.live.store import replay as replay_day
    from twin.run import Run

    with Run.open(run) as opened:
        identical, first = replay_day(opened)
        rows = {name: len(opened.table(name)) for name in opened.tables}
    print_facts({"identical": identical, "first_difference": vars(first) if first else None, **rows}, "replay", as_json)
    if not identical:
        raise typer.Exit(1)
