"""The carbon sector on the city's calendar: a month of trading days, measured reductions, settlement in the ledger."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.carbon.credits.idxcarbon import Register, Status
from twin.carbon.credits.ledger import Ledger
from twin.carbon.credits.mrv import Verified, claims
from twin.carbon.facts import value
from twin.carbon.marketdata import stats
from twin.carbon.marketdata.candles import Candle
from twin.carbon.mechanisms.negotiated import Deal
from twin.carbon.mechanisms.rules import rules
from twin.carbon.options import CarbonOptions
from twin.carbon.protection.detect import Alert, laundering
from twin.carbon.traders.groups import DAYS_A_YEAR
from twin.carbon.traders.market import CarbonMarket, DayResult, surveyed
from twin.carbon.traders.primary import auction, marketplace
from twin.module import Row, Rows, Seen, State, read_tables

HOLDERS = ("companies", "voluntary", "developers", "trenggalek", "traders")  # who the ledger tells apart


class CarbonModule:
    """Trades on every weekday of the month; at its end credits are issued, handed over and retired."""

    name = "carbon"
    tables = read_tables(Path(__file__).parent / "tables.csv")

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Begin with a market, an empty ledger but for what traders hold, and no project registered."""
        self.options: CarbonOptions = scenario.carbon
        self.rng = rng
        self.market = CarbonMarket(self.options, rng)
        self.ledger, self.register = Ledger(), Register()
        self.verified = Verified({}, {})
        self.months, self.registered = 0, 0
        self.retired = {"companies": 0, "voluntary": 0}
        self.ever_bought = np.zeros(self.market.accounts, bool)
        self.rows: Rows = {}
        self._credit("opening", "traders", self._held()["traders"])

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Live through the month."""
        self.ledger.entries, self.ledger.certificates = ([] if self.months else self.ledger.entries), []
        mrv = self._issue(month, seen)
        dates = pd.bdate_range(month.start_time, month.end_time)
        days = [self.market.day(str(day.date()), month.month, day == dates[-1]) for day in dates]
        primary = {"auction": auction(self.market), "marketplace": marketplace(self.market)}
        for deals in primary.values():
            self._settle(deals)
        alerts = [alert for day in days for alert in day.alerts]
        alerts += laundering(*surveyed(days))
        self._bought(days, primary)
        self._hand_over()
        reminted = self._cross_over(month)
        self._retire()
        self.months += 1
        self.rows = {
            "carbon_month": [{**self._month(days, primary, len(alerts)), "reminted_tco2e": reminted}],
            "carbon_day": [self._day(day) for day in days],
            "carbon_candle": [{"day": day.day, **self._priced(one)} for day in days for one in day.candles],
            "carbon_depth": self._depth(days[-1]),
            "carbon_alert": [self._alert(alert) for alert in alerts],
            "carbon_mrv": mrv,
            "carbon_ledger": [asdict(entry) for entry in self.ledger.entries],
            "carbon_offset": self._offsets(),
        }

    # ---- credits -----------------------------------------------------------------------------------------------------

    def _credit(self, batch: str, holder: str, tco2e: int) -> None:
        if tco2e > 0:
            self.ledger.issue(holder, batch, tco2e)
            self.ledger.tokenise(holder, batch, tco2e)
            self.register.report(batch, Status.ISSUED)
            self.register.report(batch, Status.TOKENISED)

    def _issue(self, month: pd.Period, seen: Seen) -> list[Row]:
        """National developers' supply, and what last month's city measured; local projects register meanwhile."""
        o = self.options
        self._credit(f"national-{month}", "developers", self.market.new_month())
        waiting = o.projects - self.registered
        self.registered += int(self.rng.binomial(waiting, o.registration_percent_a_month / 100))
        enrolled_ha = o.forest_ha * o.forest_enrolled_percent / 100 * self.registered / o.projects
        growth = 1 + value("forest_growth_sd_percent") / 100 * float(self.rng.standard_normal()) / 3
        rows: list[Row] = []
        for claim in claims(seen, str(month - 1), enrolled_ha, max(0.0, growth)) if self.months else []:
            issued = self.verified.verify(claim)
            self._credit(f"{claim.activity}-{claim.month}", "trenggalek", issued)
            self.market.position[self.market.groups["trenggalek"].first] += issued
            rows.append({
                "activity": claim.activity, "boundary": claim.boundary, "measured_tco2e": claim.tco2e,
                "sd_tco2e": claim.sd_tco2e, "buffer_tco2e": claim.buffered_tco2e, "issued_tco2e": issued,
            })  # fmt: skip
        return rows

    def _held(self) -> dict[str, int]:
        """Tonnes that each holder's accounts hold."""
        groups, position = self.market.groups, self.market.position
        held = {name: int(position[groups[name].accounts].sum()) for name in HOLDERS[:-1]}
        return {**held, "traders": int(position.sum()) - sum(held.values())}

    def _hand_over(self) -> None:
        """Bring the ledger to what the accounts hold: who holds less now gives its oldest batches to who holds more."""
        change = {name: tco2e - self.ledger.held("token", name) for name, tco2e in self._held().items()}
        givers = [(name, batch, tco2e) for name in HOLDERS for batch, tco2e in self._oldest(name, -change[name])]
        for name in HOLDERS:
            wants = change[name]
            while wants > 0:
                giver, batch, tco2e = givers[0]
                part = min(wants, tco2e)
                self.ledger.transfer("token", giver, name, batch, part)
                self.register.report(batch, Status.TRADED)
                wants -= part
                givers[0] = (giver, batch, tco2e - part)
                if part == tco2e:
                    givers.pop(0)

    def _oldest(self, holder: str, tco2e: int) -> list[tuple[str, int]]:
        """The oldest batches of a holder that make up an amount."""
        found = []
        for batch, held in self.ledger.batches("token", holder):
            part = min(held, tco2e)
            if part <= 0:
                break
            found.append((batch, part))
            tco2e -= part
        return found

    def _cross_over(self, month: pd.Period) -> int:
        """Arbitrage with IDXCarbon: tokens are burned and re-minted as registry units there, or units come from there.

        Units that were re-minted before come first, then such as were never here. Returns tonnes re-minted.
        """
        burned, wanted = self.market.cross_over()
        for batch, tco2e in self._oldest("traders", burned):
            self.ledger.remint("traders", batch, tco2e)
            self.register.report(batch, Status.RE_MINTED)
        for batch, held in self.ledger.batches("spe_grk", "traders") if wanted else []:
            part = min(held, wanted)
            if part:
                self.ledger.tokenise("traders", batch, part)
                self.register.report(batch, Status.TOKENISED)
                wanted -= part
        self._credit(f"idxcarbon-{month}", "traders", wanted)
        return burned

    def _retire(self) -> None:
        """Companies retire a part of what they hold, corporates and people all of it."""
        for name, percent in (("companies", self.options.compliance_retired_percent), ("voluntary", 100.0)):
            accounts = self.market.groups[name].accounts
            lots = np.floor(self.market.position[accounts] * percent / 100).astype(np.int64)
            self.market.position[accounts] -= lots
            for batch, tco2e in self._oldest(name, int(lots.sum())):
                self.ledger.retire("token", name, batch, tco2e)
                self.retired[name] += tco2e
                if self.ledger.retired[batch] == self.ledger.issued[batch]:
                    self.register.report(batch, Status.RETIRED)

    # ---- trades ------------------------------------------------------------------------------------------------------

    def _settle(self, deals: list[Deal]) -> None:
        for deal in deals:
            self.market.position[deal.buyer] += deal.lots
            self.market.position[deal.seller] -= deal.lots
            for name in ("companies", "voluntary"):
                group = self.market.groups[name]
                if group.first <= deal.buyer < group.first + group.n:
                    need = group.memory["need"]
                    need[deal.buyer - group.first] = max(0.0, need[deal.buyer - group.first] - deal.lots)

    def _bought(self, days: list[DayResult], primary: dict[str, list[Deal]]) -> None:
        for day in days:
            self.ever_bought[day.log.buyer] = True
            self.ever_bought[day.log.deals[:, 0].astype(int)] = True
        for deals in primary.values():
            self.ever_bought[[deal.buyer for deal in deals]] = True

    def _month(self, days: list[DayResult], primary: dict[str, list[Deal]], alerts: int) -> Row:
        o, m = self.options, self.market
        deals = {"negotiated": [deal for day in days for deal in day.deals], **primary}
        lots = {"regular": sum(day.volume - day.washed for day in days)}
        lots |= {name: sum(deal.lots for deal in found) for name, found in deals.items()}
        values = {name: sum(deal.price_idr * deal.lots for deal in found) for name, found in deals.items()}
        values["regular"] = sum(day.value_idr for day in days)
        fees_idr = round(sum(values.values()) * o.fee_percent / 100)
        closes, references = (np.array([getattr(day, name) for day in days]) for name in ("close_idr", "reference_idr"))
        spreads = [day.spread_percent for day in days if day.spread_percent is not None]
        totals = self.ledger.totals()
        tokens = self._held()
        conserved = totals.pop("conserved") and all(self.ledger.held("token", name) == t for name, t in tokens.items())
        buyers = np.concatenate([m.groups["companies"].accounts, m.groups["voluntary"].accounts])
        volume = sum(lots.values())
        return {
            "price_open_idr": days[0].open_idr, "price_close_idr": m.close_idr,
            "price_mean_idr": sum(values.values()) / volume if volume else None,
            "reference_mean_idr": float(references.mean()),
            "tracking_error_percent": stats.tracking_error_percent(closes, references),
            "volatility_percent": stats.volatility_percent(closes, DAYS_A_YEAR),
            "spread_percent": float(np.mean(spreads)) if spreads else None,
            "impact_idr_per_t": stats.impact_idr_per_t(
                np.array([_net_taken(day) for day in days]), np.array([day.close_idr - day.open_idr for day in days])
            ),
            "volume_tco2e": volume, **{f"{name}_tco2e": tco2e for name, tco2e in lots.items()},
            "value_idr": sum(values.values()),
            "mechanism_fees_idr": sum(2 * values[name] * rules(name).fee_bp // 10_000 for name in values),
            "fees_idr": fees_idr, "revenue_idr": fees_idr + o.services_idr_per_year // 12,
            "orders": sum(day.orders for day in days), "refused": sum(day.refused for day in days),
            "halts": sum(day.halts for day in days), "alerts": alerts,
            "washed_tco2e": sum(day.washed for day in days), "welfare_idr": round(sum(day.welfare_idr for day in days)),
            "gini": stats.gini(np.maximum(0, m.position[buyers])), "companies": int(self.ever_bought[buyers].sum()),
            "projects_percent": 100 * self.registered / o.projects, "link_calls": m.link.calls,
            "link_failures": m.link.failures, **totals, "conserved": int(conserved),
        }  # fmt: skip

    def _day(self, day: DayResult) -> Row:
        names = ("day", "open_idr", "high_idr", "low_idr", "close_idr", "reference_idr", "halts")
        return {**{name: getattr(day, name) for name in names}, "volume_tco2e": day.volume,
                "deals_tco2e": sum(deal.lots for deal in day.deals)}  # fmt: skip

    def _priced(self, candle: Candle) -> Row:
        names = ("open", "high", "low", "close")
        prices = {f"{name}_idr": getattr(candle, name) for name in names}
        return {"minute": candle.start, **prices, "volume_tco2e": candle.lots}

    def _depth(self, day: DayResult) -> list[Row]:
        """The best ticks of both sides as the day's session ended."""
        tick = self.market.rules.tick_idr
        return [
            {
                "day": day.day,
                "side": "sell" if side else "buy",
                "price_idr": level * tick,
                "lots": lots,
                "orders": orders,
            }
            for side, level, lots, orders in day.depth
        ]

    def _alert(self, alert: Alert) -> Row:
        groups = self.market.manipulators.planted.get(alert.type, [])
        planted = any(set(alert.accounts) <= set(group) for group in groups)
        return {**asdict(alert), "accounts": " ".join(map(str, alert.accounts)), "planted": int(planted)}

    def _offsets(self) -> list[Row]:
        """Footprint, offset and target of companies, and of those who offset of their own will."""
        o, years = self.options, self.months / 12
        footprint = {"companies": o.companies * o.footprint_tco2e_per_company_year * years,
                     "voluntary": o.voluntary * o.offset_tco2e_per_corporate_year * years}  # fmt: skip
        share = {"companies": o.offset_target_percent / 100, "voluntary": 1.0}
        return [
            {"segment": name, "participants": self.market.groups[name].n, "footprint_tco2e": tco2e,
             "offset_tco2e": self.retired[name], "target_tco2e": tco2e * share[name]}
            for name, tco2e in footprint.items()
        ]  # fmt: skip

    def observe(self) -> Rows:
        """Tables `carbon_month`, `_day`, `_candle`, `_depth`, `_alert`, `_mrv`, `_ledger`, `_offset`."""
        return self.rows

    def state(self) -> State:
        """Market, ledger, claims and counts."""
        return {
            "market": self.market.state(), "ledger": self.ledger.state(), "register": self.register.status,
            "verified": asdict(self.verified),
            "months": self.months, "registered": self.registered, "retired": self.retired,
            "ever_bought": np.flatnonzero(self.ever_bought).tolist(),
        }  # fmt: skip

    def restore(self, state: State) -> None:
        """Take them up again."""
        self.market.restore(state["market"])
        self.ledger, self.verified = Ledger.restored(state["ledger"]), Verified(**state["verified"])
        self.register = Register({batch: Status(status) for batch, status in state["register"].items()})
        self.months, self.registered, self.retired = state["months"], state["registered"], dict(state["retired"])
        self.ever_bought[:] = False
        self.ever_bought[state["ever_bought"]] = True


def _net_taken(day: DayResult) -> float:
    """Tonnes that takers bought less what they sold."""
    log = day.log
    return float(np.where(log.side[log.taker] == 0, log.traded_lots, -log.traded_lots).sum())
