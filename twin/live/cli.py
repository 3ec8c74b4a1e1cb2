"""`python -m twin live`: follow a city."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.live.city import cli as city_cli
from twin.live.drift import cli as drift_cli
from twin.live.shadow import cli as shadow_cli
from twin.terminal import JsonFlag, SeedOption, print_facts, print_json, print_rows, progress_bar, seeds_of, tell

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(no_args_is_help=True, help="Follow a city: take its feeds in, judge them, replay its days.")
app.command("demo", epilog=city_cli.EXAMPLE)(city_cli.demo)
app.command("shadow", epilog=shadow_cli.EXAMPLE)(shadow_cli.shadow)
app.command("shadow-study", epilog=shadow_cli.STUDY_EXAMPLE)(shadow_cli.shadow_study)
app.command("promote", epilog=shadow_cli.PROMOTE_EXAMPLE)(shadow_cli.promote)
app.command("drift", epilog=drift_cli.EXAMPLE)(drift_cli.drift)
app.command("drift-study", epilog=drift_cli.STUDY_EXAMPLE)(drift_cli.drift_study)
FOLDER = Path("runs/live")
NetworkOption = Annotated[str, typer.Option("--network", help="The city's road network.")]
ScaleOption = Annotated[float, typer.Option("--scale", min=0.1, max=3, help="The city's demand; the twin believes 1.")]
DayTypeOption = Annotated[
    str, typer.Option("--day-type", help="Of the city's demand, on the sketch; the twin believes a weekday.")
]
DetectorsOption = Annotated[
    list[float] | None, typer.Option("--detectors", min=0, max=100, help="Working detectors [%]; again for more.")
]
DayArgument = Annotated[
    Path, typer.Argument(metavar="RUN", help="A live day, or the folder where one is being recorded.")
]
AtOption = Annotated[str | None, typer.Option("--at", help="HH:MM or HH:MM:SS of the day; else its last moment.")]
DistrustOption = Annotated[
    list[str] | None,
    typer.Option("--distrust", metavar="SENSOR", help="Leave it out too, named as `live drift` names it."),
]
TrustAllFlag = Annotated[bool, typer.Option("--trust-all", help="Believe those too whom `live drift` found to lie.")]
TimesOption = Annotated[int, typer.Option("--times", min=1, help="Again every minute, so many times in all.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of the live days.")]
DurationOption = Annotated[int, typer.Option("--duration-s", min=60, max=3600, help="Simulated time [s].")]


@app.command(epilog="Example: `python -m twin live record --duration-s 600 --speed 60`")
def record(
    network: NetworkOption = "trenggalek",
    seed: SeedOption = 1,
    duration_s: DurationOption = 3600,
    scale: ScaleOption = 1.1,
    speed: Annotated[float, typer.Option("--speed", min=0, max=60, help="Times life; 0: as fast as can be.")] = 0.0,
    mqtt: Annotated[bool, typer.Option("--mqtt", help="Through an embedded broker; at 60 unless --speed.")] = False,
    out: OutOption = FOLDER,
    as_json: JsonFlag = False,
) -> None:
    """Record a live day of a simulated street, which is lived first and then told over a line with faults.

    Nothing answers it: for the whole city with controllers, estimates and the page there is `live demo`.
    """
    from twin.live.demo import demo as record_demo

    with progress_bar("the street") as progress:
        store = record_demo(network, seed, duration_s, scale, speed, out, progress, mqtt)
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


StandardOption = Annotated[
    str, typer.Option("--as", metavar="ngsi-ld|sensorthings", help="The standard that the platform speaks.")
]


@app.command(epilog="Example: `python -m twin live pull https://city.example --as ngsi-ld --every-s 60`")
def pull(
    url: Annotated[str, typer.Argument(metavar="URL", help="Its root (what stands before /ngsi-ld/v1, /Datastreams).")],
    standard: StandardOption = "ngsi-ld",
    every_s: Annotated[float, typer.Option("--every-s", min=1, help="How often to ask [s].")] = 60.0,
    for_s: Annotated[float | None, typer.Option("--for-s", min=1, help="Seal the day after so long [s].")] = None,
    streams: Annotated[
        Path | None, typer.Option("--map", help="SensorThings: CSV of datastream,kind,source,value.")
    ] = None,
    out: OutOption = FOLDER,
    as_json: JsonFlag = False,
) -> None:
    """Poll a city platform for its readings, a run a day; one that is gone is asked again.

    A bearer token is read from TWIN_LIVE_HTTP_TOKEN. After Ctrl-C the same command goes on with the day.
    """
    from twin.live.platform.client import Platform
    from twin.live.platform.pull import Source, spoken, streams_in
    from twin.live.platform.pull import pull as take_in

    source = Source(Platform(url), spoken(standard), None if streams is None else streams_in(streams))
    with progress_bar(f"from {url} [s]") as progress:
        told, interrupted = take_in(source, out, every_s, for_s, progress)
    print_facts(told, "live pull", as_json)
    if interrupted:
        raise typer.Abort


@app.command(epilog="Example: `python -m twin live push runs/live/live-2026-01-05.sqlite https://city.example`")
def push(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A live day.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="The platform's root.")],
    standard: StandardOption = "ngsi-ld",
    as_json: JsonFlag = False,
) -> None:
    """Give a live day's readings to a city platform; exit code 1 where it refused some.

    A bearer token is read from TWIN_LIVE_HTTP_TOKEN.
    """
    from twin.live.platform.client import Platform
    from twin.live.platform.pull import spoken
    from twin.live.platform.push import push as send
    from twin.run import Run

    with Run.open(run) as opened, progress_bar(f"to {url}") as progress:
        told = send(opened, Platform(url), spoken(standard), progress)
    print_facts(told, "live push", as_json)
    if told["refused"]:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m twin live score --detectors 70 --plot reliability.html`")
def score(
    detectors: DetectorsOption = None,
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


@app.command("score-solar", epilog="Example: `python -m twin live score-solar --readings 70`")
def score_solar(
    readings: Annotated[
        list[float] | None, typer.Option("--readings", min=1, max=100, help="Readings sent [%]; again for more.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=31, help="Days of the simulated offices.")] = 3,
    offices: Annotated[int, typer.Option("--offices", min=1, max=157, help="How many of the village offices.")] = 6,
    seed: SeedOption = 1,
    as_json: JsonFlag = False,
) -> None:
    """Estimate batteries' charge and the next hour's irradiance at simulated offices, and score both against the truth.

    Beside persistence: the last charge told, the last irradiance told.
    """
    from twin.live.solar.study import score as scored

    with progress_bar("offices") as progress:
        rows = scored(seed, days, offices, readings or (100.0, 70.0, 40.0), progress)
    print_rows(rows, "charge and irradiance of village offices, against the truth", as_json)


@app.command(epilog="Example: `python -m twin live market exchange.journal --for-s 60`")
def market(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="A book's journal; it may be being written.")],
    for_s: Annotated[float, typer.Option("--for-s", min=0, help="Follow it for so long [s] before telling.")] = 0.0,
    levels: Annotated[int, typer.Option("--levels", min=1, max=100, help="How many prices of each side.")] = 5,
    as_json: JsonFlag = False,
) -> None:
    """Tell the state of a market from its journal: best bid and ask, depth, last price."""
    from twin.live.market import followed

    print_facts(followed(journal, for_s, levels), "market", as_json)


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


@app.command("what-now", epilog="Example: `python -m twin live what-now runs/live/live-2026-01-05.sqlite --dark J2`")
def what_now(
    run: DayArgument,
    close: Annotated[
        list[str] | None, typer.Option("--close", metavar="LANE", help="This lane closes; again for more.")
    ] = None,
    dark: Annotated[
        list[str] | None, typer.Option("--dark", metavar="JUNCTION", help="This junction goes dark; again for more.")
    ] = None,
    ambulance: Annotated[
        str | None, typer.Option("--ambulance", metavar="ROAD,ROAD", help="One gets green all along these roads.")
    ] = None,
    at: AtOption = None,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=60, help="How far ahead.")] = 15,
    seeds: Annotated[str, typer.Option("--seeds", help="`1..3` or `1,5`; each is lived twice.")] = "1..3",
    network: NetworkOption = "trenggalek",
    distrust: DistrustOption = None,
    trust_all: TrustAllFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """What an event would do in the next minutes, from the street's present state: with it and without, by seed.

    The state is estimated from the day's readings until then; what cameras do not see, and who is still to come, is as
    in the twin's own hour, scaled to what counters tell; signals are under max-pressure. Differences have Student's
    95 % interval over seeds. Without the event the ambulance drives too, but asks for no green; with it every
    emergency vehicle asks.
    """
    from twin.live.what_now.question import Question, answered

    asked = Question(tuple(close or ()), tuple(dark or ()), tuple(ambulance.split(",")) if ambulance else ())
    with progress_bar("the next minutes") as progress:
        told = answered(run, asked, network, at, minutes, seeds_of(seeds), progress, distrust or (), trust_all)
    if as_json:
        print_json(told)
        return
    print_rows(told["figures"], f"the next {minutes} minutes from {told['at']}", False)
    print_rows(told["worst_lanes"], "where most more stand", False)
    print_facts({**told["present"], "left_out": ", ".join(told["left_out"])}, "the present state", False)


@app.command(epilog="Example: `python -m twin live forecast runs/live --times 60`")
def forecast(
    run: DayArgument,
    at: AtOption = None,
    times: TimesOption = 1,
    network: NetworkOption = "trenggalek",
    distrust: DistrustOption = None,
    trust_all: TrustAllFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Flow and travel time of every watched road in 15, 30 and 60 minutes, with 90 % intervals.

    Learned from six simulated days, which are lived on first use (some minutes) and kept; the morning from 05:05 to
    09:00 alone.
    """
    _one_document(as_json, times)
    from twin.live.day import moment_of, readings
    from twin.live.forecast.roads import PLAN, learned, told_now
    from twin.traffic.forecast.feed import lived_days

    with progress_bar("days to learn from") as progress:
        roads, past, _ = lived_days(network, [], plan=PLAN, progress=progress)
    forecaster = learned(roads, past)

    def rows() -> list[dict[str, Any]]:
        table = _trusted(run, readings(run), distrust, trust_all)
        return told_now(forecaster, table, network, moment_of(table, at))

    _again_and_again(rows, times, as_json, network)


