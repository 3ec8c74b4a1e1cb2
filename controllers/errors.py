"""Every error of the controllers; the message says where, what, and what instead."""


class ControllerError(Exception):
    """Something that keeps a controller from starting."""


class PlanError(ControllerError):
    """A signal plan that must not reach a street: all its faults at once, one line each."""

    def __init__(self, name: str, faults: list[str]) -> None:
        self.name, self.faults = name, faults
        super().__init__("\n".join([f"signal plan {name}: {len(faults)} fault(s)", *(f"  {f}" for f in faults)]))
