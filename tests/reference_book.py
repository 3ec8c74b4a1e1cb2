"""The engine's rules a second time, as plainly as they can be said: lists, and a search for everything."""

from twin.carbon.engine.codes import Kind, Side, Stp


class ReferenceBook:
    """Price-time priority with self-trade prevention; no caps, collars or accounts' limits."""

    def __init__(self, ladder: int, stp: Stp):
        self.ladder, self.stp, self.orders, self.fills, self.seq = ladder, stp, [], [], -1

    def opposite(self, side, level):
        """Orders that a taker would meet up to a price, in order of priority."""
        others = [
            o
            for o in self.orders
            if o["side"] != side and (o["level"] <= level if side == Side.BUY else o["level"] >= level)
        ]
        return sorted(others, key=lambda o: (o["level"] if side == Side.BUY else -o["level"], o["time"]))

    def submit(self, kind, side, level, lots, ref=-1, account=-1):
        self.seq += 1
        if kind in (Kind.CANCEL, Kind.AMEND):
            order = next((o for o in self.orders if o["seq"] == ref), None)
            if order is None or (kind == Kind.AMEND and not (lots > 0 and 0 < level < self.ladder - 1)):
                return False
            if kind == Kind.AMEND and level == order["level"] and lots < order["lots"]:
                order["lots"] = lots
                return True
            self.orders.remove(order)
            return kind == Kind.CANCEL or self.enter(ref, Kind.LIMIT, order["side"], level, lots, order["account"])
        if kind == Kind.MARKET:
            level = self.ladder - 2 if side == Side.BUY else 1
        if lots <= 0 or not 0 < level < self.ladder - 1:
            return False
        if (kind == Kind.POST_ONLY and self.opposite(side, level)) or (
            kind == Kind.FOK and not self.fillable(side, level, lots, account)
        ):
            return False
        return self.enter(self.seq, kind, side, level, lots, account)

    def fillable(self, side, level, lots, account):
        for order in self.opposite(side, level):
            if self.stp and order["account"] == account >= 0:
                if self.stp != Stp.CANCEL_RESTING:
                    return False
            else:
                lots -= order["lots"]
            if lots <= 0:
                return True
        return False

    def enter(self, seq, kind, side, level, lots, account):
        for order in self.opposite(side, level):
            if self.stp and order["account"] == account >= 0:
                both = min(lots, order["lots"]) if self.stp == Stp.DECREMENT else 0
                lots, order["lots"] = lots - both, order["lots"] - both
                if self.stp in (Stp.CANCEL_RESTING, Stp.CANCEL_BOTH) or order["lots"] == 0:
                    self.orders.remove(order)
                if self.stp in (Stp.CANCEL_INCOMING, Stp.CANCEL_BOTH):
                    return True
            else:
                traded = min(lots, order["lots"])
                self.fills.append([seq, order["seq"], order["level"], traded])
                lots, order["lots"] = lots - traded, order["lots"] - traded
                if order["lots"] == 0:
                    self.orders.remove(order)
            if lots == 0:
                return True
        if kind in (Kind.LIMIT, Kind.POST_ONLY):
            self.orders.append(
                {"seq": seq, "side": side, "level": level, "lots": lots, "account": account, "time": self.seq}
            )
        return True

    def resting(self):
        key = lambda o: (o["side"], -o["level"] if o["side"] == Side.BUY else o["level"], o["time"])  # noqa: E731
        return [(o["side"], o["level"], o["seq"], o["lots"], o["account"]) for o in sorted(self.orders, key=key)]
