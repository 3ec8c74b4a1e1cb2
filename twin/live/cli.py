"""`python -m twin live`: follow a city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from twin.live.drift import cli as drift_cli
from twin.live.shadow import cli as shadow_cli
from twin.terminal import JsonFlag, SeedOption, print_facts, print_rows, progress_bar

app = typer.Typer(no_args_is_help=True, help="Follow a city: take its feeds in, judge them, replay its days.")
app.command("shadow", epilog=shadow_cli.EXAMPLE)(shadow_cli.shadow)
app.command("shadow-study", epilog=shadow_cli.STUDY_EXAMPLE)(shadow_cli.shadow_study)
app.command("promote", epilog=shadow_cli.PROMOTE_EXAMPLE)(shadow_cli.promote)
app.command("drift", epilog=drift_cli.EXAMPLE)(drift_cli.drift)
app.command("drift-study", epilog=drift_cli.STUDY_EXAMPLE)(drift_cli.drift_study)
FOLDER = Path("runs/live")
NetworkOption = Annotated[str, typer.Option("--network", help="The city's road network.")]
ScaleOption = Annotated[float, typer.Option("--scale", min=0.1, max=3, help="The city's demand; the twin believes 1.")]
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


@app.command(epilog="Example: `python -m twin live score --detectors 70`")
def score(
    detectors: Annotated[
        list[float] | None, typer.Option("--detectors", min=0, max=100, help="Working detectors [%]; again for more.")
    ] = None,
    network: NetworkOption = "trenggalek",
    seed: SeedOption = 1,
    duration_s: DurationOption = 1800,
    scale: ScaleOption = 1.1,
    as_json: JsonFlag = False,
) -> None:
    """Estimate a simulated city's queues from what its detectors tell, and score that against the truth.

    Beside persistence: the last reading, and an approach's mean where there was none.
    """
    from twin.live.estimate.study import score as scored

    with progress_bar("hours and estimates") as progress:
        rows = scored(network, seed, duration_s, scale, detectors or (100.0, 70.0, 40.0), progress)
    print_rows(rows, f"halting vehicles by approach of {network}, against the truth", as_json)


@app.command(epilog="Example: `python -m twin live replay runs/live/live-2026-01-05.sqlite`")
def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A live day, or a shadow's run.")],
    as_json: JsonFlag = False,
) -> None:
    """Take a live day's messages in again and compare every table; exit code 1 where they differ.

    Of a shadow's run the candidate is asked again, and its verdict worked out again.
    """
    from twin.live.shadow.run import replay as replay_shadow
    from twin.live.store import replay as replay_day
    from twin.run import Run

    with Run.open(run) as opened:
        if opened.has("shadow_decision"):
            identical, told = replay_shadow(opened)
            first: dict[str, Any] | str | None = told
        else:
            identical, difference = replay_day(opened)
            first = vars(difference) if difference else None
        rows = {name: len(opened.table(name)) for name in opened.tables}
    print_facts({"identical": identical, "first_difference": first, **rows}, "replay", as_json)
    if not identical:
        raise typer.Exit(1)
