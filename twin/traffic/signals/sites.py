"""A network's signals as the site of a street controller."""

from __future__ import annotations

from controllers.site import Site
from twin.traffic.signals.plans import Signals


def site_of_signals(name: str, signals: Signals) -> Site:
    """All signals of a network as one controller's site; a zone is called after its lane at the stop line."""
    zones = tuple(zone[0][0] for zone in signals.zones)
    return Site(name, signals.plans, zones, signals.zone_of, signals.exit_of)
