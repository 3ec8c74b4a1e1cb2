"""Vehicles that SUMO leaves standing inside a junction for the rest of the hour, though their road is free.

Where motorcycles ride beside longer vehicles (the sublane model), a bus that turns and a motorcycle beside its rear can
each take the other for its leader (SUMO 1.28; on the sketch in one or two of ten hours under most controls, and the
whole town comes to stand behind them). Drivers would sort that out: who has stood inside a junction for
`deadlock_s`, with nobody ahead and nobody crossing, creeps out of it at `creep_m_per_s`.
"""

from __future__ import annotations

import libsumo

from twin.traffic.simulation.events import event_parameters

EVERY_S = 10.0  # between two looks
FREE_M = 10.0  # of road ahead
ALL_CHECKS, NO_CHECKS = 31, 0  # SUMO's speed modes
AS_USUAL = -1.0
SIDE_BY_SIDE = "--lateral-resolution"  # SUMO's word for the sublane model


class Deadlocks:
    """Looks at all lanes inside junctions; `freed` counts the vehicles that were led out."""

    def __init__(self) -> None:
        p = event_parameters()
        self._stood_s, self._creep_m_per_s = p["deadlock_s"], p["creep_m_per_s"]
        self._lanes = [lane for lane in libsumo.lane.getIDList() if lane.startswith(":") and _driven(lane)]
        self._led: list[str] = []
        self.due_s, self.freed = 0.0, 0

    def look(self, now_s: float) -> None:
        """Let those go who are out of their junction, and lead out who stands in one for nothing."""
        self.due_s = now_s + EVERY_S
        self._led = [vehicle for vehicle in self._led if self._still_led(vehicle)]
        for lane in self._lanes:
            if libsumo.lane.getLastStepHaltingNumber(lane):
                for vehicle in libsumo.lane.getLastStepVehicleIDs(lane):
                    if vehicle not in self._led and self._stuck(vehicle):
                        libsumo.vehicle.setSpeedMode(vehicle, NO_CHECKS)
                        libsumo.vehicle.setSpeed(vehicle, self._creep_m_per_s)
                        self._led.append(vehicle)
                        self.freed += 1

    def _stuck(self, vehicle: str) -> bool:
        if libsumo.vehicle.getWaitingTime(vehicle) < self._stood_s or libsumo.vehicle.getJunctionFoes(vehicle, FREE_M):
            return False
        ahead = libsumo.vehicle.getLeader(vehicle, FREE_M)
        return not ahead or ahead[1] >= FREE_M

    @staticmethod
    def _still_led(vehicle: str) -> bool:
        there = vehicle in libsumo.vehicle.getIDList()
        if there and libsumo.vehicle.getRoadID(vehicle).startswith(":"):
            return True
        if there:
            libsumo.vehicle.setSpeedMode(vehicle, ALL_CHECKS)
            libsumo.vehicle.setSpeed(vehicle, AS_USUAL)
        return False


def _driven(lane: str) -> bool:
    return tuple(libsumo.lane.getAllowed(lane)) != ("pedestrian",)
