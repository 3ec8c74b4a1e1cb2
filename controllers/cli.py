"""`python -m controllers verify|run|replay|selftest BUNDLE`, and what goes with it.

Exit codes: 0 done; 1 ran, and the answer is no (decisions differ, a violation, over budget); 2 the input is at fault (a
bundle, plan, log or wiring that is refused: one line that says what and where); 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controllers.errors import ControllerError

if TYPE_CHECKING:
    from controllers.bundle import Bundle

PASSWORD = "CONTROLLER_MQTT_PASSWORD"  # noqa: S105 (the name of a variable, no password)


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns its exit code."""
    given = parser().parse_args(words)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        found, code = given.command(given)
    except ControllerError as error:
        if given.as_json:
            _print({"ok": False, "fault": str(error)})
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    if given.as_json:
        _print(found)
    else:
        for key, value in found.items():
            sys.stdout.write(f"{key}: {value}\n")
    return int(code)


def _verify(given: argparse.Namespace) -> tuple[dict[str, Any], int]:
    bundle = _bundle(given)
    facts = {
        "ok": True,
        "name": bundle.name,
        "kind": bundle.kind,
        "digest": bundle.digest,
        "signed_by": bundle.signed_by,
    }
    if bundle.kind == "signals":
        facts["junctions"] = [plan.name for plan in bundle.runner.site.plans]
    return facts, 0


def _run(given: argparse.Namespace) -> tuple[dict[str, Any], int]:
    bundle = _bundle(given)
    if bundle.kind == "battery":
        from controllers.village.loop import run_village

        return run_village(bundle, given.modbus, given.known, given.seconds), 0
    from controllers.log import Log
    from controllers.loop import Cabinet, run

    cabinet = Cabinet(bundle.runner, flash=not given.no_flash)
    about = {"bundle": bundle.name, "bundle_digest": bundle.digest}
    log = Log(given.log, bundle.runner.site, about, given.begin) if given.log else None
    driver = _driver(given, bundle)
    turns = run(cabinet, driver, log, int(given.seconds * given.hz) if given.seconds else None)
    return {"turns": turns, "late": cabinet.health.lates, "failed": cabinet.health.failures}, 0


def _driver(given: argparse.Namespace, bundle: Bundle) -> Any:
    if given.gpio:
        from controllers.io.gpio import GpiodChip, GpioStreet, read_wiring

        wiring = read_wiring(given.gpio)
        return GpioStreet(bundle.runner.site, wiring, GpiodChip(wiring), given.hz)
    if given.from_log:
        from controllers.io.replay import ReplayStreet
        from controllers.log import decisions

        return ReplayStreet(decisions(given.from_log))
    if not given.mqtt:
        raise ControllerError("name a street: --mqtt HOST:PORT, --gpio WIRING or --from-log LOG")
    from controllers.io.mqtt import Broker, MqttStreet, address

    host, port = address(given.mqtt)
    broker = Broker(host, port, given.username, os.environ.get(PASSWORD), given.tls_ca, given.tls_cert, given.tls_key)
    prefix = given.prefix or f"trenggalek/{bundle.name}"
    by_street = given.pace == "street"
    return MqttStreet(broker, bundle.runner.site, prefix, bundle.digest, paced_by_street=by_street, hz=given.hz)


def _replay(given: argparse.Namespace) -> tuple[dict[str, Any], int]:
    from controllers.log import decisions
    from controllers.policy import readings_of

    policy = _signals(given).runner
    different, compared = [], 0
    for row in decisions(given.log):
        readings, priority = readings_of(row["readings"])
        if row["first"]:
            policy.restart()
        answer = policy.decide(readings, priority).tolist()
        if row["answer"]:
            compared += 1
            if answer != row["answer"]:
                different.append({"time": row["time"], "log": row["answer"], "now": answer})
    found = {
        "decisions": compared,
        "different": len(different),
        "first_difference": different[0] if different else None,
    }
    return found, 1 if different or not compared else 0


