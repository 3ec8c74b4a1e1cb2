"""A town with one signal between three roads, for tests that live a street."""

from pathlib import Path

from twin.traffic.networks.build import built

NODES = """<nodes><node id="w" x="0" y="0"/><node id="s" x="400" y="0" type="traffic_light"/><node id="e" x="800" y="0"/>
<node id="n" x="400" y="400"/></nodes>"""
EDGES = """<edges><edge id="ws" from="w" to="s" speed="10" numLanes="2"/><edge id="se" from="s" to="e" speed="10"/>
<edge id="ns" from="n" to="s" speed="10"/><edge id="sn" from="s" to="n" speed="10"/></edges>"""
ROUTES = """<routes><flow id="x" begin="0" end="3600" vehsPerHour="200" from="ws" to="se"/>
<flow id="y" begin="0" end="3600" vehsPerHour="80" from="ws" to="sn"/>
<flow id="z" begin="0" end="3600" vehsPerHour="150" from="ns" to="se"/></routes>"""


def town_in(folder: Path) -> Path:
    """The town's network file, built below the folder of the cache."""
    for kind, text in (("nod", NODES), ("edg", EDGES)):
        (folder / f"x.{kind}.xml").write_text(text)
    return built(folder, ROUTES) / "network.net.xml"
