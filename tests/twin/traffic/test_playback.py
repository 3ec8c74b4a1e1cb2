"""An hour of a run simulated again: the same hour, where every vehicle was, and the greens of the corridor."""

from itertools import pairwise

import pytest

from twin.errors import RunError
from twin.run import Run
from twin.traffic.networks.files import read_net
from twin.traffic.networks.locate import locate
from twin.traffic.studies.playback import EVERY_S, corridor_of, play


def test_the_hour_played_is_the_hour_of_the_run(smoke_run, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    with Run.open(smoke_run) as run:
        hour = play(run, "cologne1", "2026-01", "shipped")
        row = run.table("traffic_hour").query("network == 'cologne1' and month == '2026-01'").iloc[0]
    # SUMO may differ by a vehicle where its memory lies otherwise; `identical` says so to who watches.
    assert hour["delay_s"] == pytest.approx(row.delay_s, rel=0.1)
    assert hour["identical"] == (hour["delay_s"] == row.delay_s)
    times = [frame["at_s"] for frame in hour["frames"]]
    assert times == sorted(times)
    assert len(times) == round(row.hour_s / EVERY_S)
    assert len({vehicle[0] for frame in hour["frames"] for vehicle in frame["vehicles"]}) <= row.vehicles
    assert all(len(frame["queues"]) == len(hour["lanes"]) for frame in hour["frames"])
    assert all(0 <= begin < end <= row.hour_s for _, begin, end in hour["greens"])


def test_an_hour_that_the_run_has_not_is_refused(smoke_run):
    with Run.open(smoke_run) as run, pytest.raises(RunError, match="has no hour of cologne1 under webster in 2026-01"):
        play(run, "cologne1", "2026-01", "webster")


def test_the_corridor_of_the_sketch_passes_a_signal_once_and_its_edges_follow_each_other():
    net = read_net(locate("trenggalek").net_file)
    corridor = corridor_of(net)
    edges = [net.getEdge(edge) for edge, _, _ in corridor]
    assert all(a.getToNode() is b.getFromNode() for a, b in pairwise(edges))
    signals = [edge.getToNode().getID() for edge in edges if edge.getToNode().getType() == "traffic_light"]
    assert len(signals) == len(set(signals)) >= 3
    assert corridor[1][1] == pytest.approx(corridor[0][2])
