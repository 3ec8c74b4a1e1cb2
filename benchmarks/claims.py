"""What the project claims of its speed: what shows it, against which peer or limit, and what was aimed at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Mapping[str, Any]]
MIB = "peak_mib"


@dataclass(frozen=True)
class Figure:
    """A ratio above 1 means better than the peer or limit; memory of both [MiB] where it was measured."""

    ratio: float
    ours_mib: float | None = None
    peer_mib: float | None = None


@dataclass(frozen=True)
class Claim:
    """One line of the table: how to read it from what a benchmark wrote."""

    name: str
    peer: str
    read: Callable[[Any], Figure]
    target: float | None = None


@dataclass(frozen=True)
class Benchmark:
    """A module of this package with the words for its small and its large size, and the claims that it shows."""

    module: str
    small: str
    large: str
    claims: tuple[Claim, ...]


def row(rows: Rows, **wanted: Any) -> Mapping[str, Any]:
    """The row with these values; KeyError where there is none."""
    for one in rows:
        if all(one.get(key) == value for key, value in wanted.items()):
            return one
    raise KeyError(", ".join(f"{key} {value}" for key, value in wanted.items()))


def traffic(network: str, candidate: str, ratio: str, peer: str) -> Callable[[Rows], Figure]:
    """A ratio of `benchmarks.traffic` with the peaks of both processes."""

    def read(rows: Rows) -> Figure:
        ours, theirs = row(rows, network=network, candidate=candidate), row(rows, network=network, candidate=peer)
        return Figure(ours[ratio], ours[MIB], theirs[MIB])

    return read


def candidates(candidate: str, ratio: str, peer: str) -> Callable[[Rows], Figure]:
    """A ratio of a benchmark whose rows are candidates."""

    def read(rows: Rows) -> Figure:
        ours, theirs = row(rows, candidate=candidate), row(rows, candidate=peer)
        return Figure(ours[ratio], ours.get(MIB), theirs.get(MIB))

    return read


def order_book(found: Mapping[str, Rows]) -> Figure:
    """The engine's batch with every rule beside the fastest book on PyPI."""
    ours = row(found["peers"], candidate="ours, batch, every rule")
    ((peer, ratio),) = ((key.removeprefix("over_"), value) for key, value in ours.items() if key.startswith("over_"))
    return Figure(ratio, ours["mib"], row(found["peers"], candidate=peer)["mib"])


def cabinet(what: str, limit: float) -> Callable[[Mapping[str, Rows]], Figure]:
    """How often the budget of a small board holds what the universal policy's network uses on five junctions."""

    def read(found: Mapping[str, Rows]) -> Figure:
        ours = row(found["turns"], what="network, five junctions")
        return Figure(limit / ours[what], ours[MIB])

    return read


def what_if(change: str) -> Callable[[Mapping[str, Rows]], Figure]:
    """Cold over warm by the clock."""

    def read(found: Mapping[str, Rows]) -> Figure:
        warm = row(found["what_ifs"], run=f"warm: {change}")
        return Figure(warm["cold_over_this"], warm[MIB], row(found["what_ifs"], run="cold")[MIB])

    return read


def answer_p99(rows: Rows) -> Figure:
    """The budget of 0.3 s over the 99th percentile of an answer among the most documents."""
    most = max(rows, key=lambda one: one["documents"])
    return Figure(0.3 / most["p99_s"], most[MIB])


def order_p99(rows: Rows) -> Figure:
    """The limit of 50 ms over the 99th percentile at the lowest fixed rate over REST."""
    fixed = [one for one in rows if one.get("how") == "rest" and one["asked_a_second"]]
    memory = next(one["server_memory_mib"] for one in rows if "server_memory_mib" in one)
    return Figure(50.0 / min(fixed, key=lambda one: one["asked_a_second"])["p99_ms"], memory)


def intake(rows: Rows) -> Figure:
    """Messages judged and kept a second by one core, over 10,000."""
    return Figure(row(rows, what="rate")["messages_a_second"] / 10_000, row(rows, what="memory")["most_mib"])


