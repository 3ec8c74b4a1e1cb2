"""The twin's own hour of a network, lived once and kept: what estimates take to be usual."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from twin import cache
from twin.files import cache_folder
from twin.live.street import Lived, live_hour
from twin.traffic.folders import code_digest
from twin.traffic.studies.evaluate import network_for

SEED, DURATION_S = 5001, 1800


def believed_hour(network: str) -> Lived:
    """Half an hour of the network's own demand. Raises NetworkError."""
    with_demand, _ = network_for(network, SEED)
    street = (Path(__file__).parents[1] / "street.py").read_text(encoding="utf-8")
    told = json.dumps([with_demand.digest(), SEED, DURATION_S, code_digest(), street])
    place = cache_folder() / "live" / f"{hashlib.sha256(told.encode()).hexdigest()[:20]}.json"
    kept = cache.kept(place, lambda: _plain(live_hour(network, SEED, DURATION_S)))
    counters = tuple(kept.pop("counters"))
    there = {name: np.array(values, dtype=float) for name, values in kept.items() if values is not None}
    return Lived(**there, counters=counters)


def _plain(lived: Lived) -> dict[str, object]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(lived).items()}