def _one_document(as_json: bool, times: int) -> None:
    if as_json and times > 1:
        raise typer.BadParameter("--json is one document, and so --times 1")


def _trusted(run: Path, table: pd.DataFrame, distrust: list[str] | None, trust_all: bool) -> pd.DataFrame:
    """A day's readings without those that are not believed, of whom is told."""
    from twin.live.trust import trusted_of

    left, left_out = trusted_of(table, run, distrust or (), trust_all)
    if left_out:
        tell(f"left out: {', '.join(left_out)}")
    return left


def _again_and_again(rows: Callable[[], list[dict[str, Any]]], times: int, as_json: bool, of: str) -> None:
    """Tell of the next hour every minute, so many times."""
    for turn in range(times):
        if turn:
            time.sleep(60)
        found = rows()
        if as_json:
            print_json(found)
            continue
        shown = [{name: value for name, value in row.items() if name not in ("at", "name")} for row in found]
        print_rows(shown, f"{of}: the next hour from {found[0]['at'] if found else 'now'}", False)


@app.command(epilog="Example: `python -m twin live offices runs/live --times 60`")
def offices(
    run: DayArgument,
    at: AtOption = None,
    times: TimesOption = 1,
    distrust: DistrustOption = None,
    trust_all: TrustAllFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Charge of the village offices' batteries, and irradiance in 15, 30 and 60 minutes, with 90 % intervals.

    From the day's readings of batteries and weather stations until then; a battery is believed to be as its data sheet
    has it, the sky as the twin's own. A source that is named for no village's code is taken to be in the capital.
    """
    _one_document(as_json, times)
    from twin.live.day import moment_of, readings
    from twin.live.solar.now import told_now

    def rows() -> list[dict[str, Any]]:
        table = _trusted(run, readings(run), distrust, trust_all)
        return told_now(table, moment_of(table, at))

    _again_and_again(rows, times, as_json, "the village offices")


@app.command("forecast-score", epilog="Example: `python -m twin live forecast-score --seeds 1..4`")
def forecast_score(
    detectors: DetectorsOption = None,
    seeds: Annotated[str, typer.Option("--seeds", help="`1..2` or `1,5`: days that nobody has learned from.")] = "1..2",
    network: NetworkOption = "trenggalek",
    as_json: JsonFlag = False,
) -> None:
    """Score the forecasts on unseen simulated days, beside persistence and the historical average.

    And beside the last true value, which the simulator knows and no detector tells.
    """
    from twin.live.forecast.study import score as scored

    with progress_bar("days") as progress:
        rows = scored(network, seeds_of(seeds), detectors or (100.0, 70.0, 40.0), progress)
    print_rows(rows, f"forecasts of {network}: mean absolute errors", as_json)
