"""Road networks: found in an installed package or on disk, or built once from plain files and kept by their digest."""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
from dataclasses import replace
from pathlib import Path

from twin.errors import MissingExtraError, NetworkError
from twin.traffic.folders import SKETCH
from twin.traffic.networks.build import built
from twin.traffic.networks.files import Network, from_path, from_sumocfg
from twin.traffic.networks.generated import generated as drawn

RESCO = (
    "cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21", "arterial4x4", "grid4x4",
)  # fmt: skip
KNOWN = ("trenggalek", *RESCO)
SUBLANE = (  # motorcycles share a lane; two vehicles that block each other inside a junction for 20 s are let past
    "--lateral-resolution", "0.8", "--ignore-junction-blocker", "20",
)  # fmt: skip


def locate(name: str | Path) -> Network:
    """The network of this name or at this path; it is built if need be.

    - `trenggalek`: the labelled sketch, without vehicles (`demand.hours.hour_routes` draws an hour);
    - `cologne1` … `grid4x4`: the eight RESCO networks of the sumo-rl package, unchanged;
    - `junction-7`, `town-7`: drawn at random by the number (see `generated`);
    - `X.sumocfg`: files, begin, end and processing options are taken from it;
    - `X.net.xml`: the routes are `X.rou.xml` or the only `*.rou.xml` beside it;
    - `X.net.xml+Y.rou.xml+Z.add.xml`: further files joined with a plus; those whose names end in `.rou.xml` are
      routes, the others additional files; paths are as given or, where there is no such file, beside the network;
    - a folder, such as import-osm writes: the only `*.sumocfg` in it, else the only `*.net.xml`.

    Without a .sumocfg an hour is simulated, from the last full five minutes before the first departure.
    Raises NetworkError or MissingExtraError.
    """
    text = str(name)
    if text == "trenggalek":
        folder = built(SKETCH, "<routes/>\n")
        return Network(text, folder / "network.net.xml", folder / "routes.rou.xml", begin_s=0, options=SUBLANE)
    if text in RESCO:
        return replace(from_sumocfg(_resco() / text / f"{text}.sumocfg"), name=text)
    if (found := drawn(text) or from_path(text)) is not None:
        return found
    near = difflib.get_close_matches(text, KNOWN, n=1, cutoff=0.6)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise NetworkError(
        f"no network {text!r}; {meant}known: {', '.join(KNOWN)}, junction-7 and town-7 of any number; or a path of a"
        " .sumocfg, a .net.xml or a folder"
    )


def _resco() -> Path:
    """The RESCO networks inside the installed sumo-rl package, found without importing it."""
    found = importlib.util.find_spec("sumo_rl")
    if found is None or found.origin is None:
        raise MissingExtraError('the RESCO networks come with sumo-rl: pip install "trenggalek-twin[twin]"')
    return Path(found.origin).parent / "nets" / "RESCO"
