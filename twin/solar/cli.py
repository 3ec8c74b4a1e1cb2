"""`python -m twin solar …`: yield of a system, weather, offices, outages, sizing, results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin import terminal

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


def _planes(planes, panels_wp, tilt_deg, azimuth_deg):  # type: ignore[no-untyped-def]
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