def _selftest(given: argparse.Namespace) -> tuple[dict[str, Any], int]:
    from controllers import selftest

    bundle = _bundle(given)
    if bundle.kind == "battery":
        return {"ok": True, "golden": "answered", "peak_mib": selftest.peak_mib()}, 0
    golden = json.loads((given.bundle / "golden.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = selftest.latency(bundle.runner, golden, given.decisions)
    found["peak_mib"] = selftest.peak_mib()
    plans = bundle.runner.site.plans
    share = -(-given.steps // len(plans))
    found["violations"] = sum(selftest.attack(plan, share, seed) for seed, plan in enumerate(plans))
    found["guard_steps"] = share * len(plans)
    fits = found["p99_ms"] <= selftest.BUDGET_MS and found["peak_mib"] <= selftest.BUDGET_MIB
    found["ok"] = fits and found["violations"] == 0
    return found, 0 if found["ok"] else 1


def _plan(given: argparse.Namespace) -> tuple[dict[str, Any], int]:
    from controllers.plan_file import read_plan

    site, safety = read_plan(given.file)
    return {**site.as_json(), "safety": safety}, 0


def _keys(given: argparse.Namespace) -> tuple[dict[str, Any], int]:
    from controllers.bundle import new_keys

    return {"private": str(given.private), "public": new_keys(given.private)}, 0


def _central(given: argparse.Namespace) -> tuple[dict[str, Any], int]:
    from controllers.central import watch
    from controllers.io.mqtt import Broker, address

    host, port = address(given.mqtt)
    broker = Broker(host, port, given.username, os.environ.get(PASSWORD), given.tls_ca, given.tls_cert, given.tls_key)
    return watch(broker, given.prefix or "trenggalek", given.history, given.seconds), 0


def _update(given: argparse.Namespace) -> tuple[dict[str, Any], int]:
    from controllers.bundle import key_bytes
    from controllers.io.mqtt import Broker, address
    from controllers.updater import keep_updated

    if not given.mqtt or not given.prefix:
        raise ControllerError("name the broker and the controller: --mqtt HOST:PORT --prefix trenggalek/NAME")
    host, port = address(given.mqtt)
    broker = Broker(host, port, given.username, os.environ.get(PASSWORD), given.tls_ca, given.tls_cert, given.tls_key)
    passed_on = [
        word
        for name in ("username", "tls_ca", "tls_cert", "tls_key", "log", "pace")
        if (value := getattr(given, name)) is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    key = key_bytes(given.require_signature) if given.require_signature else None
    digest = keep_updated(
        broker, given.mqtt, given.prefix, given.store, given.bundle, passed_on, key, given.seconds, given.probation
    )
    return {"bundle": digest}, 0


def _bundle(given: argparse.Namespace) -> Bundle:
    from controllers.bundle import key_bytes, load

    return load(given.bundle, key_bytes(given.require_signature) if given.require_signature else None)


def _signals(given: argparse.Namespace) -> Bundle:
    bundle = _bundle(given)
    if bundle.kind != "signals":
        raise ControllerError(f"{given.bundle}: is a bundle of kind {bundle.kind!r}; this takes one of kind 'signals'")
    return bundle


def _print(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def parser() -> argparse.ArgumentParser:
    """All commands with their options; the documentation shows its help."""
    whole = argparse.ArgumentParser(
        prog="python -m controllers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, does: Any, about: str, bundle: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=about, description=about)
        one.set_defaults(command=does)
        one.add_argument("--json", dest="as_json", action="store_true", help="one JSON document on standard output")
        if bundle:
            one.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder that `python -m agents.export` made")
            one.add_argument("--require-signature", type=Path, metavar="KEY", help="file of the public Ed25519 key")
        return one

    command("verify", _verify, "Check a bundle to the last byte, and its golden answers.")
    run = command("run", _run, "Run a bundle on a street, behind the guard, until it is stopped.")
    _street(run)
    replay = command("replay", _replay, "Decide again on what a log says was seen; exit code 1 where answers differ.")
    replay.add_argument("log", type=Path, metavar="LOG", help="a controller's log")
    test = command(
        "selftest", _selftest, "Attack the guard, measure latency and memory; 1 on a violation or over budget."
    )
    test.add_argument("--steps", type=int, default=200_000, help="guard steps (200000)")
    test.add_argument("--decisions", type=int, default=2000, help="decisions that are timed (2000)")
    plan = command("plan", _plan, "Check a plan written by hand (YAML); all its faults at once.", bundle=False)
    plan.add_argument("file", type=Path)
    keys = command("keys", _keys, "Make a pair of Ed25519 keys; prints the public one.", bundle=False)
    keys.add_argument("private", type=Path, help="file for the private key; must not exist yet")
    central = command("central", _central, "Watch all controllers of a broker: alarms, repair times.", bundle=False)
    _broker(central)
    update = command("update", _update, "Run a junction, and take the bundles that central rolls out.", bundle=False)
    _broker(update)
    update.add_argument("--store", type=Path, required=True, help="folder that keeps bundles")
    update.add_argument("--bundle", type=Path, help="the first bundle, while the store is empty")
    update.add_argument("--require-signature", type=Path, metavar="KEY", help="file of the public Ed25519 key")
    update.add_argument("--probation", type=float, default=10.0, help="a new bundle must hold out so long [s] (10)")
    update.add_argument("--log", type=Path, help="SQLite file that keeps what happens")
    update.add_argument("--pace", choices=("clock", "street"), help="turns by the clock, or one a message")
    update.add_argument("--seconds", type=float, help="stop after so long")
    central.add_argument("--history", type=Path, required=True, help="SQLite file of what was seen")
    central.add_argument("--seconds", type=float, help="stop after so long")
    return whole


def _broker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mqtt", metavar="HOST:PORT", help="the broker")
    parser.add_argument("--prefix", help="topics below this; default trenggalek/<bundle>")
    parser.add_argument("--username", help=f"for the broker; the password is read from {PASSWORD}")
    parser.add_argument("--tls-ca", help="TLS with this certificate authority")
    parser.add_argument("--tls-cert", help="client certificate")
    parser.add_argument("--tls-key", help="its key")


def _street(parser: argparse.ArgumentParser) -> None:
    _broker(parser)
    parser.add_argument("--gpio", type=Path, metavar="WIRING", help="a board's pins (controllers/io/gpio.py)")
    parser.add_argument("--from-log", type=Path, metavar="LOG", help="what another log has seen")
    parser.add_argument("--modbus", metavar="HOST:PORT", help="the inverter of a battery's bundle")
    parser.add_argument("--known", type=Path, metavar="FILE", help="forecast of the coming hour for a battery (JSON)")
    parser.add_argument(
        "--pace", choices=("clock", "street"), default="clock", help="turns by the clock, or one a message"
    )
    parser.add_argument("--hz", type=float, default=2.0, help="turns a second by the clock, 1 … 10 (2)")
    parser.add_argument("--log", type=Path, help="SQLite file that keeps what happens")
    parser.add_argument("--begin", type=float, help="Unix time at which the log begins; now if not given")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--no-flash", action="store_true", help="begin with all red, without flashing before")
