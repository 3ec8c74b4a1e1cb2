"""Hold slither's findings against `explained.csv`: `slither . --json - | python checks/findings.py`, in contracts/.

Exit code 1 where a finding is not explained, or an explanation has no finding any more.
"""

import csv
import json
import sys
from pathlib import Path


def main() -> int:
    """Print what is left to explain."""
    said = json.load(sys.stdin)
    if not said["success"]:
        sys.stderr.write(f"slither failed: {said['error']}\n")
        return 1
    found = {(one["check"], _function(one)) for one in said["results"].get("detectors", [])}
    with (Path(__file__).parent / "explained.csv").open(encoding="utf-8") as file:
        explained = {(row["detector"], row["where"]) for row in csv.DictReader(file)}
    for detector, where in sorted(found - explained):
        sys.stderr.write(f"{detector} in {where}: is not explained in explained.csv\n")
    for detector, where in sorted(explained - found):
        sys.stderr.write(f"{detector} in {where}: is explained, but slither finds it no more\n")
    sys.stdout.write(f"slither: {len(found)} findings, {len(found & explained)} explained\n")
    return int(found != explained)


def _function(finding: dict) -> str:
    """Contract and name of the function that a finding is in."""
    for element in finding["elements"]:
        if element["type"] == "function":
            name = element["name"]
            return f"{element['type_specific_fields']['parent']['name']}.{name}"
        if (parent := element.get("type_specific_fields", {}).get("parent", {})).get("type") == "function":
            return f"{parent['type_specific_fields']['parent']['name']}.{parent['name']}"
    return str(finding["elements"][0]["name"])


if __name__ == "__main__":
    sys.exit(main())
