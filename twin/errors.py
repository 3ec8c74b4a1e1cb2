"""Every error a user of the twin can cause. The command line prints the message alone and exits with code 2."""


class TwinError(Exception):
    """Something a user can mend; the message says where, what, and what instead."""


class FaultsError(TwinError):
    """Several faults of one input, reported at once: one line a fault."""

    def __init__(self, where: str, faults: list[str]) -> None:
        self.where, self.faults = where, faults
        noun = "fault" if len(faults) == 1 else "faults"
        super().__init__("\n".join([f"{where}: {len(faults)} {noun}", *(f"  {f}" for f in faults)]))


class ScenarioError(FaultsError):
    """A scenario file, or a `--set`, that cannot be used."""


class SweepError(FaultsError):
    """A sweep file, or a place for its table, that cannot be used."""


class SensitivityError(TwinError):
    """A table of a sensitivity analysis that cannot be read."""


class ValidationTableError(FaultsError):
    """A comparison that the validation table does not have."""


class CalibrationError(FaultsError):
    """A calibration's file or data, or what came of its runs, that cannot be used."""


class PlacesError(FaultsError):
    """A places file that cannot be used."""


class RegencyError(FaultsError):
    """A folder of another regency's tables that cannot be used."""


class CountsError(FaultsError):
    """A table of traffic counts that cannot be used."""


class LabourError(FaultsError):
    """A table of seekers, vacancies or rankings that cannot be used."""


class RunError(TwinError):
    """A run file that cannot be opened, or is not what it says."""


class MemoLostError(TwinError):
    """The cache of months went away while a run stood on it (the run is begun again without it)."""


class WriteError(TwinError):
    """Something could not be written: no room, no right to, or no such place."""


class RowError(TwinError):
    """A module wrote a row that its table's dictionary does not allow (a fault of ours, caught before it is stored)."""


class BusyError(TwinError):
    """Another process is working on this run."""


class MissingExtraError(TwinError):
    """An optional package is not installed; the message carries the install line."""


class NetworkError(TwinError):
    """A road network that cannot be built or simulated."""


class WeatherError(FaultsError):
    """A weather file, or a place, that a solar yield cannot be computed from."""


class FetchError(TwinError):
    """Something could not be fetched from the internet."""


class JournalError(TwinError):
    """A journal of an order book that cannot be used."""


class OrdersError(FaultsError):
    """A file of orders that cannot be used."""


class LedgerError(TwinError):
    """Something that the credit ledger does not allow."""


class TrainingError(TwinError):
    """A training that cannot be begun or gone on with."""


class KnowledgeError(FaultsError):
    """A document, an index, or a question that cannot be used."""


class AdoptionError(FaultsError):
    """Data that no adoption curve can be fitted to."""


class PersonnelError(FaultsError):
    """A personnel request, record or document that breaks a rule."""


class LiveError(TwinError):
    """A live feed, or a live day, that cannot be used."""


class ShadowError(FaultsError):
    """Policies, or a log, that no shadow can be run of."""


class DriftError(TwinError):
    """Live days that no drift can be looked for in."""
