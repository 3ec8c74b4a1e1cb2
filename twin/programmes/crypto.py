"""Crypto for Trenggalek: who knows, who buys and what they lose, vouchers at businesses, tokens, fees and levies."""

from __future__ import annotations

import numpy as np

from twin.module import Row, Rows, Seen, State
from twin.places import kecamatan, with_role
from twin.programmes.adoption import bass_month, contacts, threshold_month
from twin.programmes.dynamics import Parameters
from twin.programmes.groups import groups
from twin.programmes.moving import MovingProgramme, moving_tables
from twin.programmes.personnel import places

PAYS = {"allowed": 1.0, "investment_only": 0.0, "voucher_token": 1.0}  # whether businesses take tokens at all
UMKM, STUDENTS = (groups().names.index(name) for name in ("umkm", "students"))


def price_month(price: float, p: Parameters, rng: np.random.Generator) -> float:
    """The price a month on: geometric Brownian motion with crashes (Merton 1976)."""
    crashes = rng.poisson(p["crashes_year"] / 12)
    jump = rng.normal(p["crash_log_mean"] * crashes, p["crash_log_sd"] * crashes**0.5)
    step = (p["drift_year"] - p["volatility_year"] ** 2 / 2) / 12 + p["volatility_year"] / 12**0.5 * rng.normal()
    return float(price * np.exp(step + jump))


def redeemed_idr(p: Parameters, kg: float, neutral: bool) -> tuple[float, float]:
    """What waste tokens are redeemed for in a month, and what of it the budget bears beyond the handling saved [Rp]."""
    wanted, saved = kg * p["waste_token_idr_kg"] * p["redeemed_share"], kg * p["waste_saved_idr_kg"]
    paid = min(wanted, saved) if neutral else wanted
    return paid, paid - saved


