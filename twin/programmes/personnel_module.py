"""Anti Mbangkong as a sector: both processes each month, and what those who use the application have avoided."""

from __future__ import annotations

import numpy as np

from twin.module import Row, Rows, Seen, State
from twin.places import kecamatan, villages
from twin.programmes import personnel
from twin.programmes.adoption import bass_month
from twin.programmes.moving import MovingProgramme, moving_tables

BOOK_TRIP_IDR = 25_000.0  # book: a return trip


class PersonnelModule(MovingProgramme):
    """Filings of the education office's civil servants."""

    name = "personnel"
    tables = moving_tables("personnel_month", "personnel_kind")

    def begin(self) -> None:
        """Nobody uses it, no backlog, nobody trained."""
        clerks = max(1, round(self.p["clerks"]))
        self.use, self.trained, self.served = 0.0, 0.0, 0
        self.free_counter, self.free_application = np.zeros(clerks), np.zeros(clerks)

    def live(self, t: int, seen: Seen) -> Rows:
        """The same filings through both processes."""
        p, book = self.p, self.options.assumptions == "book"
        self.use = float(bass_month(np.array(self.use), p["use_p_year"], p["use_q_year"]))
        self.trained = min(p["officers"], self.trained + p["trained_month"])
        month = personnel.draw_month(personnel.filings_month(self.options.assumptions, p), self.rng)
        manual = personnel.counter(month, p, self.free_counter)
        digital = personnel.application(month, p, self.free_application, outage_share(seen))
        self.free_counter, self.free_application = manual.free_h, digital.free_h
        users = month.user < self.use
        self.served += int(users.sum())
        trip_idr = BOOK_TRIP_IDR if book else None
        kinds = [
            self._bills(name, month, manual, digital, users & (month.kind == i), trip_idr)
            for i, name in enumerate(personnel.KINDS)
        ]
        total = {
            name: sum(float(row[name] or 0) for row in kinds) for name in kinds[0] if name not in ("kind", "filings")
        }
        row = {
            "filings": len(month.kind), "use_percent": 100 * self.use, "served": self.served,
            "people_helped": people_helped(self.served, p["staff"]),
            "wait_manual_h": _mean(manual.wait_h), "wait_digital_h": _mean(digital.wait_h),
            "officers_trained": self.trained, "prefer_percent": 100 * p["prefer"] * self.use,
            **total, "trips_avoided": total["trips_manual"] - total["trips_digital"],
        }  # fmt: skip
        return {"personnel_month": [row], "personnel_kind": kinds}

    def _bills(
        self, name: str, month: personnel.Month, manual: personnel.Process, digital: personnel.Process,
        which: np.ndarray, trip_idr: float | None,
    ) -> Row:  # fmt: skip
        a = personnel.bill(month, manual, which, self.p, False, trip_idr)
        b = personnel.bill(month, digital, which, self.p, True, trip_idr)
        return {
            "kind": name, "filings": int(which.sum()), "trips_manual": a.trips, "trips_digital": b.trips,
            "travel_avoided_h": a.travel_h - b.travel_h, "fuel_avoided_l": a.fuel_l - b.fuel_l,
            "co2_avoided_kg": a.co2_kg - b.co2_kg, "sheets_manual": a.sheets, "sheets_digital": b.sheets,
            "cost_manual_idr": a.cost_idr, "cost_digital_idr": b.cost_idr, "saving_idr": a.cost_idr - b.cost_idr,
        }  # fmt: skip

    def memory(self) -> State:
        """Use, training, the number served and both backlogs."""
        return {
            "use": self.use, "trained": self.trained, "served": self.served,
            "free_counter": self.free_counter.tolist(), "free_application": self.free_application.tolist(),
        }  # fmt: skip

    def remember(self, state: State) -> None:
        """Take them up."""
        self.use, self.trained, self.served = state["use"], state["trained"], state["served"]
        self.free_counter = np.array(state["free_counter"], dtype=float)
        self.free_application = np.array(state["free_application"], dtype=float)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def people_helped(filings: int, staff: float) -> float:
    """Expected number of different people of `staff` behind so many filings, each by anybody (occupancy)."""
    return -staff * float(np.expm1(-filings / staff))


def outage_share(seen: Seen) -> np.ndarray:
    """Share of last month in which offices of each sub-district could not serve (places,): solar's `solar_reliability`.

    An office with a system serves on through an outage: only `service_lost_h` counts, over its offices' opening hours.
    """
    of = {site.code: site.kecamatan for site in villages()}
    names = [one.name for one in kecamatan()]
    lost, offices = np.zeros(len(names)), np.zeros(len(names))
    for row in seen.rows("solar", "solar_reliability", "code", "service_lost_h"):
        if str(row["code"]) in of:
            place = names.index(of[str(row["code"])])
            lost[place] += float(row["service_lost_h"] or 0)
            offices[place] += 1
    return np.clip(lost / np.maximum(offices, 1) / personnel.OFFICE_H, 0.0, 1.0)
