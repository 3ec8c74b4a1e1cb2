"""`python -m twin solar …`: yield of a system, weather, offices, outages, sizing, results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin import terminal

if TYPE_CHECKING:
    from twin.solar.options import SolarOptions
    from twin.solar.pv.system import Plane
    from twin.solar.sites import Site

app = typer.Typer(no_args_is_help=True, help="Village solar: panels, batteries, outages, money.")

Latitude = Annotated[float, typer.Option("--lat", min=-90, max=90, help="Latitude [deg], south negative.")]
Longitude = Annotated[float, typer.Option("--lon", min=-180, max=180, help="Longitude [deg], east positive.")]


@app.command(
    "yield",
    epilog="Example: `python -m twin solar yield --weather year.csv --lat -8.05 --lon 111.71 --json`",
)
def yield_command(
    weather: Annotated[
        Path,
        typer.Option(
            help="A year of hours: CSV with time (ISO 8601 with offset), ghi, dni, dhi [W/m²], temp_air [°C], "
            "wind_speed [m/s]; or a file of PVGIS, NASA POWER, EPW, TMY3. A time is the middle of its hour."
        ),
    ],
    lat: Latitude,
    lon: Longitude,
    panels_wp: Annotated[float, typer.Option("--panels-wp", min=1, help="Rating of all panels [Wp].")] = 1100.0,
    tilt_deg: Annotated[float, typer.Option("--tilt-deg", min=0, max=90, help="Tilt of the panels.")] = 10.0,
    azimuth_deg: Annotated[float, typer.Option("--azimuth-deg", min=0, max=360, help="0 north, 90 east.")] = 0.0,
    losses_percent: Annotated[
        float, typer.Option("--losses-percent", min=0, max=99, help="Soiling, wiring, mismatch, ageing together.")
    ] = 14.0,
    inverter_efficiency: Annotated[
        float, typer.Option("--inverter-efficiency", min=0.5, max=1, help="PVWatts' nominal efficiency.")
    ] = 0.96,
    inverter_w: Annotated[
        float | None,
        typer.Option("--inverter-w", min=1, help="AC rating; the book's ratio, panels / 1.1, if not given."),
    ] = None,
    planes: Annotated[
        list[str] | None,
        typer.Option("--plane", help="A roof plane as WP:TILT:AZIMUTH instead of the above; up to three."),
    ] = None,
    cell_model: Annotated[str, typer.Option("--cell-model", help="sapm or faiman.")] = "sapm",
    altitude_m: Annotated[float, typer.Option("--altitude-m", help="Height of the site.")] = 0.0,
    path: Annotated[str, typer.Option("--path", help="chain: pvlib's ModelChain itself; fast: our kernel.")] = "chain",
    kind: Annotated[str, typer.Option("--kind", help="What the file is; guessed if not given.")] = "auto",
    repair: Annotated[
        list[str] | None,
        typer.Option("--repair", help="Mend gaps, negative, units, timezone or leap-day, and say so. Repeatable."),
    ] = None,
    anywhere: Annotated[bool, typer.Option("--anywhere", help="Allow a place outside the regency.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the hours go; default: the weather's name with -yield.csv.")
    ] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Compute a year's yield of one system: 1,100 Wp as the source book proposes, if nothing else is said."""
    from twin.errors import WeatherError
    from twin.places import outside_regency
    from twin.solar.pv.system import PvSystem
    from twin.solar.pv.year import write_hourly, yield_of
    from twin.solar.weather.checks import checked
    from twin.solar.weather.files import read_weather

    _one_of(path, ("chain", "fast"), "--path")
    _one_of(cell_model, ("sapm", "faiman"), "--cell-model")
    if not anywhere and (outside := outside_regency(lat, lon)) is not None:
        raise WeatherError("--lat --lon", [f"{outside}; --anywhere allows it"])
    roof = _planes(planes, panels_wp, tilt_deg, azimuth_deg)
    system = PvSystem(
        roof, losses_percent, inverter_efficiency=inverter_efficiency, inverter_w=inverter_w, cell_model=cell_model
    )
    found = checked(read_weather(weather, kind), lat, lon, str(weather), repair or ())
    for what in found.repaired:
        terminal.tell(f"repaired: {what}")
    year = yield_of(system, lat, lon, found.table, found.step_h, path, altitude_m, str(weather))
    to = out or Path(f"{weather.stem}-yield.csv")
    write_hourly(year.hourly, to)
    if as_json:
        terminal.print_json(
            {
                "annual_kwh": year.annual_kwh,
                "monthly_kwh": year.monthly_kwh,
                "hourly": str(to),
                "path": path,
                "repaired": found.repaired,
            }
        )
        return
    months = [{"month": m, "kwh": kwh} for m, kwh in enumerate(year.monthly_kwh, 1)]
    terminal.print_rows(
        [*months, {"month": "year", "kwh": year.annual_kwh}], f"AC energy of {system.panels_wp:g} Wp", False
    )
    terminal.say(f"hours: {to}")