class CryptoModule(MovingProgramme):
    """The crypto programme by sub-district."""

    name = "crypto"
    tables = moving_tables("crypto_month", "crypto_kecamatan")

    def begin(self) -> None:
        """Nobody knows; a price of 1; no money in."""
        self.weights = places()[0]  # people by village offices, prior
        self.aware, self.literate = (np.zeros(len(self.weights)) for _ in range(2))
        self.users = np.zeros((len(self.weights), len(groups().names)))  # shares by place and group
        self.price, self.peak = 1.0, 1.0
        self.entered = np.zeros(0)  # investors by the month they came in
        self.entry_price = np.zeros(0)
        self.counts = {"platforms": 0, "startups": 0, "communities": 0}

    def live(self, t: int, seen: Seen) -> Rows:
        """Learn, join, pay, and see what the price did."""
        p = self.p
        self._spread(t, seen)
        self.price = price_month(self.price, p, self.rng)
        self.peak = max(self.peak, self.price)
        investors = groups().all_people * self._over_all(self.literate) * p["investor_share"]
        self.entered = np.append(self.entered, max(0.0, investors - self.entered.sum()))
        self.entry_price = np.append(self.entry_price, self.price)
        for name in self.counts:
            self.counts[name] += int(self.rng.poisson(p[f"{name}_year"] / 12 * self._over_all(self.aware)))
        return {"crypto_month": [self._month()], "crypto_kecamatan": self._places()}

    def _over_all(self, by_place: np.ndarray) -> float:
        return float(self.weights @ by_place)

    def _spread(self, t: int, seen: Seen) -> None:
        """Awareness by Bass with those told last month, literacy among the aware, users of each group by threshold."""
        p, g = self.p, groups()
        contact, everybody = contacts(p["contact_reach_km"], p["contact_home"]), g.all_people * self.weights
        taught = -np.expm1(-p["schools_year"] * t / 12)  # share of schools
        near = contact[with_role("podcast_studio")[0]]  # the podcast is heard most near its studio
        podcast = seen.total("podcast", "podcast_month", "reach") * near
        laras = seen.total("knowledge", "laras_month", "users") * self.weights
        told = podcast + laras + p["lesson_month"] * taught * g.people[STUDENTS] * self.weights
        self.aware = bass_month(self.aware, p["aware_p"] + 12 * told / everybody, p["aware_q"])
        self.literate = self.literate + (self.aware - self.literate) * -np.expm1(-p["literacy_year"] / 12)
        if PAYS[self.options.crypto_regulation]:
            reached = np.minimum(np.stack([podcast / everybody, np.full_like(laras, taught), laras / everybody]), 1.0)
            weight = np.array([p["nudge_podcast"], p["nudge_school"], p["nudge_laras"]])[:, None]
            nudge = p["nudge_aware"] * self.aware[:, None] + reached.T @ (weight * g.hears)
            self.users = threshold_month(
                self.users, contact, g.mixing, p["threshold_mean"] * g.threshold_factor, p["threshold_spread"],
                p["pace_month"], nudge,
            )  # fmt: skip

    def _month(self) -> Row:
        p, neutral = self.p, self.options.waste_token_neutral
        investors, gain = float(self.entered.sum()), self.price / self.entry_price - 1
        mean_gain = float(self.entered @ gain / investors) if investors else 0.0
        holding = p["holding_percent"] / 100 * 12 * p["income_idr_month"]
        users = self.weights @ self.users
        fees = groups().people[UMKM] * float(users[UMKM]) * p["umkm_volume_idr_month"] * p["fee_percent"] / 100
        sales = p["nft_idr_month"] * self.rng.lognormal(-0.125, 0.5) * self._over_all(self.aware)
        tokens = p["token_sale_idr_month"] * self.rng.lognormal(-0.125, 0.5) * self._over_all(self.literate)
        redeemed, borne = redeemed_idr(p, p["waste_kg_month"] * self._over_all(self.aware), neutral)
        wages = investors * p["income_idr_month"] * p["earner_gain_percent"] / 100
        return {
            "awareness_percent": 100 * self._over_all(self.aware),
            "literacy_percent": 100 * self._over_all(self.literate),
            **_percent(users), "investors": investors, "price": self.price,
            "drawdown_percent": 100 * (1 - self.price / self.peak),
            "losers_percent": 100 * float(self.entered[gain < 0].sum() / investors) if investors else 0.0,
            "income_gain_percent": p["earner_gain_percent"] + p["holding_percent"] * mean_gain,
            "invested_idr": float(self.entered @ (holding * self.price / self.entry_price)) * p["financed_share"],
            "gain_idr": float(self.entered @ gain) * holding, "fees_idr": fees, "nft_idr": float(sales),
            "token_sale_idr": float(tokens), "levies_idr": (fees + float(sales)) * p["levy_percent"] / 100,
            "waste_redeemed_idr": redeemed, "waste_budget_idr": borne,
            "pdrb_percent": 100 * 12 * (fees + float(sales) + float(tokens) + wages) / p["pdrb_idr_year"],
            **self.counts,
        }  # fmt: skip

    def _places(self) -> list[Row]:
        columns = zip(kecamatan(), self.aware, self.literate, self.users, strict=True)
        return [
            {"kecamatan_code": k.code, "awareness_percent": 100 * float(a), "literacy_percent": 100 * float(b),
             **_percent(c)}
            for k, a, b, c in columns
        ]  # fmt: skip

    def memory(self) -> State:
        """Who knows and who is in at which price."""
        arrays = ("aware", "literate", "users", "entered", "entry_price")
        return {
            **{name: getattr(self, name).tolist() for name in arrays},
            "price": self.price, "peak": self.peak, "counts": dict(self.counts),
        }  # fmt: skip

    def remember(self, state: State) -> None:
        """Take it up."""
        for name in ("aware", "literate", "users", "entered", "entry_price"):
            setattr(self, name, np.array(state[name], dtype=float))
        self.price, self.peak, self.counts = state["price"], state["peak"], dict(state["counts"])


def _percent(users: np.ndarray) -> dict[str, float]:
    """Shares of users (groups,) as columns."""
    return {f"{name}_percent": 100 * float(share) for name, share in zip(groups().names, users, strict=True)}
