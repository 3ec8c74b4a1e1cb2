"""Junctions of the tests: controllers with updaters in this process, or one of its own on a broker."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from functools import partial

from controllers_bundles import contract

from controllers.bundle import write
from controllers.updater import Updater
from deploy.release.export import _write
from deploy.release.folder import seal
from twin.carbon.facts import rows
from twin.labour.facts import read as labour
from twin.programmes.facts import read as programmes

SLEEPS, ENDS = [sys.executable, "-c", "import time; time.sleep(60)"], [sys.executable, "-c", ""]


def bundle(folder, name, min_green_s=5.0):
    policy = {"kind": "rule", "rule": "max_pressure", "settings": {"min_green_s": min_green_s}}
    return write(folder, name, contract(policy=policy))


def release(folder, names, min_green_s=9.0):
    for name in names:
        bundle(folder / "policies" / name, name, min_green_s)
    return seal(folder, {"run": "test"})


def whole(folder):
    """A release with the tables that the services ask for."""
    for name, table in (("market/rules.json", rows("rules.csv")), ("market/opening.json", {}),
                        ("labour/weights.json", labour("score_weights.csv")),
                        ("personnel/kinds.json", programmes("request_kinds.csv"))):  # fmt: skip
        _write(folder / name, table)
    (folder / "manifest.json").unlink()
    return seal(folder, {"run": "test"})


class Bus:
    """Controllers with updaters, in this process: what `Monitor` is over MQTT."""

    def __init__(self, folder, names, begins) -> None:
        self.told = {name: {} for name in names}
        self.begun = []
        self.updaters = {}
        for name in names:
            first = bundle(folder / "first" / name, name)
            made = Updater(folder / "store" / name, partial(self._begin, name, begins.get(name)),
                           lambda body, name=name: self.told[name].update(body), probation_s=0.3)  # fmt: skip
            made.store.mkdir(parents=True)
            made.install(first.folder)
            made._process = subprocess.Popen(SLEEPS)
            made._told("running")
            self.updaters[name] = made
        self.first = {name: one.current for name, one in self.updaters.items()}
        self.alarms = {}

    def _begin(self, name, begin, folder):
        self.begun.append((name, folder.name))
        return begin(folder) if begin else subprocess.Popen(SLEEPS)

    def publish(self, controller, topic, payload) -> None:
        self.updaters[controller].take(topic.removeprefix("release/"), payload)

    def controllers(self):
        return {
            name: {"online": True, "modes": ["policy"], "alarms": self.alarms.get(one.current, []),
                   "bundle": one.current, "installed": self.told[name]}
            for name, one in self.updaters.items()
        }  # fmt: skip

    def close(self) -> None:
        for one in self.updaters.values():
            one.close()


@contextlib.contextmanager
def street(folder, name):
    """A broker and a controller with its updater on it; gives the broker's address and the first bundle's digest."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        broker = f"127.0.0.1:{free.getsockname()[1]}"
    first = bundle(folder / "first", name)
    commands = [
        ["twin.hil.broker", "--port", broker.partition(":")[2]],
        ["controllers", "update", "--mqtt", broker, "--prefix", f"trenggalek/{name}", "--store", str(folder / "store"),
         "--bundle", str(first.folder), "--probation", "1", "--json"],
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    running = [subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=subprocess.DEVNULL)
               for command in commands]  # fmt: skip
    try:
        yield broker, first.digest
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(10)


def until(what, seconds: float = 60.0):
    """Ask until the answer is yes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    raise TimeoutError