def _planes(planes: list[str] | None, panels_wp: float, tilt_deg: float, azimuth_deg: float) -> tuple[Plane, ...]:
    """Roof planes from the command line."""
    from twin.solar.pv.system import Plane

    if not planes:
        return (Plane(panels_wp, tilt_deg, azimuth_deg),)
    if len(planes) > 3:
        raise typer.BadParameter(f"a roof has 1 to 3 planes, not {len(planes)}", param_hint="--plane")
    try:
        found = tuple(Plane(*(float(word) for word in plane.split(":"))) for plane in planes)
    except (TypeError, ValueError):
        raise typer.BadParameter(f"{planes} are not like 550:10:90 (Wp, tilt, azimuth)", param_hint="--plane") from None
    if any(one.panels_wp <= 0 or not 0 <= one.tilt_deg <= 90 or not 0 <= one.azimuth_deg <= 360 for one in found):
        raise typer.BadParameter("a plane needs more than 0 Wp, a tilt of 0 to 90 and an azimuth of 0 to 360",
                                 param_hint="--plane")  # fmt: skip
    return found


def _one_of(value: str, valid: tuple[str, ...], option: str) -> None:
    if value not in valid:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(valid)}", param_hint=option)


@app.command(epilog="Example: `python -m twin solar fetch --source pvgis --lat -8.05 --lon 111.71 --to year.csv`")
def fetch(
    lat: Latitude,
    lon: Longitude,
    to: Annotated[Path, typer.Option("--to", help="Where to write the year.")],
    source: Annotated[
        str, typer.Option("--source", help="pvgis (a typical year) or nasa-power (a given year).")
    ] = "pvgis",
    year: Annotated[int, typer.Option("--year", min=2001, max=2100, help="Which year, of nasa-power.")] = 2024,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask the service even if the cache has it.")] = False,
) -> None:
    """Fetch a year of weather from the internet, with its licence and attribution beside it."""
    from twin.solar.weather.fetch import SOURCES, fetch

    _one_of(source, tuple(SOURCES), "--source")
    cached = fetch(source, lat, lon, year, to, fresh)
    terminal.say(f"{SOURCES[source].title}{' (from the cache)' if cached else ''} -> {to}")
    terminal.tell(f"{SOURCES[source].attribution}; {SOURCES[source].licence}")


