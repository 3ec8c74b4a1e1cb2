"""Road networks: found in an installed package, or built once from plain files and kept by their digest."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import platformdirs

from twin.errors import MissingExtraError, NetworkError

SKETCH = Path(__file__).parent / "sketch"
NETCONVERT = (
    "--lefthand", "--tls.yellow.time", "3", "--tls.allred.time", "2", "--no-turnarounds",
)  # fmt: skip


@dataclass(frozen=True)
class Network:
    """What SUMO needs to simulate a network: files, when its hour begins, and options of its own."""

    name: str
    net_file: Path
    route_file: Path
    begin_s: int
    options: tuple[str, ...] = ()


def locate(name: str, motorcycle_share: float = 0.75) -> Network:
    """The network of this name, built if need be. Raises NetworkError or MissingExtraError."""
    if name == "cologne1":
        folder = _resco() / name
        return Network(name, folder / f"{name}.net.xml", folder / f"{name}.rou.xml", begin_s=25200)
    if name == "trenggalek":
        routes = routes_xml(motorcycle_share)
        folder = built(SKETCH, routes)
        return Network(
            name,
            folder / "network.net.xml",
            folder / "routes.rou.xml",
            begin_s=0,
            options=("--lateral-resolution", "0.8"),  # the sublane model: motorcycles share a lane
        )
    raise NetworkError(f"no network {name!r}; known: trenggalek, cologne1")


def _resco() -> Path:
    """The RESCO networks inside the installed sumo-rl package, found without importing it."""
    found = importlib.util.find_spec("sumo_rl")
    if found is None or found.origin is None:
        raise MissingExtraError('the RESCO networks come with sumo-rl: pip install "trenggalek-twin[twin]"')
    return Path(found.origin).parent / "nets" / "RESCO"


def cache_folder() -> Path:
    """Where built networks are kept; the environment variable TWIN_CACHE names another place."""
    return Path(os.environ.get("TWIN_CACHE") or platformdirs.user_cache_dir("trenggalek-twin"))


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
    command = [program("netconvert"), *files, *NETCONVERT, "--output-file", str(net_file), "--no-warnings"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0 or not net_file.is_file():
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("Error")]
        what = re.sub(r"^Error:\s*", "", said[0]) if said else "netconvert gave no network"
        raise NetworkError(f"{(plain['nod'] or net_file).parent.name}: {what}")


def program(name: str) -> str:
    """Path of one of SUMO's programs in the installed eclipse-sumo package, or on the PATH."""
    found = importlib.util.find_spec("sumo")
    if found is not None and found.origin is not None and (path := Path(found.origin).parent / "bin" / name).is_file():
        return str(path)
    on_path = shutil.which(name)
    if on_path is None:
        raise MissingExtraError(f'{name} comes with SUMO: pip install "trenggalek-twin[twin]"')
    return on_path


def _read(name: str) -> list[dict[str, str]]:
    with (SKETCH / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def origin_destination() -> dict[tuple[str, str], float]:
    """Vehicles an hour from entry edge to exit edge: each inflow shared among the others by their attraction."""
    entries = _read("demand.csv")
    flows = {}
    for origin in entries:
        others = [entry for entry in entries if entry["entry"] != origin["entry"]]
        weight = sum(float(entry["attraction"]) for entry in others)
        for to in others:
            share = float(to["attraction"]) / weight
            flows[origin["in_edge"], to["out_edge"]] = float(origin["inflow_veh_per_h"]) * share
    return flows


def routes_xml(motorcycle_share: float) -> str:
    """SUMO demand for the sketch: Poisson arrivals (`period="exp(rate)"`), vehicle kinds drawn by their share."""
    kinds = []
    for row in _read("vehicles.csv"):
        other = row["share_of_other_than_motorcycles"]
        share = (1 - motorcycle_share) * float(other) if other else motorcycle_share
        if share > 0:
            attributes = {
                "id": row["vehicle"], "vClass": row["vclass"], "length": row["length_m"], "width": row["width_m"],
                "maxSpeed": row["max_speed_m_per_s"], "minGap": row["min_gap_m"],
                "emissionClass": row["emission_class"], "latAlignment": "arbitrary" if not other else "center",
                "probability": f"{share:.9g}",
            }  # fmt: skip
            kinds.append("    <vType " + " ".join(f"{k}={quoteattr(v)}" for k, v in attributes.items()) + "/>")
    flows = [
        f'  <flow id="{origin}.{to}" type="mix" begin="0" end="3600" period="exp({veh_per_h / 3600:.9g})"'
        f' from="{origin}" to="{to}" departLane="best" departSpeed="max"/>'
        for (origin, to), veh_per_h in origin_destination().items()
    ]
    lines = ["<routes>", '  <vTypeDistribution id="mix">', *kinds, "  </vTypeDistribution>", *flows, "</routes>"]
    return "\n".join(lines) + "\n"
