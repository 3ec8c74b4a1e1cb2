"""Gymnasium and PettingZoo views of the twin; no physics lives here."""

import gymnasium

gymnasium.register("Trenggalek/VillageBattery-v0", entry_point="envs.battery:VillageBattery")
