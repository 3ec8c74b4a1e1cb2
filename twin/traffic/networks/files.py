"""A network that SUMO can simulate, and how it is found on disk: a .sumocfg, a .net.xml with routes, or a folder."""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.util
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.parsers import expat

from twin.errors import MissingExtraError, NetworkError

HOUR_S = 3600
NET, ROUTES = r"\.net\.xml(\.gz)?", r"\.rou\.xml(\.gz)?"


@dataclass(frozen=True)
class Network:
    """What SUMO needs to simulate a network: files, begin and end of the simulated time, and options of its own.

    `end_s` is an hour after `begin_s` where it is not given.
    """

    name: str
    net_file: Path
    route_file: Path
    begin_s: int
    options: tuple[str, ...] = ()
    end_s: int = 0
    more_route_files: tuple[Path, ...] = ()
    additional_files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.end_s == 0:
            object.__setattr__(self, "end_s", self.begin_s + HOUR_S)
        if self.end_s <= self.begin_s:
            raise NetworkError(f"{self.name}: its end ({self.end_s} s) is not after its begin ({self.begin_s} s)")

    @property
    def demand_files(self) -> tuple[Path, ...]:
        """The route files, in SUMO's order."""
        return (self.route_file, *self.more_route_files)

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that SUMO reads."""
        return (self.net_file, *self.demand_files, *self.additional_files)

    @property
    def inputs(self) -> list[str]:
        """SUMO's command-line words for the files."""
        words = ["--net-file", str(self.net_file), "--route-files", ",".join(map(str, self.demand_files))]
        if self.additional_files:
            words += ["--additional-files", ",".join(map(str, self.additional_files))]
        return words

    def missing(self) -> list[str]:
        """One line for every file that is not there."""
        return [f"no file {path.name} in {path.parent}" for path in self.files if not path.is_file()]

    def digest(self) -> str:
        """SHA-256 over all that makes a simulation: the files' contents, begin, end, options; not names or places."""
        if missing := self.missing():
            raise NetworkError(f"{self.name}: {missing[0]}")
        counts = (1, len(self.demand_files), len(self.additional_files))
        total = hashlib.sha256(repr((self.begin_s, self.end_s, self.options, counts)).encode())
        for path in self.files:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()


def from_path(text: str) -> Network | None:
    """The network at this path (the kinds: see `locate`), or None if it looks like none.

    Raises NetworkError.
    """
    if Path(text).is_dir():
        return _from_folder(Path(text))
    if text.endswith((".sumocfg", ".sumo.cfg")):
        return from_sumocfg(Path(text))
    return _from_net(text) if re.search(rf"{NET}(\+|$)", text) else None


def _from_folder(folder: Path) -> Network:
    for pattern, found in (("*.sumocfg", from_sumocfg), ("*.net.xml", lambda path: _from_net(str(path)))):
        paths = sorted(folder.glob(pattern))
        if len(paths) > 1:
            raise NetworkError(f"{folder}: which one of {', '.join(path.name for path in paths)}? Give its path")
        if paths:
            return replace(found(paths[0]), name=folder.resolve().name)
    raise NetworkError(f"{folder}: holds neither a .sumocfg nor a .net.xml")


def _from_net(text: str) -> Network:
    net, *further = (Path(part) for part in text.split("+"))
    stem = re.sub(rf"{NET}$", "", net.name)
    further = [path if path.is_file() else net.parent / path for path in further]
    routes = [path for path in further if re.search(rf"{ROUTES}$", path.name)]
    if not routes:
        beside = sorted([*net.parent.glob("*.rou.xml"), *net.parent.glob("*.rou.xml.gz")])
        own = [path for path in beside if path.name in (f"{stem}.rou.xml", f"{stem}.rou.xml.gz")]
        routes = own[:1] or beside
        if len(routes) != 1:
            what = f"which one of {', '.join(path.name for path in beside)}" if beside else "no *.rou.xml beside it"
            raise NetworkError(f"{net}: {what}; say {net.name}+ROUTES.rou.xml")
    return Network(
        stem, net, routes[0], _begin_s(routes[0]), more_route_files=tuple(routes[1:]),
        additional_files=tuple(path for path in further if path not in routes),
    )  # fmt: skip


