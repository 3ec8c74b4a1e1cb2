"""The phase network as stable-baselines3's policies of PPO and DQN."""

from __future__ import annotations

from typing import Any, cast

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import DQNPolicy
from torch import nn

from agents.network import PHASE, PhaseNetwork

Seen = dict[str, torch.Tensor]


class _AsSeen(BaseFeaturesExtractor):
    """Hands the observation on as it is: the network takes it whole."""

    def __init__(self, observation_space: spaces.Dict) -> None:
        super().__init__(observation_space, features_dim=1)

    def forward(self, observations: Seen) -> Seen:
        return observations


class _Both(nn.Module):
    """What ActorCriticPolicy asks for: latent vectors of actor and critic, which here are scores and value already.

    Each has a network of its own: the value's gradients are the larger by far, and would drown the policy's.
    """

    def __init__(self, width: int, phases: int) -> None:
        super().__init__()
        self.network, self.critic = PhaseNetwork(width), PhaseNetwork(width)
        self.latent_dim_pi, self.latent_dim_vf = phases, 1

    def forward(self, seen: Seen) -> tuple[torch.Tensor, torch.Tensor]:
        return self.forward_actor(seen), self.forward_critic(seen)

    def forward_actor(self, seen: Seen) -> torch.Tensor:
        return self.network.scores(seen["movements"], seen["phases"], seen["serves"])

    def forward_critic(self, seen: Seen) -> torch.Tensor:
        return self.critic.value_of(seen["movements"], seen["phases"], seen["serves"])[:, None]


class PhaseActorCritic(ActorCriticPolicy):
    """PPO's policy: a phase is drawn by its score; one that the junction has not is never drawn."""

    def __init__(self, *args: Any, width: int = 32, **kwargs: Any) -> None:
        self._width = width
        super().__init__(*args, **{**kwargs, "features_extractor_class": _AsSeen, "ortho_init": False})

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = _Both(self._width, int(self.action_space.n))  # type: ignore[assignment,attr-defined]

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        self.action_net, self.value_net = nn.Identity(), nn.Identity()  # type: ignore[assignment]
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "width": self._width}


class _PhaseQ(BasePolicy):
    """Q-values of phases; one that there is not holds, so it is worth what the present one is worth."""

    def __init__(self, *args: Any, width: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.network = PhaseNetwork(width)

    def forward(self, seen: Seen) -> torch.Tensor:
        scores, value = self.network(seen["movements"], seen["phases"], seen["serves"])
        exists = seen["phases"][:, :, PHASE["exists"]] > 0.5
        advantage = scores.masked_fill(~exists, 0.0)
        q = value[:, None] + advantage - advantage.sum(dim=1, keepdim=True) / exists.sum(dim=1, keepdim=True)
        holds = (q * seen["phases"][:, :, PHASE["present"]]).sum(dim=1, keepdim=True)
        return torch.where(exists, q, holds)

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        return self(observation).argmax(dim=1)


class PhaseDQN(DQNPolicy):
    """DQN's policy: a dueling network over phases (Wang et al. 2016)."""

    def __init__(self, *args: Any, width: int = 32, **kwargs: Any) -> None:
        self._width = width
        super().__init__(*args, **{**kwargs, "features_extractor_class": _AsSeen})

    def make_q_net(self) -> Any:
        """The network and, by the same call, its slow copy."""
        return _PhaseQ(self.observation_space, self.action_space, width=self._width).to(self.device)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "width": self._width}


def network_of(policy: BasePolicy) -> PhaseNetwork:
    """The phase network inside a trained policy."""
    inner = policy.mlp_extractor if isinstance(policy, PhaseActorCritic) else policy.q_net
    return cast(PhaseNetwork, inner.network)  # type: ignore[union-attr]
