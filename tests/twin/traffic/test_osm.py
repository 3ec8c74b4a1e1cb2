"""An invented town imported from OpenStreetMap's formats, and what is said of extracts that cannot be used."""

import csv
import gzip
import hashlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from twin.errors import MissingExtraError, NetworkError
from twin.traffic.folders import DATA
from twin.traffic.networks.files import program, read_net
from twin.traffic.networks.locate import locate
from twin.traffic.networks.osm import import_osm, types_xml

TOWN = Path(__file__).parent / "data" / "town.osm"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def town_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented town, imported once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        return import_osm(TOWN, tmp_path_factory.mktemp("town") / "town", demand_veh_per_h=300).net_file.parent


def test_an_extract_becomes_a_scenario_that_says_where_it_comes_from(town_folder: Path):
    network = locate(town_folder)
    assert sorted(path.name for path in town_folder.iterdir()) == [
        "network.net.xml", "provenance.json", "routes.rou.xml", "scenario.sumocfg",
    ]  # fmt: skip
    assert (network.begin_s, network.end_s, network.options) == (0, 3600, ("--lateral-resolution", "0.8"))
    told = json.loads((town_folder / "provenance.json").read_text(encoding="utf-8"))
    assert told["source"]["sha256"] == hashlib.sha256(TOWN.read_bytes()).hexdigest()
    assert "OpenStreetMap contributors" in told["source"]["attribution"]
    assert told["signals"] == {"in_source": 2, "in_network": ["2", "3"]}
    assert told["demand"]["vehicles"] == 300
    assert {told["demand"]["confidence"], told["road_defaults"]["confidence"]} == {"prior"}
    for name, digest in told["files"].items():
        assert hashlib.sha256((town_folder / name).read_bytes()).hexdigest() == digest
    written = "".join(path.read_text(encoding="utf-8") for path in town_folder.iterdir())
    assert str(town_folder.parent) not in written
    assert "Prior: random trips" in network.route_file.read_text()


def test_an_imported_town_has_indonesian_roads_sidewalks_crossings_and_signals(town_folder: Path):
    text = (town_folder / "network.net.xml").read_text()
    net = read_net(town_folder / "network.net.xml", withPrograms=True, withInternal=True)
    assert 'lefthand="true"' in text
    roads = {edge.getID(): edge for edge in net.getEdges(withInternal=False)}
    lanes = {
        name: [(lane.getWidth(), round(lane.getSpeed() * 3.6)) for lane in edge.getLanes()]
        for name, edge in roads.items()
    }
    assert lanes["101"] == [
        (1.5, 50),
        (3.5, 50),
        (3.5, 50),
    ]  # primary, sidewalk on the left; its lanes=4 means 2 each way
    assert [speed for _, speed in lanes["103#0"]] == [30, 30]  # OpenStreetMap's maxspeed, not our 40
    assert len(lanes["104"]) == 1  # OpenStreetMap says that there is no sidewalk
    assert "106" not in roads  # a road on its own
    assert not any(name.startswith(("105", "-105")) for name in roads)  # a footpath
    crossings = [edge for edge in net.getEdges() if edge.getFunction() == "crossing"]
    assert {edge.getFromNode().getID() for edge in crossings} >= {"2", "3"}
    assert "101" not in {
        to.getID().lstrip("-") for to in roads["102"].getOutgoing()
    }  # no right turn, says OpenStreetMap
    for light in net.getTrafficLights():
        (program_,) = light.getPrograms().values()
        phases = program_.getPhases()
        assert {phase.duration for phase in phases if "y" in phase.state} == {3}
        assert {phase.duration for phase in phases if set(phase.state) == {"r"}} == {2}


def test_another_tool_sumo_drives_the_imported_town(town_folder: Path, tmp_path: Path):
    out = tmp_path / "summary.xml"
    words = ["-c", str(town_folder / "scenario.sumocfg"), "--end", "600", "--summary-output", str(out), "--no-step-log"]
    done = subprocess.run([program("sumo"), *words, "--no-warnings"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    last = list(ET.parse(out).getroot())[-1]
    assert int(last.get("inserted")) > 20
    assert int(last.get("arrived")) > 5
    assert int(last.get("teleports")) == 0


@pytest.mark.parametrize("suffix", [".osm.gz", ".osm.pbf"])
def test_packed_extracts_give_the_same_network(tmp_path: Path, town_folder: Path, suffix: str):
    packed = tmp_path / f"town{suffix}"
    if suffix == ".osm.gz":
        packed.write_bytes(gzip.compress(TOWN.read_bytes()))
    else:
        osmium = pytest.importorskip("osmium")
        with osmium.SimpleWriter(str(packed)) as writer:
            for one in osmium.FileProcessor(str(TOWN)):
                writer.add(one)
    network = import_osm(packed, tmp_path / "to", demand_veh_per_h=300)
    assert network.digest() == locate(town_folder).digest()


def without(*patterns: str) -> bytes:
    text = TOWN.read_text()
    for pattern in patterns:
        assert re.search(pattern, text)
        text = re.sub(pattern, "", text)
    return text.encode()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.osm", None, "gone.osm: no such file"),
        ("town.txt", b"", r"town.txt: not the name of an OpenStreetMap extract; known: \.osm, "),
        ("page.osm", b"<html></html>", "page.osm: not an OpenStreetMap extract: its root is <html>"),
        ("text.osm", b"hello", "text.osm, line 1: not readable as XML"),
        ("cut.osm", TOWN.read_bytes()[:1500], r"cut.osm, line \d+: not readable as XML"),
        ("dark.osm", without("traffic_signals"), r"dark.osm: has no traffic signal \(a node with highway="),
        ("wild.osm", without(r'<tag k="highway" v="(primary|secondary|tertiary|residential)"/>'), "wild.osm: has no roads"),
        ("cut.osm.gz", gzip.compress(TOWN.read_bytes())[:-300], "cut.osm.gz: not readable as gzip"),
        ("text.osm.gz", b"hello", "text.osm.gz: not readable as gzip"),
    ],
)  # fmt: skip
def test_a_bad_extract_is_one_clear_message_and_leaves_nothing(
    tmp_path: Path, name: str, content: bytes | None, words: str
):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(NetworkError, match=words):
        import_osm(tmp_path / name, tmp_path / "out" / "to")
    assert not list(tmp_path.glob("out/*"))


