"""A release put in force: what it changes in the services, and what it must share with the installed code."""

from __future__ import annotations

from deploy.exchange.writer import Writer
from deploy.release.folder import Release, ReleaseError, Shelf
from twin.labour.facts import read as labour_rows
from twin.programmes.facts import read as programme_rows

SERVICE = "#service"  # who gives commands in the services' own name; no account can be called so
PINNED = {
    "labour/weights.json": lambda: labour_rows("score_weights.csv"),
    "personnel/kinds.json": lambda: programme_rows("request_kinds.csv"),
}


def must_fit(release: Release) -> None:
    """Raise ReleaseError where the release was made with other tables than the installed code computes with."""
    revision = release.manifest["made_from"].get("revision")
    faults = [
        f"{name}: is not the installed code's table; install the code that made the release (revision {revision})"
        for name, table in PINNED.items()
        if release.read(name) != table()
    ]
    if faults:
        raise ReleaseError(str(release.folder), faults)


async def put_in_force(shelf: Shelf, writer: Writer) -> Release | None:
    """Take the release in force: the exchange adopts its market rules, from its next day on. Raises ReleaseError."""
    release = shelf.current()
    if release is None:
        return None
    must_fit(release)
    rules = release.read("market/rules.json")
    x = writer.exchange
    if rules not in (x.rules, x.next_rules):
        opening = release.read("market/opening.json").get("reference_idr")
        key = f"adopt-{x.day}-{release.digest[:16]}"
        await writer.do("adopt", SERVICE, key, {"rules": rules, "reference_idr": opening})
    return release
