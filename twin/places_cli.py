"""`python -m twin places …` and `python -m twin regency …`: where offices stand, and another regency's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.terminal import JsonFlag, out_console, print_rows, tell

places_app = typer.Typer(no_args_is_help=True, help="Where the village offices are: 157 in Trenggalek.")
regency_app = typer.Typer(no_args_is_help=True, help="Another regency's tables in place of Trenggalek's.")


@regency_app.command("tables", epilog="Example: `python -m twin regency tables`")
def regency_tables(as_json: JsonFlag = False) -> None:
    """List the tables of facts that a regency can have of its own."""
    from twin.files import read_rows
    from twin.regency import shipped_tables

    rows = [{"table": name, "rows": len(read_rows(path))} for name, path in shipped_tables().items()]
    print_rows(rows, "tables that TWIN_REGENCY's folder may replace", as_json)


@regency_app.command("copy", epilog="Example: `python -m twin regency copy data/kecamatan data/villages --to ponorogo`")
def regency_copy(
    names: Annotated[list[str], typer.Argument(help="Tables, as `regency tables` names them.")],
    to: Annotated[Path, typer.Option("--to", help="The regency's folder.")],
) -> None:
    """Copy shipped tables to a folder, to be filled with another regency's facts and their sources."""
    from twin.regency import VARIABLE, copy

    for path in copy(names, to):
        out_console.print(str(path), soft_wrap=True, highlight=False)
    tell(f"when they are filled: `python -m twin regency check {to}`, then {VARIABLE}={to} before any command")


@regency_app.command("check", epilog="Example: `python -m twin regency check ponorogo`")
def regency_check(folder: Annotated[Path, typer.Argument(help="The regency's folder.")]) -> None:
    """Check a regency's tables, all faults at once, and list what they replace."""
    from twin.regency import check

    for name in check(folder):
        out_console.print(name, soft_wrap=True, highlight=False)


@places_app.command("list", epilog="Example: `python -m twin places list --json`")
def places_list(as_json: JsonFlag = False) -> None:
    """List the village offices with code, kecamatan and the position that the twin uses by default."""
    from dataclasses import asdict

    from twin.places import PlacesOptions

    print_rows([asdict(site) for site in PlacesOptions().sites()], "village offices", as_json)


@places_app.command("import", epilog="Example: `python -m twin places import offices.csv --to places.csv`")
def places_import(
    file: Annotated[
        Path, typer.Argument(help="CSV with code (or kode), lat, lon, and if known elevation, name, kecamatan.")
    ],
    to: Annotated[Path, typer.Option("--to", help="Where to write the checked table.")] = Path("places.csv"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing table.")] = False,
) -> None:
    """Check a table of office positions and write it as a scenario's `places.file` takes it; all faults at once."""
    from twin.places import import_places, write_positions

    positions = import_places(file)
    write_positions(positions, to, force=force)
    out_console.print(
        f"{len(positions)} offices -> {to}; use it with --set places.file={to}", soft_wrap=True, highlight=False
    )
