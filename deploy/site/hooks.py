"""Hooks of MkDocs: pages that are made from tables and command lines, and pages of the repository shown as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files

from deploy.site import commands, dictionary, evidence, keys, licences, notebooks

log = get_plugin_logger("site")
ROOT = Path(__file__).resolve().parents[2]
SHOWN = {  # page of the site -> file of the repository
    "reference/nomenclature.md": "NOMENCLATURE.md",
    "reference/changelog.md": "CHANGELOG.md",
    "assets/favicon.svg": "dashboards/data/icon.svg",
    "how-to/runbook.md": "deploy/ops/runbook.md",
    "how-to/sweeps.md": "deploy/ops/sweeps.md",
    "how-to/sizing.md": "deploy/ops/sizing.md",
    "explanation/contracts-evidence.md": "contracts/README.md",
    "explanation/universal.md": "agents/universal.md",
}
EVIDENCE, MEASURED = "<!-- evidence -->", "<!-- measured -->"
VALIDATION = ROOT / "build" / "validation.json"  # of `make docs`


def on_config(config: Any) -> Any:
    """Put a page for every command into the navigation."""
    (reference,) = (part["Reference"] for part in config.nav if "Reference" in part)
    (entry,) = (item for item in reference if "Command line" in item)
    entry["Command line"] = [{text.splitlines()[0].strip("# `"): page} for page, text in commands.pages()]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages and the repository's own."""
    made = {
        "tutorials/notebooks.md": notebooks.page(ROOT / "notebooks"),
        "reference/scenario.md": keys.page(),
        licences.PAGE: licences.page(),
        **dict(commands.pages()),
        **dict(dictionary.pages()),
        **dict(evidence.files()),
    }
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    for page, source in SHOWN.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the table of evidence where a page asks for it; warn of every command that is not as it is printed."""
    for fault in commands.faults(markdown):
        log.warning("%s: %s", page.file.src_uri, fault)
    if EVIDENCE in markdown:
        markdown = markdown.replace(EVIDENCE, evidence.tables())
    return markdown.replace(MEASURED, evidence.measured(VALIDATION)) if MEASURED in markdown else markdown
