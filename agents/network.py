"""One network for any junction: movements and phases are sets, and phases compete for the green.

A phase's score is an index of a few coefficients with a meaning (`INDEX`), and what a network adds to it. There every
movement goes through the same small network; a phase is the sum of the movements that it serves, beside the sum of
those that it leaves waiting; phases look at each other by attention (FRAP's competition, Zheng et al. 2019, for any
number of phases). Nothing depends on the order in which a junction's movements or phases are numbered.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from controllers.features import features
from twin.errors import TrainingError

MOVEMENT = {one.name: i for i, one in enumerate(features("movement"))}
PHASE = {one.name: i for i, one in enumerate(features("phase"))}
MOVEMENT_SCALE = {one.name: one.scale for one in features("movement")}
PHASE_SCALE = {one.name: one.scale for one in features("phase")}
NEVER = -1e9  # the logit of a phase that there is not
URGENT = 1000.0  # what an emergency vehicle's request adds to an index: more than any queue
SHARPNESS = 0.4  # of the logits: an index's worth of one vehicle


class Coefficient(NamedTuple):
    """One number of the index: where it begins, how far a search first looks, and between what it may lie."""

    start: float
    step: float
    low: float
    high: float
    meaning: str


INDEX = {
    "yield": Coefficient(0.8, 0.3, 0.0, 1.5, "weight of a movement that must yield"),
    "moving": Coefficient(0.45, 0.3, -1.0, 3.0, "worth of a vehicle that moves; one that stands is worth 1"),
    "inflow": Coefficient(-0.2, 0.3, -1.0, 3.0, "worth of a vehicle that a green upstream sends here"),
    "downstream": Coefficient(0.0, 0.2, -1.0, 3.0, "cost of a vehicle in the lanes led into"),
    "lanes": Coefficient(0.0, 1.0, -5.0, 10.0, "worth of every lane that has a vehicle"),
    "red": Coefficient(0.45, 1.0, -5.0, 10.0, "worth of a vehicle whose lane has had red for a minute or more"),
    "stay": Coefficient(1.2, 1.0, -5.0, 20.0, "bonus of the present phase"),
    "short": Coefficient(1.3, 0.5, 0.0, 5.0, "its bonus for every second that its green is shorter than `short_s`"),
    "short_s": Coefficient(8.7, 4.0, 0.0, 40.0, "[s]"),
    "short_load": Coefficient(0.3, 0.1, -0.5, 2.0, "`short_s` is so much longer for every vehicle at the junction [s]"),
    "idle": Coefficient(0.9, 0.3, 0.0, 1.0, "share of all these that it loses where it serves nobody"),
    "stay_moving": Coefficient(0.4, 0.3, -2.0, 3.0, "its bonus for a moving vehicle that it serves"),
    "stay_lanes": Coefficient(0.3, 1.0, -5.0, 10.0, "its bonus for a lane with a vehicle that it serves"),
    "stay_inflow": Coefficient(0.1, 0.3, -2.0, 3.0, "its bonus for a vehicle sent to it"),
    "long": Coefficient(1.8, 1.0, -10.0, 10.0, "its malus for every 30 s that its green has lasted"),
    "rate": Coefficient(3.4, 4.0, -10.0, 60.0, "worth of vehicles served a second until the longest lane is empty"),
    "setup_s": Coefficient(3.0, 1.0, 0.5, 15.0, "time that another phase loses before it serves [s]"),
    "walk": Coefficient(2.0, 1.0, 0.0, 10.0, "worth of a called crossing that has waited for a minute"),
}  # the starts are set by hand: `universal.md` tells from what
HEADWAY_S, LONGEST_RED, LONGEST_UNSERVED = 2.0, 1.0, 1.5  # a lane empties a vehicle every 2 s; times in minutes


class PhaseNetwork(nn.Module):
    """Scores of phases and the value of a junction's state.

    The score begins as the index alone; what the network learns is added. `decision_s`: how often it is to be asked.
    """

    def __init__(self, width: int = 32, heads: int = 4, decision_s: float = 5.0) -> None:
        super().__init__()
        self.width, self.decision_s = width, decision_s
        self.movement = nn.Sequential(nn.Linear(len(MOVEMENT), width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.phase = nn.Sequential(nn.Linear(2 * width + len(PHASE), 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.compete = nn.MultiheadAttention(width, heads, batch_first=True)
        last = nn.Linear(width, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.score = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), last)
        self.value = nn.Sequential(nn.Linear(3 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 1))
        self.index = nn.Parameter(torch.tensor([one.start for one in INDEX.values()]))

    def forward(
        self, movements: torch.Tensor, phases: torch.Tensor, serves: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (batch, PHASES) and values (batch,) of observations as `controllers.features` tells them."""
        return self.scores(movements, phases, serves), self.value_of(movements, phases, serves)

    def scores(self, movements: torch.Tensor, phases: torch.Tensor, serves: torch.Tensor) -> torch.Tensor:
        """Scores alone."""
        absent = phases[:, :, PHASE["exists"]] < 0.5
        index = SHARPNESS * index_of(self.index, movements, phases, serves)
        if not self.training and not self.has_learned:
            return index.masked_fill(absent, NEVER)
        _, own = self._embedded(movements, phases, serves)
        rivals, _ = self.compete(own, own, own, key_padding_mask=absent, need_weights=False)
        learned = self.score(torch.cat([own, rivals], dim=2)).squeeze(2)
        return (learned + index).masked_fill(absent, NEVER)

    @property
    def has_learned(self) -> bool:
        """Whether the network adds anything to the index."""
        return any(bool(part.any()) for part in self.score[-1].parameters())

    def value_of(self, movements: torch.Tensor, phases: torch.Tensor, serves: torch.Tensor) -> torch.Tensor:
        """Values alone."""
        embedded, own = self._embedded(movements, phases, serves)
        there = phases[:, :, PHASE["exists"], None]
        mean = (own * there).sum(dim=1) / there.sum(dim=1)
        most = (own * there).amax(dim=1)
        return self.value(torch.cat([mean, most, embedded.sum(dim=1)], dim=1)).squeeze(1)

    def _embedded(
        self, movements: torch.Tensor, phases: torch.Tensor, serves: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Movements (batch, MOVEMENTS, width) and phases (batch, PHASES, width) as vectors."""
        embedded = self.movement(movements) * movements[:, :, MOVEMENT["exists"], None]
        served = serves @ embedded
        waiting = embedded.sum(dim=1, keepdim=True) - served
        return embedded, torch.relu(self.phase(torch.cat([served, waiting, phases], dim=2)))


def index_of(index: torch.Tensor, movements: torch.Tensor, phases: torch.Tensor, serves: torch.Tensor) -> torch.Tensor:
    """The index of every phase, in vehicles, float (batch, PHASES); `index` holds the coefficients in their order."""
    c = dict(zip(INDEX, index, strict=True))
    vehicles, halting, inflow, downstream, red = (
        movements[:, :, MOVEMENT[name]] * MOVEMENT_SCALE[name]
        for name in ("vehicles", "halting", "inflow", "downstream", "red")
    )
    moving, minutes = vehicles - halting, (red / 60).clamp(max=LONGEST_RED)
    queue, lane = halting + c["moving"] * moving, vehicles.clamp(max=1.0)
    weight = (serves > 0.75).to(movements.dtype) + c["yield"] * ((serves > 0.25) & (serves < 0.75)).to(movements.dtype)
    served = weight @ torch.stack([
        queue + c["inflow"] * inflow - c["downstream"] * downstream + c["lanes"] * lane + c["red"] * vehicles * minutes,
        c["stay_moving"] * moving + c["stay_lanes"] * lane + c["stay_inflow"] * inflow,
        queue,
        lane,
    ], dim=2)  # fmt: skip
    longest = (weight * queue.clamp(min=0.0)[:, None, :]).amax(dim=2)
    present, green_s, unserved, calls, urgent = (
        phases[:, :, PHASE[name]] * PHASE_SCALE[name]
        for name in ("present", "green", "unserved", "walk_calls", "priority")
    )
    clearing_s = c["setup_s"] * (1 - present) + HEADWAY_S * longest + 1.0
    short_s = c["short_s"] + c["short_load"] * vehicles.sum(dim=1, keepdim=True)
    held = c["stay"] + c["short"] * (short_s - green_s).clamp(min=0.0) - c["long"] * green_s / 30
    staying = held * (1 - c["idle"] * (1 - served[:, :, 3].clamp(max=1.0))) + served[:, :, 1]
    waited = calls * (unserved / 60).clamp(max=LONGEST_UNSERVED)
    rate = served[:, :, 2].clamp(min=0.0) / clearing_s
    found: torch.Tensor = served[:, :, 0] + c["rate"] * rate + present * staying + c["walk"] * waited + URGENT * urgent
    return found


def weights_of(name: str | Path) -> Path:
    """The file of weights that a name means: `universal` is the shipped one (`universal.md` tells how it was found)."""
    return Path(__file__).parent / "universal.npz" if str(name) == "universal" else Path(name)


def save(network: PhaseNetwork, path: Path) -> Path:
    """Write the weights as arrays, nothing that could be executed; whole or not at all."""
    beside = path.with_name(f".{path.stem}.partial.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        beside,
        width=network.width,
        decision_s=network.decision_s,
        **{name: t.detach().numpy() for name, t in network.state_dict().items()},
    )
    return beside.replace(path)


def load(path: Path) -> PhaseNetwork:
    """The network of these weights. Raises TrainingError for one whose index has other coefficients."""
    with np.load(path, allow_pickle=False) as kept:
        network = PhaseNetwork(int(kept["width"]), decision_s=float(kept["decision_s"]))
        weights = {name: torch.from_numpy(kept[name]) for name in kept.files if name not in ("width", "decision_s")}
        if len(weights["index"]) != len(INDEX):
            told = f"{path}: its index has {len(weights['index'])} coefficients, not the {len(INDEX)} of this version"
            raise TrainingError(f"{told}; train or search it anew, `universal` is the shipped policy")
        network.load_state_dict(weights)
    return network.eval()
