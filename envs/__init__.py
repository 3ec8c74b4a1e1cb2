"""Gymnasium and PettingZoo views of the twin; no physics lives here. Importing it registers the `Trenggalek/` ids."""

from __future__ import annotations

import gymnasium

gymnasium.register("Trenggalek/Signal-v0", entry_point="envs.junction:SignalEnv")
gymnasium.register("Trenggalek/VillageBattery-v0", entry_point="envs.battery:VillageBattery")
