"""Every error of the controllers; the message says where, what, and what instead."""


class ControllerError(Exception):
    """Something that keeps a controller from starting."""


class PlanError(ControllerError):
    """A signal plan that must not reach a street: all its faults at once, one line each."""

    def __init__(self, name: str, faults: list[str]) -> None:
        self.name, self.faults = name, faults
        super().__init__("\n".join([f"signal plan {name}: {len(faults)} fault(s)", *(f"  {f}" for f in faults)]))


class BundleError(ControllerError):
    """A bundle that must not run: one line that says which file and what."""


class MessageError(ControllerError):
    """Something arrived that is no message of ours; it is dropped and counted."""


class LogError(ControllerError):
    """A log that cannot be read or gone on with."""