Scenarios = Annotated[str, typer.Option("--scenario", help="Whose solar section counts: a name or a file.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="As of `twin run`: `--set solar.panels=4`.")]
Weathers = Annotated[int, typer.Option("--weathers", min=1, max=200, help="Years of weather drawn.")]
Outages = Annotated[int, typer.Option("--outages", min=1, max=1000, help="Years of outages drawn for each.")]
Seed = Annotated[int, typer.Option("--seed", min=0)]
OfficeCode = Annotated[str, typer.Option("--office", help="Code of an office; `twin places list` shows them.")]
PRIORS = "weather, load and outages are labelled priors"


def _offices(scenario: str, overrides: list[str] | None) -> tuple[SolarOptions, list[Site]]:
    """Options and sites of a scenario's solar section."""
    from twin.errors import ScenarioError
    from twin.scenario import Scenario
    from twin.solar.sites import sites_of

    loaded = Scenario.load(scenario, overrides or ())
    if loaded.solar is None:
        raise ScenarioError(scenario, ["has no solar section; name another with --scenario"])
    return loaded.solar, [site for site in sites_of(loaded.solar, loaded.places.sites()) if site.kind == "office"]


def _office(scenario: str, overrides: list[str] | None, code: str) -> tuple[SolarOptions, Site]:
    """Options, and the site with this code."""
    from twin.errors import PlacesError
    from twin.places import unknown_code

    options, sites = _offices(scenario, overrides)
    if (unknown := unknown_code(code)) is not None:
        raise PlacesError("--office", [unknown])
    return options, next(site for site in sites if site.code == code)


@app.command(epilog="Example: `python -m twin solar results --weathers 10 --outages 10 --to offices.csv`")
def results(
    scenario: Scenarios = "baseline",
    overrides: Overrides = None,
    weathers: Weathers = 10,
    outages: Outages = 10,
    seed: Seed = 1,
    to: Annotated[Path | None, typer.Option("--to", help="Also write all 157 offices as CSV.")] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Solar share, unmet load, saving, payback and CO2 of every office: P10, P50 and P90 over drawn years.

    The table shows the kecamatan and the regency; --json and --to give every office.
    """
    import pandas as pd

    from twin.files import write_whole
    from twin.solar.plan.study import by_kecamatan, office_table

    options, sites = _offices(scenario, overrides)
    with terminal.progress_bar("years") as progress:
        rows = office_table(options, sites, weathers, outages, seed, progress)
    if to is not None:
        write_whole(to, pd.DataFrame(rows).to_csv(index=False))
        terminal.tell(f"{len(rows)} offices -> {to}")
    if as_json:
        terminal.print_json(rows)
        return
    shown = ("solar_share_percent", "unmet_kwh_year", "saving_idr_month", "payback_years", "co2_avoided_kg_year")
    lines = [
        {"kecamatan": row["kecamatan"], "offices": row["offices"],
         **{name: " / ".join(f"{row[f'{name}_{q}']:,.{0 if 'idr' in name or 'kg' in name else 1}f}"
                             for q in ("p10", "p50", "p90")) for name in shown}}
        for row in by_kecamatan(rows)
    ]  # fmt: skip
    terminal.print_rows(lines, f"P10 / P50 / P90 over {weathers * outages} years; {PRIORS}", False)


@app.command(epilog="Example: `python -m twin solar sizing --office 35.03.11.2001`")
def sizing(
    office: OfficeCode = "35.03.11.2001",
    scenario: Scenarios = "baseline",
    overrides: Overrides = None,
    weathers: Weathers = 6,
    outages: Outages = 10,
    seed: Seed = 1,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Panels × battery × reserve at one office: the designs that no other beats, and what meets 80 to 99 %."""
    from twin.solar.plan.sizing import answers, designs

    options, site = _office(scenario, overrides, office)
    with terminal.progress_bar("designs") as progress:
        rows = designs(options, site, weathers, outages, seed, progress)
    if as_json:
        terminal.print_json({"designs": rows, "answers": answers(rows)})
        return
    keys = ("panels", "battery_kwh", "reserve_percent", "capital_idr", "solar_share_percent_p50",
            "lost_load_percent_p50", "saving_idr_month_p50")  # fmt: skip
    front = sorted((row for row in rows if row["pareto"]), key=lambda row: row["capital_idr"])
    terminal.print_rows(
        [{key: row[key] for key in keys} for row in front], f"Pareto front of {office}; {PRIORS}", False
    )
    terminal.print_rows(answers(rows), "the cheapest design that meets a share in the P10, P50, P90 year", False)


@app.command(epilog="Example: `python -m twin solar claims --office 35.03.11.2001 --json`")
def claims(
    office: OfficeCode = "35.03.11.2001",
    scenario: Scenarios = "baseline",
    overrides: Overrides = None,
    weathers: Weathers = 6,
    outages: Outages = 10,
    seed: Seed = 1,
    as_json: terminal.JsonFlag = False,
) -> None:
    """The source book's claims beside what the twin finds, and which system would reach them."""
    from twin.solar.plan.claims import claims

    options, site = _office(scenario, overrides, office)
    rows = claims(options, site, weathers, outages, seed)
    terminal.print_rows(rows, f"the book's claims at {office}; {PRIORS}", as_json)


@app.command(
    epilog="Example: `python -m twin solar appliances --add 'rice cooker:350:1:office_hours' --to office.yaml`"
)
def appliances(
    add: Annotated[list[str] | None, typer.Option("--add", help="NAME:WATTS:COUNT:SCHEDULE. Repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="Name of an appliance. Repeatable.")] = None,
    scenario: Scenarios = "baseline",
    to: Annotated[
        Path | None, typer.Option("--to", help="Write a scenario that extends --scenario with this list.")
    ] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Show or edit an office's appliances, with what they use on an average day.

    Schedules: office_hours, always, night, event (evenings in the village hall), prayers.
    """
    from twin.solar.office.editor import edited, rows_of, write_scenario

    options, _ = _offices(scenario, None)
    found = edited(options.appliances, add or (), remove or ())
    if to is not None:
        write_scenario(found, scenario, to)
        terminal.tell(f"{len(found)} appliances -> {to}; run it with `python -m twin run {to}`")
    terminal.print_rows(rows_of(found), "appliances of an office (the table's are a prior)", as_json)