def intake_raw(rows: Rows) -> Figure:
    """The processor time of writing the same rows raw, over the intake's."""
    return Figure(1 / row(rows, what="rate")["times_raw_processor"])


GRID, COLOGNE = "grid4x4", "cologne1"
BENCHMARKS: Mapping[str, Benchmark] = {
    "traffic": Benchmark("traffic", "--rounds 3", "--rounds 5", (
        *(Claim(f"{network}: TrafficSim with detectors", "SUMO's own program (limit)",
                traffic(network, "TrafficSim fixed", "of_raw_sumo", "raw sumo"), 0.9) for network in (COLOGNE, GRID)),
        Claim("grid4x4: TrafficSim, random actions", "sumo-rl over libsumo",
              traffic(GRID, "TrafficSim random", "over_sumo_rl_libsumo", "sumo-rl libsumo"), 2.0),
        Claim("grid4x4: environment", "TrafficSim (limit)",
              traffic(GRID, "environment max-pressure", "of_traffic_sim", "TrafficSim max-pressure"), 0.8),
        Claim("grid4x4: environment", "sumo-rl over TraCI",
              traffic(GRID, "environment max-pressure", "over_sumo_rl_traci", "sumo-rl TraCI"), 20.0),
    )),
    "solar": Benchmark("solar", "--rounds 1", "--rounds 5", (
        Claim("PV of 157 offices, end to end", "pvlib's ModelChain in a loop",
              candidates("fast path", "times_the_peer", "ModelChain loop")),
        Claim("PV of ten years of weather", "pvlib's ModelChain in a loop",
              candidates("fast path x10", "times_the_peer", "ModelChain loop")),
        Claim("batteries through 100 years of outages", "the same in plain numpy",
              candidates("event-driven", "times_the_peer", "plain numpy")),
    )),
    "carbon": Benchmark("carbon", "--orders 200000 --rounds 1 --limit-s 5 --skip-year", "--rounds 3", (
        Claim("orders a second, every rule of the market", "the fastest order book on PyPI", order_book, 1.0),
    )),
    "matching": Benchmark("labour_matching", "--rounds 1 --seekers 5000 --vacancies 500", "--rounds 3", (
        Claim("deferred acceptance, build and solve", "`matching`",
              candidates("twin, from columns", "times_faster", "matching package")),
    )),
    "labour": Benchmark("labour_crowd", "--people 60000 --months 2 --rounds 1", "--rounds 2", (
        Claim("a month of the labour market", "one mesa agent a person",
              lambda rows: Figure(row(rows, figure="times faster")["value"])),
    )),
    "controllers": Benchmark("controllers", "--only-turns --rounds 1 --turns 500", "--only-turns --rounds 3", (
        Claim("a decision's p99, five junctions", "10 ms (limit)", cabinet("p99_ms", 10.0), 1.0),
        Claim("memory, five junctions", "100 MiB (limit)", cabinet(MIB, 100.0), 1.0),
    )),
    "knowledge": Benchmark("knowledge", "--documents 10,100", "--documents 10,100,1000", (
        Claim("an answer's p99 with evidence", "0.3 s (limit)", answer_p99, 1.0),
    )),
    "services": Benchmark("services", "--seconds 3 --rates 200", "--seconds 8 --rates 200,400,600", (
        Claim("a durable order over REST, 50 clients, p99", "50 ms (limit)", order_p99, 1.0),
    )),
    "live": Benchmark("live", "--messages 20000 --flood-s 5 --steps 20", "", (
        Claim("live messages a second, one core", "10,000 a second", intake, 1.0),
        Claim("live messages judged and kept", "the same rows raw into SQLite (limit)", intake_raw),
    )),
    "city": Benchmark("city", "--scenario baseline --years 1 --no-growth", "--no-growth", (
        *(Claim(f"warm what-if: {change}", "the same from nothing", what_if(change), 10.0)
          for change in ("podcast every second week", "fee of the carbon market", "JOBTREN's employers",
                         "panels an office")),
    )),
}  # fmt: skip