def test_a_signal_that_no_junction_has_is_not_enough(tmp_path: Path):
    signal = '<tag k="highway" v="traffic_signals"/>'
    text = (
        TOWN.read_text()
        .replace(signal, "")
        .replace('lat="-8.0475" lon="111.7061"/>', f'lat="-8.0475" lon="111.7061">{signal}</node>')
    )
    (tmp_path / "midblock.osm").write_text(text)
    with pytest.raises(NetworkError, match="none of its 1 traffic signals stands where roads for vehicles meet"):
        import_osm(tmp_path / "midblock.osm", tmp_path / "to")
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("content", [b"hello world" * 50, None])
def test_a_broken_pbf_is_told(tmp_path: Path, content: bytes | None):
    osmium = pytest.importorskip("osmium")
    path = tmp_path / "town.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for one in osmium.FileProcessor(str(TOWN)):
            writer.add(one)
    path.write_bytes(content or path.read_bytes()[:-60])
    with pytest.raises(NetworkError, match=r"town\.osm\.pbf: not readable as OpenStreetMap PBF"):
        import_osm(path, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_pbf_without_osmium_names_the_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "osmium", None)
    (tmp_path / "town.osm.pbf").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r"pip install"):
        import_osm(tmp_path / "town.osm.pbf", tmp_path / "to")


def test_an_import_never_overwrites(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(NetworkError, match="is there already; name a new folder"):
        import_osm(TOWN, tmp_path)
    with pytest.raises(NetworkError, match="demand of 0 veh/h"):
        import_osm(TOWN, tmp_path / "to", demand_veh_per_h=0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_road_defaults_are_labelled_and_within_the_law():
    with (DATA / "osm_roads.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["confidence"] for row in rows} == {"prior"}
    # PM 111/2015: at most 50 km/h in urban areas, 30 km/h in residential ones, 80 km/h on toll roads in towns
    most_km_h = {row["highway"]: float(row["speed_km_h"]) for row in rows}
    assert max(speed for road, speed in most_km_h.items() if not road.startswith("motorway")) == 50
    assert most_km_h["residential"] == 30
    assert [kind.get("id") for kind in ET.fromstring(types_xml())] == [f"highway.{row['highway']}" for row in rows]


def test_signals_at_the_stop_lines_become_one_junction(tmp_path: Path):
    # Four signals some 17 m before the crossing node, which has none itself: the usual way of drawing them.
    signals = {2: (-8.05, 111.70585), 4: (-8.05, 111.70615), 7: (-8.04985, 111.706), 8: (-8.05015, 111.706)}
    others = {1: (-8.05, 111.7), 3: (-8.05, 111.706), 5: (-8.05, 111.712), 6: (-8.045, 111.706), 9: (-8.055, 111.706)}
    tag = '<tag k="highway" v="traffic_signals"/>'
    nodes = [
        f'<node id="{i}" version="1" lat="{lat}" lon="{lon}">{tag if i in signals else ""}</node>'
        for i, (lat, lon) in sorted({**signals, **others}.items())
    ]
    ways = [
        f'<way id="{i}" version="1">{"".join(f"""<nd ref="{n}"/>""" for n in along)}<tag k="highway" v="primary"/></way>'
        for i, along in ((1, (1, 2, 3, 4, 5)), (2, (6, 7, 3, 8, 9)))
    ]
    (tmp_path / "lines.osm").write_text(f'<osm version="0.6">{"".join(nodes + ways)}</osm>')
    import_osm(tmp_path / "lines.osm", tmp_path / "to", demand_veh_per_h=60)
    told = json.loads((tmp_path / "to" / "provenance.json").read_text(encoding="utf-8"))
    assert told["signals"] == {"in_source": 4, "in_network": ["GS_3"]}
