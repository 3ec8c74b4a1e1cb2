"""Networks: found by name and on disk, examined for every fault at once; and the sketch."""

import csv
import gzip
import itertools
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import sumolib

from twin.errors import FaultsError, NetworkError
from twin.traffic.demand.hours import day_type, origin_destination
from twin.traffic.folders import SKETCH
from twin.traffic.networks import check as netcheck
from twin.traffic.networks.check import check
from twin.traffic.networks.files import Network, program, read_net
from twin.traffic.networks.locate import KNOWN, RESCO, locate

NODES = """<nodes><node id="a" x="0" y="0"/><node id="s" x="300" y="0" type="traffic_light"/>
<node id="b" x="600" y="0"/><node id="n" x="300" y="300"/><node id="c" x="0" y="900"/><node id="d" x="600" y="900"/>
<node id="e" x="900" y="900"/><node id="f" x="900" y="1200"/></nodes>"""
ROADS = """<edge id="in" from="a" to="s"/><edge id="out" from="s" to="b"/><edge id="side" from="n" to="s"/>"""
TRIP = '<routes><trip id="car" depart="1000" from="in" to="out"/></routes>'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def junction(folder: Path, *more_roads: str, routes: str = TRIP) -> Network:
    """A signalised junction in `folder`: x.net.xml and x.rou.xml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nodes.xml").write_text(NODES)
    (folder / "edges.xml").write_text(f"<edges>{ROADS}{''.join(more_roads)}</edges>")
    files = ["-n", str(folder / "nodes.xml"), "-e", str(folder / "edges.xml"), "-o", str(folder / "x.net.xml")]
    subprocess.run([program("netconvert"), *files, "--no-turnarounds"], check=True, capture_output=True)
    (folder / "x.rou.xml").write_text(routes)
    return locate(folder / "x.net.xml")


def change(network: Network, pattern: str, by: str) -> Network:
    text = network.net_file.read_text()
    changed = re.sub(pattern, by, text, flags=re.DOTALL)
    assert changed != text
    network.net_file.write_text(changed)
    return network


def faults(network: Network) -> list[str]:
    with pytest.raises(FaultsError) as caught:
        check(network)
    return caught.value.faults


# --- found ---


@pytest.mark.parametrize("name", RESCO)
def test_resco_networks_are_taken_unchanged_from_their_package(name: str):
    network = locate(name)
    said = {e.tag: e.get("value") for e in ET.parse(network.net_file.parent / f"{name}.sumocfg").iter()}
    assert network.name == name
    assert (network.net_file.name, network.route_file.name) == (said["net-file"], said["route-files"])
    assert (network.begin_s, network.end_s) == (int(said["begin"]), int(said["end"]))
    assert network.options == ()
    assert "sumo_rl" in network.net_file.parts


@pytest.mark.parametrize("name", KNOWN)
def test_every_shipped_network_passes_the_check_once(name: str, monkeypatch: pytest.MonkeyPatch):
    network = locate(name)
    check(network)
    monkeypatch.setattr(netcheck, "faults_of", lambda _: pytest.fail("examined again"))
    check(network)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(NetworkError, match=r"no network 'colone1'; did you mean 'cologne1'\? known: trenggalek, "):
        locate("colone1")


def test_a_net_file_finds_its_routes_and_begins_before_the_first_departure(tmp_path: Path):
    network = junction(tmp_path)
    assert network.route_file == tmp_path / "x.rou.xml"
    assert (network.name, network.begin_s, network.end_s) == ("x", 900, 900 + 3600)
    (tmp_path / "x.rou.xml").rename(tmp_path / "other.rou.xml")
    assert locate(tmp_path).route_file == tmp_path / "other.rou.xml"
    (tmp_path / "third.rou.xml").write_text("<routes/>")
    with pytest.raises(NetworkError, match=r"which one of other\.rou\.xml, third\.rou\.xml"):
        locate(tmp_path / "x.net.xml")


def test_files_are_joined_with_a_plus(tmp_path: Path):
    junction(tmp_path)
    (tmp_path / "y.rou.xml").write_text('<routes><trip id="b" depart="0:10:00" from="side" to="out"/></routes>')
    (tmp_path / "z.add.xml").write_text("<additional/>")
    network = locate(f"{tmp_path}/x.net.xml+y.rou.xml+{tmp_path}/x.rou.xml+z.add.xml")
    assert [path.name for path in network.demand_files] == ["y.rou.xml", "x.rou.xml"]
    assert network.additional_files == (tmp_path / "z.add.xml",)
    assert network.begin_s == 600
    words = network.inputs
    assert words[words.index("--route-files") + 1] == f"{tmp_path}/y.rou.xml,{tmp_path}/x.rou.xml"
    check(network)


def test_packed_files_are_read(tmp_path: Path):
    network = junction(tmp_path / "plain")
    folder = tmp_path / "packed"
    folder.mkdir()
    for path in network.files:
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    packed = locate(folder / "x.net.xml.gz")
    assert (packed.name, packed.begin_s) == ("x", 900)
    check(packed)


def test_a_sumocfg_gives_files_times_and_how_to_simulate(tmp_path: Path):
    junction(tmp_path / "files")
    (tmp_path / "files" / "y.rou.xml").write_text("<routes/>")
    (tmp_path / "more.xml").write_text("<additional/>")
    config = tmp_path / "run.sumocfg"
    config.write_text(
        """<configuration><input><net-file value="files/x.net.xml"/>
        <route-files value="files/x.rou.xml, files/y.rou.xml"/><additional-files value="more.xml"/></input>
        <time><begin value="0:15:00"/><end value="1800"/><step-length v="0.5"/></time>
        <output><tripinfo-output value="t.xml"/></output><random_number><seed value="7"/></random_number>
        <processing><lateral-resolution value="0.8"/><time-to-teleport value="60"/></processing></configuration>"""
    )
    network = locate(config)
    assert [path.relative_to(tmp_path).as_posix() for path in network.files] == [
        "files/x.net.xml", "files/x.rou.xml", "files/y.rou.xml", "more.xml",
    ]  # fmt: skip
    assert (network.name, network.begin_s, network.end_s) == ("run", 900, 1800)
    assert network.options == ("--lateral-resolution", "0.8", "--step-length", "0.5")
    check(network)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<route-files value="r.xml"/>', r"names no net-file"),
        ('<net-file value="n.xml"/>', r"names no route-files"),
        ('<net-file value="n.xml"/><route-files value="r.xml"/><begin value="soon"/>', "'soon' is neither seconds"),
        (
            '<net-file value="n.xml"/><route-files value="r.xml"/><begin value="9"/><end value="5"/>',
            "not after its begin",
        ),
        ('<net-file value="n.xml"/><route-files value="r.xml"/><scale value="2"/>', "scales its demand"),
        ('<net-file value="n.xml">', "line 1: not readable as XML"),
    ],
)
def test_a_faulty_sumocfg_is_told(tmp_path: Path, body: str, words: str):
    (tmp_path / "run.sumocfg").write_text(f"<configuration>{body}</configuration>")
    with pytest.raises(NetworkError, match=words):
        locate(tmp_path / "run.sumocfg")


def test_the_digest_follows_contents_and_not_places(tmp_path: Path):
    network = junction(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    again = locate(tmp_path / "two" / "x.net.xml")
    assert again.digest() == network.digest()
    again.route_file.write_text(TRIP.replace("1000", "1001"))
    assert again.digest() != network.digest()


# --- examined ---


def test_missing_files_are_all_told(tmp_path: Path):
    assert faults(Network("x", tmp_path / "a.net.xml", tmp_path / "b.rou.xml", 0)) == [
        f"no file a.net.xml in {tmp_path}",
        f"no file b.rou.xml in {tmp_path}",
    ]


def test_all_faults_at_once_each_with_its_element(tmp_path: Path):
    routes = """<routes><vehicle id="v" depart="0"><route edges="in gone"/></vehicle><trip id="t" depart="1" from="in"
    to="side"/><person id="p" depart="2"><walk edges="gone"/><stop lane="sid_0" duration="1"/></person></routes>"""
    network = junction(tmp_path, '<edge id="alone" from="c" to="d"/>', routes=routes)
    change(network, r"<phase [^>]*>", "")
    assert faults(network) == [
        "x.net.xml: traffic light 's', programme '0': has no phases",
        "x.net.xml: not connected with the rest: 'alone'",
        "x.rou.xml: edge 'gone' is not in the network, but in vehicle 'v', person 'p'",
        "x.rou.xml: edge 'sid' is not in the network, but in person 'p'; did you mean 'side'?",
        "x.rou.xml: no way leads from 'in' to 'side', as trip 't' wants",
    ]


def test_an_entry_without_exit_is_named(tmp_path: Path):
    # A ring d → e → f → d that the junction leaks into and that nobody leaves.
    road = '<edge id="{0}{1}" from="{0}" to="{1}"/>'
    network = junction(tmp_path, *(road.format(*pair) for pair in ("cd", "de", "ef", "fd", "sd")))
    assert faults(network) == ["x.net.xml: no exit can be reached from entry 'cd'; connect it with the rest"]


def test_a_network_without_signals_or_green_is_told(tmp_path: Path):
    network = change(junction(tmp_path / "red"), r'state="[GgyYr]+"', 'state="rrr"')
    assert faults(network) == ["x.net.xml: traffic light 's', programme '0': none of its 4 phases has a green"]
    network = change(junction(tmp_path / "short"), r'state="[GgyYr]+"', 'state="G"')
    assert faults(network)[0] == "x.net.xml: traffic light 's', programme '0': phase 0 sets 1 signals of 2"
    network = change(junction(tmp_path / "none"), r"<tlLogic.*</tlLogic>", "")
    change(network, r' tl="s" linkIndex="\d+"', "")
    assert faults(network) == ["x.net.xml: has no traffic light; there is nothing to control"]


@pytest.mark.parametrize("name", ["x.net.xml", "x.rou.xml"])
def test_unreadable_xml_is_told_with_its_line(tmp_path: Path, name: str):
    network = junction(tmp_path)
    (tmp_path / name).write_text("<net>\n<edge\n</net>")
    assert faults(network) == [f"{name}, line 3: not readable as XML: not well-formed (invalid token)"]


def test_another_file_than_a_network_is_told(tmp_path: Path):
    network = junction(tmp_path)
    network.net_file.write_text("<routes/>")
    assert faults(network) == ["x.net.xml: not a SUMO network: its root is <routes>, not <net>"]
    network.net_file.write_text('<net><connection from="a" to="b" fromLane="0" toLane="0" dir="s" state="M"/></net>')
    assert "x.net.xml: inconsistent" in faults(network)[0]


def test_a_verdict_is_kept_and_a_mended_file_is_examined_again(tmp_path: Path):
    network = junction(tmp_path, routes=TRIP.replace('"out"', '"gone"'))
    assert faults(network) == faults(network) != []
    network.route_file.write_text(TRIP)
    check(network)


# --- the sketch ---


@pytest.fixture(scope="module")
def sketch(tmp_path_factory: pytest.TempPathFactory) -> sumolib.net.Net:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        file = locate("trenggalek").net_file
    return read_net(file, withInternal=True, withPrograms=True)


def test_the_sketchs_demand_adds_up():
    flows = origin_destination(day_type("weekday"))
    assert sum(flows.values()) == pytest.approx(2760)
    assert sum(v for (origin, _), v in flows.items() if origin == "west_J1_up") == pytest.approx(620)


def test_the_sketch_has_a_camera_zone_on_every_approach_and_a_crossing_on_every_arm(sketch: sumolib.net.Net):
    zones = 0
    for light in sketch.getTrafficLights():
        node = sketch.getNode(light.getID())
        approaches = [edge for edge in node.getIncoming() if edge.getFunction() == ""]
        for edge in approaches:
            assert 80 < edge.getLength() < 100
            assert [up.getID() for up in edge.getIncoming() if up.getFunction() == ""] == [f"{edge.getID()}_up"]
        arms = {edge.getID() for edge in (*approaches, *node.getOutgoing()) if edge.getFunction() == ""}
        crossed = {
            edge.getID()
            for crossing in sketch.getEdges()
            if crossing.getFunction() == "crossing" and crossing.getFromNode() == node
            for edge in crossing.getCrossingEdges()
        }
        assert crossed == arms
        zones += len(approaches)
        pockets = {len(edge.getLanes()) for edge in approaches}
        assert pockets == ({3} if light.getID() in ("J1", "J5") else {4})  # with the sidewalk
    assert zones == 18  # as sketch.csv says


def test_another_tool_duarouter_connects_every_entry_and_every_sidewalk(tmp_path: Path):
    with (SKETCH / "demand.csv").open(newline="", encoding="utf-8") as file:
        ends = [(row["in_edge"], row["out_edge"]) for row in csv.DictReader(file)]
    pairs = list(itertools.permutations(ends, 2))
    trips = [f'<trip id="{i}" depart="0" from="{a[0]}" to="{b[1]}"/>' for i, (a, b) in enumerate(pairs)]
    walks = [
        f'<person id="{x}.{y}" depart="0"><walk from="{x}" to="{y}"/></person>' for a, b in pairs for x in a for y in b
    ]
    (tmp_path / "all.xml").write_text("<routes>" + "".join(trips + walks) + "</routes>")
    words = ["-n", str(locate("trenggalek").net_file), "-r", str(tmp_path / "all.xml"), "-o", str(tmp_path / "out.xml")]
    done = subprocess.run(
        [program("duarouter"), *words, "--xml-validation", "never"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    out = ET.parse(tmp_path / "out.xml").getroot()
    assert len(out.findall("vehicle/route")) == len(trips) == 72
    assert len(out.findall("person/walk")) == len(walks) == 288


def test_netconvert_has_no_complaint_about_the_sketch(tmp_path: Path):
    from twin.traffic.networks.build import NETCONVERT

    kinds = {"nod": "--node-files", "edg": "--edge-files", "typ": "--type-files"}
    words = [word for kind, option in kinds.items() for word in (option, str(SKETCH / f"sketch.{kind}.xml"))]
    words += [*NETCONVERT, "--xml-validation", "never", "-o", str(tmp_path / "net.xml")]
    done = subprocess.run([program("netconvert"), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_sketch_says_of_everything_whether_it_is_known():
    with (SKETCH / "sketch.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(all(row.values()) for row in rows)
    assert {(row["known_or_assumed"], row["confidence"]) for row in rows} == {
        ("known", "stated"), ("known", "official"), ("assumed", "prior"),
    }  # fmt: skip
    assert {"camera zones", "pockets", "sidewalks", "crossings", "right turns"} <= {row["element"] for row in rows}
