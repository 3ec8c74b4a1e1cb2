"""`python -m twin labour …`: stable matching of files, the population, the market, JOBTREN, registers of people."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from twin import terminal

app = typer.Typer(no_args_is_help=True, help="The labour market: people, vacancies, stable matching, JOBTREN.")


@app.command(
    epilog="Example: `python -m twin labour match seekers.csv vacancies.csv --employer-ranks ranks.csv "
    "--out matches.csv`"
)
def match(
    seekers: Annotated[Path, typer.Argument(help="CSV seeker,rank,vacancy: every seeker's wishes, rank 1 is best.")],
    vacancies: Annotated[Path, typer.Argument(help="CSV vacancy,capacity: how many seats each has.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write seeker,vacancy.")],
    employer_ranks: Annotated[
        Path | None,
        typer.Option("--employer-ranks", help="CSV vacancy,rank,seeker; without it employers take who lists them."),
    ] = None,
    proposing: Annotated[
        str, typer.Option("--proposing", help="seekers (best for them, no gain by a false list) or employers.")
    ] = "seekers",
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Draw who wins a tie; else the order of the seekers' file.")
    ] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Match seekers with vacancies so that no pair would rather have each other (deferred acceptance).

    Equal ranks are ties. A pair that only one side lists is not matched.
    """
    from twin.labour.matching.deferred import SIDES, deferred_acceptance
    from twin.labour.matching.files import read_lists, write_matches
    from twin.labour.matching.stability import blocking_pairs

    if proposing not in SIDES:
        raise typer.BadParameter(f"{proposing!r} is none of {', '.join(SIDES)}", param_hint="--proposing")
    named = read_lists(seekers, vacancies, employer_ranks, seed)
    matched = deferred_acceptance(named.lists, proposing)
    write_matches(named, matched, out)
    summary = {
        "matches": str(out),
        "proposing": proposing,
        "seekers": named.lists.seekers,
        "vacancies": len(named.vacancies),
        "seats": int(named.lists.capacity.sum()),
        "matched": int((matched >= 0).sum()),
        "blocking_pairs": blocking_pairs(named.lists, matched),
    }
    if as_json:
        terminal.print_json(summary)
    else:
        terminal.print_rows(
            [{"figure": key, "value": value} for key, value in summary.items()], "stable matching", False
        )


VintageName = Annotated[str, typer.Option("--vintage", help="book_2024, bps_2024 or bps_2025.")]
People = Annotated[int | None, typer.Option("--people", min=2000, help="A smaller population, for a quick look.")]


def _vintage(name: str) -> str:
    from twin.labour.facts import VINTAGES

    if name not in VINTAGES:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(VINTAGES)}", param_hint="--vintage")
    return name


@app.command(epilog="Example: `python -m twin labour population --vintage bps_2025`")
def population(
    vintage: VintageName = "book_2024", seed: terminal.SeedOption = 1, as_json: terminal.JsonFlag = False
) -> None:
    """Synthesise the working-age people and show them beside the margins that they are fitted to."""
    import numpy as np

    from twin.labour.population import margin_report, synthesise

    people = synthesise(_vintage(vintage), np.random.default_rng(seed))
    terminal.print_rows(margin_report(people, vintage), f"{vintage}: {len(people):,} people against margins", as_json)


