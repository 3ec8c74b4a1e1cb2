"""The scenarios that come with the twin, one YAML file each."""

from pathlib import Path

SHIPPED = Path(__file__).parent


def shipped() -> list[str]:
    """Names of the scenarios that come with the twin."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))
