"""The shape of a network, for drawing."""

from __future__ import annotations

from twin.traffic.networks.files import read_net
from twin.traffic.networks.locate import locate


def lane_points(name: str) -> list[dict[str, str | int | float]]:
    """Every lane as a polyline: rows of lane, point (its order along the lane), x_m, y_m."""
    net = read_net(locate(name).net_file)
    return [
        {"lane": lane.getID(), "point": i, "x_m": float(x), "y_m": float(y)}
        for edge in net.getEdges()
        for lane in edge.getLanes()
        for i, (x, y) in enumerate(lane.getShape())
    ]
