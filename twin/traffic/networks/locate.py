"""Road networks: found in an installed package or on disk, or built once from plain files and kept by their digest."""

from __future__ import annotations

import difflib
import hashlib
import importlib.metadata
import importlib.util
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from twin.errors import MissingExtraError, NetworkError
from twin.traffic.folders import SKETCH, cache_folder
from twin.traffic.networks.files import Network, from_path, from_sumocfg, program

RESCO = (
    "cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21", "arterial4x4", "grid4x4",
)  # fmt: skip
KNOWN = ("trenggalek", *RESCO)
SUBLANE = (  # motorcycles share a lane; two vehicles that block each other inside a junction for 20 s are let past
    "--lateral-resolution", "0.8", "--ignore-junction-blocker", "20",
)  # fmt: skip
NETCONVERT = (
    "--lefthand", "--tls.yellow.time", "3", "--tls.allred.time", "2", "--no-turnarounds", "--crossings.guess",
)  # fmt: skip


def locate(name: str | Path) -> Network:
    """The network of this name or at this path; it is built if need be.

    - `trenggalek`: the labelled sketch, without vehicles (`demand.hours.hour_routes` draws an hour);
    - `cologne1` … `grid4x4`: the eight RESCO networks of the sumo-rl package, unchanged;
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
    if (found := from_path(text)) is not None:
        return found
    near = difflib.get_close_matches(text, KNOWN, n=1, cutoff=0.6)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise NetworkError(
        f"no network {text!r}; {meant}known: {', '.join(KNOWN)}; or a path of a .sumocfg, a .net.xml or a folder"
    )


def _resco() -> Path:
    """The RESCO networks inside the installed sumo-rl package, found without importing it."""
    found = importlib.util.find_spec("sumo_rl")
    if found is None or found.origin is None:
        raise MissingExtraError('the RESCO networks come with sumo-rl: pip install "trenggalek-twin[twin]"')
    return Path(found.origin).parent / "nets" / "RESCO"


def built(source: Path, routes: str) -> Path:
    """Folder with `network.net.xml` made by netconvert from the plain XML files in `source`, and the routes beside it.

    Kept under the digest of all that goes in; made beside its name and renamed, so nothing half-built is ever found.
    Raises NetworkError, naming the element at fault, if netconvert refuses the files.
    """
    plain = {kind: next(source.glob(f"*.{kind}.xml"), None) for kind in ("nod", "edg", "typ", "con")}
    missing = [kind for kind in ("nod", "edg") if plain[kind] is None]
    if missing:
        raise NetworkError(f"{source.name}: has no {' and no '.join(f'*.{kind}.xml' for kind in missing)}")
    digest = hashlib.sha256(repr((NETCONVERT, importlib.metadata.version("eclipse-sumo"), routes)).encode())
    for path in filter(None, plain.values()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    final = cache_folder() / "networks" / digest.hexdigest()[:20]
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=final.parent) as folder:
        beside = Path(folder) / "network"
        beside.mkdir()
        _netconvert(plain, beside / "network.net.xml")
        (beside / "routes.rou.xml").write_text(routes, encoding="utf-8")
        try:
            beside.rename(final)
        except OSError:  # another process built the very same in the meantime
            if not final.is_dir():
                raise
    return final


def _netconvert(plain: dict[str, Path | None], net_file: Path) -> None:
    options = {"nod": "--node-files", "edg": "--edge-files", "typ": "--type-files", "con": "--connection-files"}
    files = [word for kind, path in plain.items() if path is not None for word in (options[kind], str(path))]
    netconvert([*files, *NETCONVERT], net_file, (plain["nod"] or net_file).parent.name)


def netconvert(options: Sequence[str], net_file: Path, where: str) -> None:
    """Make a network with SUMO's netconvert, without its heading (date, places): the same input gives the same bytes.

    Raises NetworkError, beginning with `where`, with netconvert's first complaint.
    """
    command = [program("netconvert"), *options, "--output-file", str(net_file), "--no-warnings"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0 or not net_file.is_file():
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("Error")]
        what = re.sub(r"^Error:\s*", "", said[0]) if said else "netconvert gave no network"
        raise NetworkError(f"{where}: {what}")
    without_heading(net_file)


def without_heading(xml: Path) -> None:
    """Take off the comments with date and places that SUMO's programs put on top of what they write."""
    text = xml.read_text(encoding="utf-8")
    xml.write_text(re.sub(r"<!-- generated on .*?-->\s*", "", text, flags=re.DOTALL), encoding="utf-8")
