"""A signal without electricity: an all-way stop, first come first served.

SUMO's own letters for lamps that are off do not give one (measured over 900 s, delay a vehicle with signals → dark).
`O` lets everybody through as if there were no others (cologne1 30 → 12 s); `o` and `w` make all wait for one another
and lock, the sketch even at a third of its demand (30 → 348 s); the `off` programme (main road first) locks there too.
So the approaches take turns: whoever has the turn sees `s` (stop, then go), the others `r`. No street shows these
letters, and the record of the lamps does not hold them.
"""

from __future__ import annotations

import libsumo

ON_FOOT = "on foot"


class AllWayStop:
    """Turns at one dark junction. An approach (or those on foot, all crossings together) queues up once somebody halts.

    A turn lasts `turn_s`, in which one vehicle a lane gets away (motorcycles abreast); an approach nobody else waits
    for keeps it. `links` is the number of the signal's links, `programme` what SUMO showed
    before.
    """

    def __init__(self, name: str, links: int, turn_s: float, programme: str) -> None:
        self.name, self.links, self.turn_s, self.programme = name, links, turn_s, programme
        self._of: dict[str, list[int]] = {}  # links of each party
        for link, lanes in enumerate(libsumo.trafficlight.getControlledLinks(name)):
            if lanes:
                edge = lanes[0][0].rsplit("_", 1)[0]
                self._of.setdefault(ON_FOOT if edge.startswith(":") else edge, []).append(link)
        self._queue: list[str] = []
        self._turn: str | None = None
        self._until_s = float("-inf")

    def give(self, time_s: float, on_foot: bool) -> float:
        """Pass the turn on where it is over; returns when to ask again [s]. `on_foot`: somebody waits to cross."""
        waiting = [party for party in self._of if self._waits(party, on_foot)]
        self._queue += [party for party in waiting if party not in self._queue and party != self._turn]
        if time_s >= self._until_s:
            if self._turn in waiting:
                self._queue.append(self._turn)
            self._queue = [party for party in self._queue if party in waiting]
            turn = self._queue.pop(0) if self._queue else None
            if turn != self._turn or self._until_s < 0:
                self._show(turn)
            self._turn = turn
            self._until_s = time_s + (self.turn_s if turn is not None else 0.0)
        return time_s + 1

    def _waits(self, party: str, on_foot: bool) -> bool:
        return on_foot if party == ON_FOOT else libsumo.edge.getLastStepHaltingNumber(party) > 0

    def _show(self, turn: str | None) -> None:
        letters = ["r"] * self.links
        for link in self._of.get(turn or "", ()):
            letters[link] = "G" if turn == ON_FOOT else "s"
        libsumo.trafficlight.setRedYellowGreenState(self.name, "".join(letters))
