"""Who walks: trips on foot across the town, by people of different speed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twin.errors import NetworkError
from twin.files import read_rows
from twin.traffic.demand.vehicles import parameters
from twin.traffic.folders import DATA


class Pavement(NamedTuple):
    """An edge with a lane for pedestrians: its length [m] and the middle of that lane [m]."""

    edge: str
    length_m: float
    x_m: float
    y_m: float


def pavements(net: Any) -> list[Pavement]:
    """The edges of a sumolib network that have a sidewalk: a lane for pedestrians and not for cars."""
    found = []
    for edge in sorted(net.getEdges(), key=lambda edge: edge.getID()):
        for lane in edge.getLanes():
            if lane.allows("pedestrian") and not lane.allows("passenger"):
                x_m, y_m = np.mean(lane.getShape(), axis=0)[:2]
                found.append(Pavement(edge.getID(), float(lane.getLength()), float(x_m), float(y_m)))
                break
    return found


def walker_types_xml() -> str:
    """SUMO types of `data/walking_speeds.csv`: everybody's own speed is drawn around that of the class."""
    return "".join(
        f'  <vType id="{row["walker"]}" vClass="pedestrian" width="{row["width_m"]}"'
        f' desiredMaxSpeed="{row["walking_speed_m_per_s"]}"'
        f' speedFactor="normc(1,{row["speed_deviation"]},0.5,1.5)"/>\n'
        for row in read_rows(DATA / "walking_speeds.csv")
    )


def trip_weights(places: list[Pavement], mean_walk_m: float) -> np.ndarray:
    """Likelihood of every trip from place to place, shape (places, places), adding up to 1.

    Places draw people by their length, and trips thin out with the distance as exp(−d / mean_walk_m).
    """
    position = np.array([[place.x_m, place.y_m] for place in places])
    distance_m = np.linalg.norm(position[:, None, :] - position[None, :, :], axis=2)
    length_m = np.array([place.length_m for place in places])
    weight = np.exp(-distance_m / mean_walk_m) * np.outer(length_m, length_m)
    np.fill_diagonal(weight, 0.0)  # whoever stays on an edge meets no signal
    return weight / weight.sum()


def pedestrians_xml(net: Any, per_h: float, *, begin_s: float, duration_s: float, seed: int) -> str:
    """Trips on foot: a Poisson number of them at random times, one line each, in order of departure.

    SUMO's own router finds each way along sidewalks and crossings. A person's id carries the class: `elderly.17`.
    Raises NetworkError for a network without sidewalks.
    """
    places = pavements(net)
    if len(places) < 2:
        raise NetworkError("the network has no sidewalks for pedestrians; build it with sidewalks, or ask for none")
    rng = np.random.default_rng([seed, 1])
    classes = read_rows(DATA / "walking_speeds.csv")
    shares = np.array([float(row["share"]) for row in classes])
    departs_s = np.sort(rng.uniform(begin_s, begin_s + duration_s, rng.poisson(per_h * duration_s / 3600)))
    weights = trip_weights(places, parameters()["mean_walk_m"])
    trips = rng.choice(weights.size, size=len(departs_s), p=weights.ravel())
    who = rng.choice(len(classes), size=len(departs_s), p=shares / shares.sum())
    along = rng.uniform(0.05, 0.95, (len(departs_s), 2))  # not at the very ends of an edge
    lines = []
    for i, (depart_s, trip, person) in enumerate(zip(departs_s, trips, who, strict=True)):
        start, goal = (places[int(place)] for place in divmod(trip, len(places)))
        walker = classes[person]["walker"]
        lines.append(
            f'  <person id="{walker}.{i}" depart="{depart_s:.2f}" type="{walker}"'
            f' departPos="{along[i, 0] * start.length_m:.2f}">'
            f'<walk from="{start.edge}" to="{goal.edge}" arrivalPos="{along[i, 1] * goal.length_m:.2f}"/></person>\n'
        )
    return "".join(lines)
