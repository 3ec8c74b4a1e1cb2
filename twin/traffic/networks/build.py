"""Networks made with SUMO's tools from plain files, once, and kept by their digest."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from twin.cache import kept_folder
from twin.errors import NetworkError
from twin.files import cache_folder
from twin.traffic.networks.files import program

NETCONVERT = (
    "--lefthand", "--tls.yellow.time", "3", "--tls.allred.time", "2", "--no-turnarounds", "--crossings.guess",
)  # fmt: skip


def built(source: Path, routes: str) -> Path:
    """Folder with `network.net.xml` made by netconvert from the plain XML files in `source`, and the routes beside it.

    Kept under the digest of all that goes in. Raises NetworkError, naming the element at fault, if netconvert refuses
    the files; WriteError where the cache cannot be written.
    """
    plain = {kind: next(source.glob(f"*.{kind}.xml"), None) for kind in ("nod", "edg", "typ", "con")}
    missing = [kind for kind in ("nod", "edg") if plain[kind] is None]
    if missing:
        raise NetworkError(f"{source.name}: has no {' and no '.join(f'*.{kind}.xml' for kind in missing)}")
    digest = hashlib.sha256(repr((NETCONVERT, importlib.metadata.version("eclipse-sumo"), routes)).encode())
    for path in filter(None, plain.values()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    final = cache_folder() / "networks" / digest.hexdigest()[:20]

    def make(folder: Path) -> None:
        _netconvert(plain, folder / "network.net.xml")
        (folder / "routes.rou.xml").write_text(routes, encoding="utf-8")

    return kept_folder(final, make)


def _netconvert(plain: dict[str, Path | None], net_file: Path) -> None:
    options = {"nod": "--node-files", "edg": "--edge-files", "typ": "--type-files", "con": "--connection-files"}
    files = [word for kind, path in plain.items() if path is not None for word in (options[kind], str(path))]
    netconvert([*files, *NETCONVERT], net_file, (plain["nod"] or net_file).parent.name)


def netconvert(options: Sequence[str], net_file: Path, where: str, tool: str = "netconvert") -> None:
    """Make a network with a tool of SUMO's, without its heading (date, places): the same input gives the same bytes.

    Raises NetworkError, beginning with `where`, with the tool's first complaint.
    """
    command = [program(tool), *options, "--output-file", str(net_file), "--no-warnings"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0 or not net_file.is_file():
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("Error")]
        what = re.sub(r"^Error:\s*", "", said[0]) if said else f"{tool} gave no network"
        raise NetworkError(f"{where}: {what}")
    without_heading(net_file)


def without_heading(xml: Path) -> None:
    """Take off the comments with date and places that SUMO's programs put on top of what they write."""
    text = xml.read_text(encoding="utf-8")
    xml.write_text(re.sub(r"<!-- generated on .*?-->\s*", "", text, flags=re.DOTALL), encoding="utf-8")