@app.command(epilog="Example: `python -m twin labour market --months 120 --json`")
def market(
    months: Annotated[int, typer.Option("--months", min=1, max=600, help="How many months are lived.")] = 120,
    vintage: VintageName = "book_2024",
    people: People = None,
    seed: terminal.SeedOption = 1,
    curve: Annotated[bool, typer.Option("--curve", help="Also the Beveridge curve: seven levels of demand.")] = False,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Live through months of the labour market without JOBTREN; show what comes out of search and matching."""
    from twin.labour.curves import described

    with terminal.progress_bar("months") as progress:
        found = described(_vintage(vintage), seed, months, people, curve, progress)
    if as_json:
        terminal.print_json(found)
        return
    points = found.pop("beveridge")
    terminal.print_facts(found, f"{vintage}, {months} months, seed {seed}", False)
    if points:
        terminal.print_rows(points, "Beveridge curve: means of a year at levels of labour demand", False)


@app.command(epilog="Examples: `python -m twin labour jobtren --seeds 1..20` · `… --effect high --people 60000 --json`")
def jobtren(
    seeds: Annotated[str, typer.Option("--seeds", help="`7`, `1..5` or `1,3,5`; a pair of cities each.")] = "1..20",
    months: Annotated[int, typer.Option("--months", min=7, max=240)] = 24,
    effect: Annotated[
        str, typer.Option("--effect", help="prior (drawn a seed), none, low, mode or high end of its ranges.")
    ] = "prior",
    vintage: VintageName = "book_2024",
    people: People = None,
    basis: Annotated[str, typer.Option("--basis", help="Budget as stated or as computed from its lines.")] = "stated",
    as_json: terminal.JsonFlag = False,
) -> None:
    """Compare cities with and without JOBTREN under the same luck: unemployment, spells, time to hire, who gains, cost.

    Its effect is a prior whose range includes zero (`twin/labour/data/jobtren.csv` says why).
    """
    from twin.labour import experiment

    for value, known, option in ((effect, experiment.EFFECTS, "--effect"), (basis, ("stated", "computed"), "--basis")):
        if value not in known:
            raise typer.BadParameter(f"{value!r} is none of {', '.join(known)}", param_hint=option)
    with terminal.progress_bar("pairs of cities") as progress:
        found = experiment.pairs(_vintage(vintage), terminal.seeds_of(seeds), months, effect, people, progress)
    lifts = experiment.registered_growth_by_lift(vintage, (0.4, 1.5, 3.0), terminal.seeds_of(seeds)[0], people)
    document: dict[str, Any] = {
        "effect": effect, "months": months, "seeds": [pair.seed for pair in found],
        "figures": experiment.summary(found), "who_gains": experiment.who_gains(found),
        "cost": experiment.cost(found, basis), "path": experiment.unemployment_path(found), "registrations": lifts,
    }  # fmt: skip
    if as_json:
        terminal.print_json(terminal.plain(document))
        return
    title = f"JOBTREN, effect: {effect} (a prior); {months} months, {len(found)} seeds; mean ± 95 % interval"
    terminal.print_rows([_shown(row) for row in document["figures"]], title, False)
    terminal.print_rows([_shown(row) for row in document["path"][:: max(1, months // 8)]], "unemployment path", False)
    terminal.print_rows([_shown(row) for row in document["who_gains"]], "who gains", False)
    terminal.print_facts(_shown(document["cost"]), "cost", False)
    terminal.print_rows(lifts, "the book's +50 % registered after six months: what it takes (one seed)", False)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its intervals and ranges as text."""
    from twin.compare import Interval

    def text(value: Any) -> Any:
        if isinstance(value, Interval):
            return terminal.plus_minus(value)
        return " … ".join(terminal.show.number(one) for one in value) if isinstance(value, list) else value

    return {key: text(value) for key, value in row.items()}


@app.command(epilog="Example: `python -m twin labour calibrate --vintage bps_2025`")
def calibrate(vintage: VintageName = "book_2024", seed: terminal.SeedOption = 1) -> None:
    """Find the search effort at which the vintage's unemployment comes out (it stands in data/search_effort.csv)."""
    from twin.labour.calibration import calibrate

    effort = calibrate(_vintage(vintage), seed, terminal.tell)
    terminal.say(f"{vintage}: search effort {effort:.3f} vacancies a week")


SeekersFile = Annotated[Path, typer.Argument(help="CSV id,age,sex,education,kecamatan,skills,interest,wage_idr.")]
VacanciesFile = Annotated[Path, typer.Argument(help="CSV vacancy,seats,kecamatan,min_education,skills,kbji,wage_idr.")]
SmallestGroup = Annotated[int, typer.Option("--k", min=2, help="Groups of fewer people are not shown.")]


@app.command(
    "import",
    epilog="Example: `TWIN_LABOUR_KEY=… python -m twin labour import seekers.csv vacancies.csv --to register/`",
)
def import_command(
    seekers: SeekersFile,
    vacancies: VacanciesFile,
    to: Annotated[Path, typer.Option("--to", help="Folder for the checked register.")],
) -> None:
    """Check real seekers and vacancies, all faults at once, and write them with pseudonyms instead of identities.

    The pseudonyms' secret is read from the environment variable TWIN_LABOUR_KEY and stands nowhere else. The register
    still describes single people: keep it closed, and hand out what `share` writes.
    """
    from twin.labour.advice.intake import read_register, smallest_kind, write_register
    from twin.labour.privacy import key_from_environment

    register = read_register(seekers, vacancies, key_from_environment())
    paths = write_register(register, to)
    terminal.say(f"{len(register.names)} seekers, {len(register.vacancies_named)} vacancies -> {paths[0].parent}")
    terminal.tell(f"people alike in sex, age band, education and sub-district: {smallest_kind(register)} at the fewest")


@app.command(epilog="Example: `python -m twin labour share register/seekers.csv register/vacancies.csv --to open.csv`")
def share(
    seekers: SeekersFile,
    vacancies: VacanciesFile,
    to: Annotated[Path, typer.Option("--to", help="Where to write the table.")],
    k: SmallestGroup = 5,
) -> None:
    """Write an imported register's seekers as a k-anonymous table: sex, age band, education and sub-district alone."""
    from twin.csv_input import write_table
    from twin.errors import LabourError
    from twin.labour.advice.intake import read_register, shareable

    table, blanked = shareable(read_register(seekers, vacancies, None), k)
    write_table(table, to, LabourError)
    terminal.say(f"{len(table)} rows -> {to}; left out so that every row has {k - 1} others like it: {blanked or '–'}")


@app.command(epilog="Example: `python -m twin labour advise register/seekers.csv register/vacancies.csv --to advice/`")
def advise(
    seekers: SeekersFile,
    vacancies: VacanciesFile,
    to: Annotated[Path, typer.Option("--to", help="Folder for matches, explanations, parity and ways to a match.")],
    listed: Annotated[int, typer.Option("--listed", min=1, max=200, help="Vacancies a seeker's list has.")] = 20,
    language: Annotated[str, typer.Option("--language", help="id or en.")] = "id",
    ways: Annotated[int, typer.Option("--ways", min=0, help="For how many unmatched seekers to look for ways.")] = 20,
    k: SmallestGroup = 5,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Score, screen and match an imported register; explain every match, and what the unmatched would need.

    Seats reserved for people with a disability go to them first. The stable matching is shown beside the planner's
    optimum and greedy. Apart from parity.csv the tables are about single people, under pseudonyms: keep them closed.
    """
    from twin.labour.advice.advise import write_advice
    from twin.labour.advice.explain import LANGUAGES
    from twin.labour.advice.intake import read_register

    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(LANGUAGES)}", param_hint="--language")
    summary = write_advice(read_register(seekers, vacancies, None), to, listed, language, ways, k)
    terminal.print_facts(summary, f"advice in {to}", as_json)


@app.command(
    epilog="Example: `python -m twin labour karirhub vacancies.csv --to karirhub.csv --from 2026-03-01 "
    "--until 2026-03-31`"
)
def karirhub(
    vacancies: Annotated[Path, typer.Argument(help="CSV of vacancies as `import` takes it, and a column employer.")],
    to: Annotated[Path, typer.Option("--to", help="Where to write the report.")],
    valid_from: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of validity.")],
    valid_to: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day of validity.")],
) -> None:
    """Write vacancies with the particulars that Perpres 57/2023 makes employers report to the national system."""
    from twin.labour.advice.karirhub import write_karirhub

    terminal.say(f"{write_karirhub(vacancies, to, valid_from.date(), valid_to.date())} vacancies -> {to}")
