"""`python -m twin live demo`: the whole city."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from twin.terminal import JsonFlag, SeedOption, print_facts, print_json, print_rows, progress_bar

EXAMPLE = "Example: `python -m twin live demo --speed 30`, then open the page that it names"


def demo(
    network: Annotated[str, typer.Option("--network", help="The city's road network.")] = "trenggalek",
    seed: SeedOption = 1,
    duration_s: Annotated[int, typer.Option("--duration-s", min=60, max=3600, help="Simulated time [s].")] = 3600,
    scale: Annotated[float, typer.Option("--scale", min=0.1, max=3, help="Its demand; the twin believes 1.")] = 1.1,
    day_type: Annotated[
        str, typer.Option("--day-type", help="On the sketch, who comes and turns where; the twin believes a weekday.")
    ] = "market_day",
    detectors: Annotated[
        float, typer.Option("--detectors", min=0, max=100, help="Cameras that work, about [%]; not told to the twin.")
    ] = 100.0,
    speed: Annotated[float, typer.Option("--speed", min=0, max=60, help="Times life; 0: as fast as can be.")] = 30.0,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="The controllers' bundle for this network; else max-pressure.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Of the page; another if it is taken.")] = 8501,
    no_page: Annotated[bool, typer.Option("--no-page", help="Without the page: for machines.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder of the live days.")] = Path("runs/live"),
    as_json: JsonFlag = False,
) -> None:
    """Live a whole city and follow it: street, broker, controllers, estimates, forecast and page, until Ctrl-C.

    The city has another demand and worse cameras than the twin believes. Its lamps are set by real controllers over an
    embedded broker; from what arrives over a faulty line the twin estimates queues, turning rates and travel times
    every simulated minute, scored against what the simulator knows. A controller or broker that dies comes back. In the
    end the day is sealed for `live replay`, and nothing is left running.
    """
    from twin.live.city.run import Asked
    from twin.live.city.run import demo as live_demo

    asked = Asked(network, seed, duration_s, scale, day_type, detectors, speed, out, bundle, None if no_page else port)
    with progress_bar("the city [s]") as progress:
        told = live_demo(asked, sys.stdin.isatty() and not as_json, progress)
    if as_json:
        print_json(told)
        return
    scores = told.pop("scores")
    print_facts(told, "the city", False)
    if scores:
        print_rows(scores, "estimates of all minutes against the truth, the twin's (kalman) and what knows less", False)
