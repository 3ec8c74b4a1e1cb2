"""A network and a first demand from an OpenStreetMap extract: netconvert with Indonesian defaults, then randomTrips.

The roads are OpenStreetMap's; what it does not say (speeds, lanes, widths, sidewalks) comes from `data/osm_roads.csv`.
The demand is a prior: nobody counted it. Signals stand only where OpenStreetMap has some.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

from twin.errors import MissingExtraError, NetworkError
from twin.files import read_rows
from twin.traffic.demand.sampling import sumo_home
from twin.traffic.demand.vehicles import mix_xml, vehicle_mix
from twin.traffic.folders import DATA
from twin.traffic.networks.build import NETCONVERT, netconvert, without_heading
from twin.traffic.networks.check import check
from twin.traffic.networks.files import HOUR_S, Network, elements
from twin.traffic.networks.locate import SUBLANE, locate

ATTRIBUTION = "© OpenStreetMap contributors, Open Database License (ODbL) 1.0, https://www.openstreetmap.org/copyright"
KINDS = (".osm", ".osm.xml", ".osm.gz", ".osm.pbf")
OPTIONS = (
    *NETCONVERT,
    "--osm.turn-lanes",  # the arrows on the lanes, right-turn lanes among them, where OpenStreetMap has them
    "--geometry.remove", "--junctions.join", "--remove-edges.isolated", "--keep-edges.components", "1",
    "--tls.guess-signals",  # signals drawn at the stop lines belong to the junction behind them
    "--tls.discard-simple",  # a signal that no road crosses is no junction
    "--tls.join",
)  # fmt: skip
ON_ROADS = (
    "passenger private taxi hov evehicle motorcycle moped bicycle bus coach truck trailer delivery emergency authority "
    "army vip"
)
FRINGE_FACTOR = 10  # a trip begins or ends on the edge of the map ten times as often as on a road inside [prior]


def import_osm(
    path: Path, to: Path, *, demand_veh_per_h: float = 1200.0, motorcycle_share: float = 0.75, seed: int = 1
) -> Network:
    """Build a scenario in the new folder `to` from an extract (.osm, .osm.xml, .osm.gz or .osm.pbf); returns it.

    The folder holds `network.net.xml`, `routes.rou.xml` (an hour of `demand_veh_per_h` [veh/h] random trips, a prior),
    `scenario.sumocfg` and `provenance.json`. It is made beside its name and renamed when it has passed `check`. Raises
    NetworkError, FaultsError, or MissingExtraError where .osm.pbf needs the package osmium.
    """
    _refuse(path, to, demand_veh_per_h)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".importing-", dir=to.parent) as work:
        folder, plain = Path(work) / to.name, Path(work) / "roads.osm"
        folder.mkdir()
        _plain(path, plain)
        signals = _look(path.name, plain)
        net_file = folder / "network.net.xml"
        types = Path(work) / "roads.typ.xml"
        types.write_text(types_xml(), encoding="utf-8")
        netconvert(["--osm-files", str(plain), "--type-files", str(types), *OPTIONS], net_file, path.name)
        if "<tlLogic " not in net_file.read_text(encoding="utf-8"):
            raise NetworkError(
                f"{path.name}: none of its {signals} traffic signals stands where roads for vehicles meet"
            )
        _random_trips(folder, Path(work), demand_veh_per_h, motorcycle_share, seed)
        (folder / "scenario.sumocfg").write_text(_sumocfg(), encoding="utf-8")
        demand = {"veh_per_h": demand_veh_per_h, "motorcycle_share": motorcycle_share, "seed": seed}
        told = json.dumps(_provenance(path, folder, signals, demand), indent=2, ensure_ascii=False)
        (folder / "provenance.json").write_text(told + "\n", encoding="utf-8")
        check(locate(folder))
        folder.rename(to)
    return locate(to)


def _refuse(path: Path, to: Path, demand_veh_per_h: float) -> None:
    if not path.is_file():
        raise NetworkError(f"{path}: no such file")
    if not path.name.endswith(KINDS):
        raise NetworkError(f"{path.name}: not the name of an OpenStreetMap extract; known: {', '.join(KINDS)}")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise NetworkError(f"{to}: is there already; name a new folder")
    if not 0 < demand_veh_per_h <= 100_000:
        raise NetworkError(f"demand of {demand_veh_per_h:g} veh/h; say more than 0 and at most 100,000")


def types_xml() -> str:
    """SUMO road types from `data/osm_roads.csv`; kinds of roads that are not in it are left out of the network."""
    lines = ["<types>"]
    for row in read_rows(DATA / "osm_roads.csv"):
        sidewalk = f' sidewalkWidth="{row["sidewalk_width_m"]}"' if row["sidewalk_width_m"] else ""
        lines.append(
            f'  <type id="highway.{row["highway"]}" numLanes="{row["lanes_each_way"]}" priority="{row["priority"]}"'
            f' speed="{float(row["speed_km_h"]) / 3.6:.2f}" width="{row["lane_width_m"]}"{sidewalk}'
            f' oneway="{str(row["highway"].startswith("motorway")).lower()}" allow="{ON_ROADS}"/>'
        )
    return "\n".join([*lines, "</types>"]) + "\n"


def _plain(path: Path, plain: Path) -> None:
    """The extract as plain XML, which is all that netconvert reads everywhere."""
    if path.name.endswith(".pbf"):
        _roads_of_pbf(path, plain)
    elif path.name.endswith(".gz"):
        try:
            with gzip.open(path) as packed, plain.open("wb") as file:
                shutil.copyfileobj(packed, file)
        except (OSError, EOFError, zlib.error) as fault:
            raise NetworkError(f"{path.name}: not readable as gzip: {fault}") from None
    else:
        shutil.copyfile(path, plain)


def _roads_of_pbf(path: Path, plain: Path) -> None:
    """Roads, turn restrictions and the nodes they need; buildings and the rest would only be in the way."""
    try:
        import osmium
    except ImportError:
        raise MissingExtraError('reading .osm.pbf needs osmium: pip install "trenggalek-twin[osm]"') from None
    source, only = str(path), osmium.osm.WAY | osmium.osm.RELATION
    ids = osmium.IdTracker()
    try:
        wanted: Any = osmium.FileProcessor(source, only).with_filter(osmium.filter.KeyFilter("highway", "restriction"))
        for one in wanted:
            (ids.add_way if one.is_way() else ids.add_relation)(one.id)
            ids.add_references(one)
        ids.complete_backward_references(source)
        with osmium.SimpleWriter(str(plain), overwrite=True) as writer:
            for one in osmium.FileProcessor(source).with_filter(ids.id_filter()):
                writer.add(one)
    except RuntimeError as fault:
        raise NetworkError(f"{path.name}: not readable as OpenStreetMap PBF: {fault}") from None


def _look(name: str, plain: Path) -> int:
    """Number of traffic signals. Raises NetworkError if this is no OpenStreetMap data, or without roads or signals."""
    known = {row["highway"] for row in read_rows(DATA / "osm_roads.csv")}
    root, roads, signals = "", 0, 0
    try:
        for event, element in elements(plain):
            root = root or element.tag
            if root != "osm":
                raise NetworkError(f"{name}: not an OpenStreetMap extract: its root is <{root}>, not <osm>")
            if event == "end" and element.tag in ("node", "way"):
                highway = next((tag.get("v") for tag in element.iter("tag") if tag.get("k") == "highway"), None)
                roads += element.tag == "way" and highway in known
                signals += element.tag == "node" and highway == "traffic_signals"
                element.clear()
    except NetworkError as fault:
        raise NetworkError(str(fault).replace(plain.name, name, 1)) from None
    if not roads:
        raise NetworkError(f"{name}: has no roads for vehicles (ways with highway={', '.join(sorted(known))})")
    if not signals:
        raise NetworkError(
            f"{name}: has no traffic signal (a node with highway=traffic_signals); there is nothing to control"
        )
    return signals


def _random_trips(folder: Path, work: Path, veh_per_h: float, motorcycle_share: float, seed: int) -> None:
    types, routes, home = work / "mix.add.xml", folder / "routes.rou.xml", sumo_home()
    types.write_text(f"<additional>\n{mix_xml(vehicle_mix(motorcycle_share))}</additional>\n", encoding="utf-8")
    command = [
        sys.executable, str(home / "tools" / "randomTrips.py"), "--net-file", str(folder / "network.net.xml"),
        "--additional-files", str(types), "--output-trip-file", str(work / "trips.xml"), "--route-file", str(routes),
        "--begin", "0", "--end", str(HOUR_S), "--insertion-rate", repr(veh_per_h), "--random-depart", "--seed",
        str(seed), "--fringe-factor", str(FRINGE_FACTOR), "--edge-permission", "passenger", "--threads", "1",
        "--trip-attributes", 'type="mix" departLane="best" departSpeed="max"',
    ]  # fmt: skip
    proj = str(home / "data" / "proj")
    environment = {**os.environ, "SUMO_HOME": str(home), "PROJ_DATA": proj, "PROJ_LIB": proj, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0 or not routes.is_file():
        said = (done.stderr + done.stdout).strip().splitlines() or ["nothing"]
        raise NetworkError(f"no demand could be made; SUMO's randomTrips says: {said[-1]}")
    without_heading(routes)
    text = routes.read_text(encoding="utf-8")
    label = "<!-- Prior: random trips, not counted. See provenance.json. -->\n<routes"
    routes.write_text(text.replace("<routes", label, 1), encoding="utf-8")


def _sumocfg() -> str:
    return f"""<configuration>
  <input><net-file value="network.net.xml"/><route-files value="routes.rou.xml"/></input>
  <time><begin value="0"/><end value="{HOUR_S}"/></time>
  <processing><lateral-resolution value="{SUBLANE[1]}"/></processing>
</configuration>
"""


def _provenance(path: Path, folder: Path, signals: int, demand: dict[str, Any]) -> dict[str, Any]:
    routes = (folder / "routes.rou.xml").read_text(encoding="utf-8")
    net = (folder / "network.net.xml").read_text(encoding="utf-8")
    return {
        "source": {"file": path.name, "sha256": _sha256(path), "attribution": ATTRIBUTION},
        "netconvert": {"version": importlib.metadata.version("eclipse-sumo"), "options": list(OPTIONS)},
        "road_defaults": {"confidence": "prior", "rows": read_rows(DATA / "osm_roads.csv")},
        "signals": {"in_source": signals, "in_network": sorted(set(re.findall(r'<tlLogic id="([^"]+)"', net)))},
        "demand": {
            **demand,
            "vehicles": routes.count("<vehicle "),
            "fringe_factor": FRINGE_FACTOR,
            "source": "random trips made by SUMO's randomTrips.py, routed by duarouter; not counted",
            "confidence": "prior",
        },
        "files": {name: _sha256(folder / name) for name in ("network.net.xml", "routes.rou.xml")},
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
