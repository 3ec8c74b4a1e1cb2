"""`python -m deploy serve|…`: the running services, and what goes with them."""

from __future__ import annotations

import gc
import secrets
import socket
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.terminal import JsonFlag, print_facts, print_json, run_app, say, tell

app = typer.Typer(
    name="deploy", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="The twin's services: serve them, export releases to them, operate them.",
)  # fmt: skip
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of all that is kept; TWIN_DEPLOY_DATA.")]
FIRST_ADMIN = "admin"


def main() -> None:
    """Run the command line."""
    run_app(app, "stopped")


def settings_of(data: Path | None, **more: Any) -> Any:
    """Settings of the environment with options on top, and a secret. Raises SettingsError."""
    from deploy.app.settings import Settings, with_secret

    given = {"data": data, **more}
    settings, made = with_secret(Settings.load(**{key: value for key, value in given.items() if value is not None}))
    if made:
        tell(f"TWIN_DEPLOY_SECRET is not set: using {settings.data / 'development.secret'}, for this machine alone")
    return settings


@app.command(epilog="Example: `python -m deploy serve --data services`")
def serve(
    data: DataOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port (8350); 0 takes a free one.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Serve everything from one process; prints the addresses and, while there is no account, a first admin token.

    Where TWIN_DEPLOY_SECRET is not set, a secret is made beside the data, and only this machine can reach the services.
    """
    import uvicorn

    from deploy.app.factory import create_app
    from deploy.app.logs import configure

    settings = settings_of(data, host=host, port=port)
    configure()
    made = create_app(settings)
    # a day's orders are millions of objects without cycles: to look through them all stops everybody for half a second
    gc.freeze()
    gc.set_threshold(10_000, 20, 100_000)
    listening = socket.create_server((settings.host, settings.port), backlog=2048)
    at = f"http://{settings.host}:{listening.getsockname()[1]}"
    facts = {"address": at, "openapi": f"{at}/openapi.json", **_first_admin(made)}
    config = uvicorn.Config(
        made, log_config=None, access_log=False, timeout_graceful_shutdown=20, ws_max_size=1 << 16, server_header=False,
        lifespan="on", h11_max_incomplete_event_size=1 << 16,
    )  # fmt: skip
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            say(f"{name}: {value}")
    uvicorn.Server(config).run(sockets=[listening])


def _first_admin(made: Any) -> dict[str, str]:
    """An admin with a token where there is no account yet; its password is printed once, here."""
    from deploy.app.roles import Role

    made.state.database.migrate()
    accounts = made.state.accounts
    accounts.load()
    if accounts.listed():
        return {}
    password = secrets.token_urlsafe(18)
    accounts.make(FIRST_ADMIN, password, {Role.ADMIN, Role.MONITOR})
    made.state.audit.note("service", "account made", FIRST_ADMIN)
    return {"admin": FIRST_ADMIN, "password": password, "token": accounts.log_in(FIRST_ADMIN, password)}


@app.command(epilog="Example: `python -m deploy migrate --to 0001`")
def migrate(
    data: DataOption = None,
    to: Annotated[str, typer.Option(help="A revision, `head`, `-1` for one back, or `base` for none.")] = "head",
) -> None:
    """Bring the database's tables forward or back."""
    from deploy.app.database import Database

    database = Database(settings_of(data))
    database.migrate(to)
    say(f"{database.url.render_as_string()}: at {to}")


@app.command(epilog="Example: `python -m deploy audit --data /srv/twin`")
def audit(data: DataOption = None, as_json: JsonFlag = False) -> None:
    """Replay the exchange's log from its first day and check every chain of hashes; exit code 1 where one is broken."""
    from deploy.app.audit import Audit
    from deploy.app.keys import kept
    from deploy.exchange.log import audit as audit_exchange

    settings = settings_of(data)
    faults = audit_exchange(settings.data / "exchange")
    faults += Audit(settings.data / "audit", kept(settings, "audit")).faults()
    if as_json:
        print_json({"ok": not faults, "faults": faults})
    else:
        say("\n".join(faults) or "exchange and audit log are whole: every chain, snapshot, rupiah and tonne")
    if faults:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m deploy backup twin-2026-01-31.tar.gz`")
def backup(
    archive: Annotated[Path, typer.Argument(help="The archive (.tar.gz) that is written.")],
    data: DataOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write everything that is kept into one archive, while the services run; secrets are not in it."""
    from deploy.ops.backup import backup as write

    manifest = write(settings_of(data), archive)
    print_json(manifest) if as_json else say(f"{archive}: {len(manifest['files'])} files")


@app.command(epilog="Example: `python -m deploy restore twin-2026-01-31.tar.gz --data /srv/twin-new`")
def restore(
    archive: Annotated[Path, typer.Argument(help="An archive that `backup` wrote.")],
    data: DataOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Put a backup into an empty data folder; needs the same TWIN_DEPLOY_SECRET as when it was made."""
    from deploy.ops.backup import restore as put_back

    manifest = put_back(settings_of(data), archive)
    print_json(manifest) if as_json else say(f"{archive}: {len(manifest['files'])} files of {manifest['made_at']}")


@app.command(epilog="Example: `python -m deploy export smoke-s1 --out releases/smoke`")
def export(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A path, or the beginning of a run's file name.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the release; an older release there is replaced.")],
    runs: Annotated[Path, typer.Option("--runs", help="Folder of the runs.")] = Path("runs"),
    bundle: Annotated[
        list[Path] | None,
        typer.Option("--bundle", help="A bundle of `python -m agents.export`; repeatable. Default: the run's rule."),
    ] = None,
    index: Annotated[Path | None, typer.Option("--index", help="A retrieval index; default: the demo corpus.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a release of a run: policies, market rules, weights, index, personnel rules, configs, and a manifest."""
    from deploy.release.export import export as write
    from twin.run import Run, find

    with Run.open(find(name, runs)) as run:
        made = write(run, out, bundle or (), index)
    facts = {"release": str(out), "digest": made.digest, "files": len(made.files), "bundles": made.bundles()}
    print_facts(facts, "release", as_json)


@app.command(epilog="Example: `python -m deploy diff releases/january releases/february`")
def diff(
    old: Annotated[Path, typer.Argument(help="A release.")],
    new: Annotated[Path, typer.Argument(help="Another one.")],
    as_json: JsonFlag = False,
) -> None:
    """Show what differs between two releases, down to the values of their tables; exit code 1 where something does."""
    from deploy.release.folder import differences, load

    rows = differences(load(old), load(new))
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            say("\n".join([f"{row['what']}: {row['file']}", *(f"  {line}" for line in row["values"])]))
        say(f"{len(rows)} files differ")
    if rows:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m deploy activate releases/smoke --data /srv/twin`")
def activate(
    release: Annotated[Path, typer.Argument(help="A release that `export` wrote.")],
    data: DataOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Put a release in force: services take it at their next start, junctions by a roll-out."""
    from deploy.release.folder import Shelf, load
    from deploy.release.inforce import must_fit

    must_fit(load(release))
    made = Shelf(settings_of(data).data / "releases").activate(release)
    print_facts({"in force": made.digest, "bundles": made.bundles()}, "release", as_json)


@app.command(epilog="Example: `python -m deploy rollback --data /srv/twin`")
def rollback(data: DataOption = None, as_json: JsonFlag = False) -> None:
    """Put the release that was in force before back in force."""
    from deploy.release.folder import Shelf

    made = Shelf(settings_of(data).data / "releases").rollback()
    print_facts({"in force": made.digest, "bundles": made.bundles()}, "release", as_json)


@app.command(epilog="Example: `python -m deploy settle --data /srv/twin --follow`")
def settle(
    data: DataOption = None,
    rpc: Annotated[
        str | None, typer.Option("--rpc", help="A node's JSON-RPC URL (keys: TWIN_CHAIN_KEYSTORE); else embedded.")
    ] = None,
    system: Annotated[Path | None, typer.Option("--system", help="What `contracts deploy` wrote, with --rpc.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as the log grows.")] = False,
    every_s: Annotated[float, typer.Option("--every", min=1, help="How often to look, with --follow [s].")] = 10.0,
    as_json: JsonFlag = False,
) -> None:
    """Settle the exchange's log on a chain and compare both; exit code 1 where they differ. Run again, it goes on."""
    import time

    from deploy.exchange.chain import Chain
    from deploy.exchange.settlement import Settler

    worker = Settler(settings_of(data).data / "exchange", Chain(rpc, system))
    while True:
        if worker.catch_up() or not follow:
            row = worker.settle()
            print_facts(row, "settlement", as_json)
            if row["differences"]:
                raise typer.Exit(1)
        if not follow:
            return
        time.sleep(every_s)
