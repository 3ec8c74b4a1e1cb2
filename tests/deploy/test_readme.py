"""The README's lines about the services, run as printed."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.app.settings import Settings

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_curl_lines_work_as_printed(root, tmp_path):
    (block,) = re.findall(r"```shell\n(.*?)```", README, re.DOTALL)
    port = Settings().port
    assert f"localhost:{port}/" in block
    with socket.socket() as taken:
        if taken.connect_ex(("127.0.0.1", port)) == 0:
            pytest.skip(f"something else listens on port {port}")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    script = tmp_path / "lines.sh"
    script.write_text(f"set -euo pipefail\ntrap 'kill $(jobs -p); wait || true' EXIT\n{block}")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TWIN_DEPLOY_")}
    done = subprocess.run(
        ["bash", script],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert '"state":"open"' in done.stdout
    assert "cuti.md" in done.stdout
    assert "development.secret" in done.stderr
