"""Starting the planners' pages: a Streamlit server of its own, which nobody here imports."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twin.errors import MissingExtraError
from twin.provenance import ROOT

APP = ROOT / "dashboards" / "app.py"


def serve(runs: Path, port: int, address: str) -> None:
    """Become the server of the pages over a folder of runs, until it is ended.

    Raises MissingExtraError where Streamlit is not installed.
    """
    try:
        import streamlit  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("the dashboards need Streamlit: pip install 'trenggalek-twin[dashboards]'") from error
    searched = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    words = ["run", str(APP), "--server.port", str(port), "--server.address", address]
    environment = {**os.environ, "TWIN_RUNS": str(runs.resolve()), "PYTHONPATH": searched}
    os.execve(sys.executable, [sys.executable, "-m", "streamlit", *words], environment)  # noqa: S606 (no shell)
