"""Small modules with which the city's own rules can be tested."""

from twin.module import Column, Table


class Counter:
    """Draws a number a month and shows what it saw of its neighbour."""

    def __init__(self, name="counter", neighbour="neighbour", fail_in=None):
        self.name, self.neighbour, self.fail_in = name, neighbour, fail_in
        columns = (
            Column("draw", "float", "-", "a draw"),
            Column("total", "int", "-", "months"),
            Column("saw", "float", "-", "seen"),
        )
        self.tables = {f"{name}_rows": Table(f"{name}_rows", columns)}

    def reset(self, scenario, rng):
        self.rng, self.total = rng, 0

    def step(self, month, seen):
        self.total += 1
        if self.total == self.fail_in:
            raise RuntimeError("a module that raises")
        self.draw = float(self.rng.normal())
        self.saw = seen.total(self.neighbour, f"{self.neighbour}_rows", "draw")

    def observe(self):
        return {f"{self.name}_rows": [{"draw": self.draw, "total": self.total, "saw": self.saw}]}

    def state(self):
        return {"total": self.total}

    def restore(self, state):
        self.total = state["total"]