def elements(path: Path) -> Iterator[tuple[str, ET.Element]]:
    """("start" or "end", element) of an XML file, plain or .gz. Raises NetworkError with the line of a fault."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from ET.iterparse(file, ("start", "end"))  # noqa: S314 (expat itself refuses entity bombs)
    except ET.ParseError as fault:
        what = expat.ErrorString(fault.code)
        raise NetworkError(f"{path.name}, line {fault.position[0]}: not readable as XML: {what}") from None
    except (OSError, EOFError, zlib.error) as fault:
        raise NetworkError(f"{path.name}: cannot be read: {fault}") from None


def read_net(net_file: Path, **wanted: bool) -> Any:
    """The network as sumolib sees it, `wanted` as its readNet takes it.

    Always by the same parser: with lxml, where that is installed, sumolib 1.28 finds no crossing's edges and leaves the
    file open.
    """
    import sumolib

    return sumolib.net.readNet(str(net_file), lxml=False, **wanted)


def _begin_s(routes: Path) -> int:
    """The last full five minutes before the first departure (route files are sorted by departure)."""
    for event, element in elements(routes) if routes.is_file() else ():
        when = element.get("depart") or element.get("begin")
        if event == "start" and when and when[0].isdigit():
            return int(_time_s(routes, when) // 300 * 300)
    return 0


def from_sumocfg(path: Path) -> Network:
    """The network that a .sumocfg describes.

    Its files, begin, end and the options on how SUMO simulates are taken over. Seed, outputs and reports are the
    twin's, and so is what becomes of vehicles that cannot go on or in: they stay, wait and are counted. Raises
    NetworkError.
    """
    if not path.is_file():
        raise NetworkError(f"{path.parent}: no file {path.name}")
    said = {e.tag: e.get("value") or e.get("v") for event, e in elements(path) if event == "start"}
    values = {name: value.strip() for name, value in said.items() if value and value.strip()}

    def taken(*names: str) -> str:
        return next(iter([values.pop(name) for name in names if name in values]), "")

    def files(*names: str) -> tuple[Path, ...]:
        return tuple(path.parent / word.strip() for word in taken(*names).split(",") if word.strip())

    nets, routes = files("net-file", "net", "n"), files("route-files", "routes", "r")
    additional = files("additional-files", "additional", "a")
    if not nets or not routes:
        raise NetworkError(f"{path.name}: names no {'route-files' if nets else 'net-file'}")
    begin_s, end_s = (_time_s(path, taken(*names) or "-1") for names in (("begin", "b"), ("end", "e")))
    if _time_s(path, values.pop("scale", "1")) != 1:
        raise NetworkError(f"{path.name}: scales its demand; take `scale` out and use the scenario's demand_scale")
    return Network(
        path.stem, nets[0], routes[0], max(int(begin_s), 0), _simulation_options(path, values),
        max(int(end_s), 0), routes[1:], additional,
    )  # fmt: skip


def _time_s(path: Path, text: str) -> float:
    from sumolib.miscutils import parseTime

    try:
        return float(parseTime(text))
    except ValueError:
        raise NetworkError(f"{path.name}: {text!r} is neither seconds nor h:m:s") from None


def _simulation_options(path: Path, values: dict[str, str]) -> tuple[str, ...]:
    """Command-line words for those of a .sumocfg's options that say how SUMO simulates."""
    words: list[str] = []
    kinds = option_kinds() if values else {}
    for name in sorted(values.keys() & kinds.keys()):
        if not name.startswith(("time-to-teleport", "max-depart-delay", "max-num-teleports")):
            words += [
                f"--{name}",
                str((path.parent / values[name]).absolute()) if kinds[name] == "FILE" else values[name],
            ]
    return tuple(words)


@functools.cache
def option_kinds() -> dict[str, str]:
    """SUMO's options on how it simulates, by the sections of its own template: name → type (FLOAT, FILE, …)."""
    done = subprocess.run(
        [program("sumo"), "--save-template", "stdout"], capture_output=True, text=True, timeout=60, check=False
    )
    sections = ET.fromstring(done.stdout[done.stdout.index("<sumoConfiguration") :])  # noqa: S314 (SUMO's own)
    kept = ("processing", "routing", "mesoscopic", "emissions", "taxi_device", "glosa_device")
    kinds = {o.tag: o.get("type", "") for section in sections if section.tag in kept for o in section}
    return {**kinds, "step-length": "TIME"}


def program(name: str) -> str:
    """Path of one of SUMO's programs in the installed eclipse-sumo package, or on the PATH."""
    found = importlib.util.find_spec("sumo")
    if found is not None and found.origin is not None and (path := Path(found.origin).parent / "bin" / name).is_file():
        return str(path)
    on_path = shutil.which(name)
    if on_path is None:
        raise MissingExtraError(f'{name} comes with SUMO: pip install "trenggalek-twin[twin]"')
    return on_path
