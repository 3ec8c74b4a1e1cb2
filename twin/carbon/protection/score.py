"""Precision and recall of the detection on planted manipulators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twin.carbon.protection.detect import Alert

TYPES = ("coordinated", "circular", "spoofing", "laundering")


def precision_recall(alerts: Sequence[Alert], planted: Mapping[str, Sequence[tuple[int, ...]]]) -> list[dict[str, Any]]:
    """One row a type. A planted group is found if an alert of its type names it; an alert is right if it names one.

    Recall is over groups that were planted, precision over alerts; None where there is nothing to divide by.
    """
    rows = []
    for kind in TYPES:
        groups = [set(group) for group in planted.get(kind, ())]
        own = [set(alert.accounts) for alert in alerts if alert.type == kind]
        right = [any(named <= group for group in groups) for named in own]
        found = [any(named <= group for named in own) for group in groups]
        rows.append({
            "type": kind, "planted": len(groups), "found": sum(found), "alerts": len(own), "right": sum(right),
            "precision": sum(right) / len(own) if own else None, "recall": sum(found) / len(groups) if groups else None,
        })  # fmt: skip
    return rows
