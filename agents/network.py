"""One network for any junction: movements and phases are sets, and phases compete for the green.

Every movement goes through the same small network; a phase is the sum of the movements that it serves, beside the sum
of those that it leaves waiting; phases look at each other by attention (FRAP's competition, Zheng et al. 2019, for any
number of phases). Nothing depends on the order in which a junction's movements or phases are numbered.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from controllers.features import features

MOVEMENT = {one.name: i for i, one in enumerate(features("movement"))}
PHASE = {one.name: i for i, one in enumerate(features("phase"))}
SHORT_GREEN = 12.0 / next(one.scale for one in features("phase") if one.name == "green")  # 12 s; prior
NEVER = -1e9  # the logit of a phase that there is not


class PhaseNetwork(nn.Module):
    """Scores of phases and the value of a junction's state.

    The score begins as max-pressure's: vehicles served, with a bonus for the present phase while its
    green is short. What is learned is added.
    """

    def __init__(self, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.width = width
        self.movement = nn.Sequential(nn.Linear(len(MOVEMENT), width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.phase = nn.Sequential(nn.Linear(2 * width + len(PHASE), 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.compete = nn.MultiheadAttention(width, heads, batch_first=True)
        last = nn.Linear(width, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.score = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), last)
        self.value = nn.Sequential(nn.Linear(3 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 1))
        # Tens of served vehicles, tens of those downstream, to stay, to stay while the green is short.
        self.pressure = nn.Parameter(torch.tensor([4.0, 0.0, 0.0, 20.0]))

    def forward(
        self, movements: torch.Tensor, phases: torch.Tensor, serves: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (batch, PHASES) and values (batch,) of observations as `controllers.features` tells them."""
        return self.scores(movements, phases, serves), self.value_of(movements, phases, serves)

    def scores(self, movements: torch.Tensor, phases: torch.Tensor, serves: torch.Tensor) -> torch.Tensor:
        """Scores alone."""
        _, own = self._embedded(movements, phases, serves)
        absent = phases[:, :, PHASE["exists"]] < 0.5
        rivals, _ = self.compete(own, own, own, key_padding_mask=absent, need_weights=False)
        learned = self.score(torch.cat([own, rivals], dim=2)).squeeze(2)
        return (learned + self._pressure(movements, phases, serves)).masked_fill(absent, NEVER)

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

    def _pressure(self, movements: torch.Tensor, phases: torch.Tensor, serves: torch.Tensor) -> torch.Tensor:
        green = (serves > 0).to(movements.dtype)
        sums = green @ movements[:, :, [MOVEMENT["vehicles"], MOVEMENT["downstream"]]]
        present = phases[:, :, PHASE["present"]]
        short = torch.relu(SHORT_GREEN - phases[:, :, PHASE["green"]]) * present
        parts = torch.stack([sums[:, :, 0], -sums[:, :, 1], present, short], dim=2)
        return parts @ self.pressure


def save(network: PhaseNetwork, path: Path) -> Path:
    """Write the weights as arrays, nothing that could be executed; whole or not at all."""
    beside = path.with_name(f".{path.stem}.partial.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(beside, width=network.width, **{name: t.detach().numpy() for name, t in network.state_dict().items()})
    return beside.replace(path)


def load(path: Path) -> PhaseNetwork:
    """The network of these weights."""
    with np.load(path, allow_pickle=False) as kept:
        network = PhaseNetwork(int(kept["width"]))
        network.load_state_dict({name: torch.from_numpy(kept[name]) for name in kept.files if name != "width"})
    return network.eval()
