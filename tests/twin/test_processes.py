"""Processes that are ours to end, however we ended."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil

from twin.hil.processes import ended, started

PARENT = """
import sys, time
from twin.hil.processes import ended, started
import signal
gone, stays = (started([sys.executable, "-c", "import time; time.sleep(300)"]) for _ in range(2))
ended(gone, signal.SIGKILL)
print(stays.pid, flush=True)
time.sleep(300)
"""


def children():
    return {one.pid for one in psutil.Process().children(recursive=True)}


def test_when_we_are_killed_what_we_started_ends_too():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    child = psutil.Process(int(parent.stdout.readline()))
    heirs = [one for one in psutil.Process(parent.pid).children() if "twin.hil.processes" in one.cmdline()]
    assert len(heirs) == 1
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    psutil.wait_procs([child, *heirs], timeout=15)
    for one in (child, *heirs):
        assert not one.is_running() or one.status() == psutil.STATUS_ZOMBIE


def test_when_all_is_ended_nobody_waits_for_us_to_go():
    before = children()
    one, other = (started([sys.executable, "-c", "import time; time.sleep(300)"]) for _ in range(2))
    assert len(children() - before) == 3
    ended(one, signal.SIGTERM)
    assert len(children() - before) == 2
    began_s = time.monotonic()
    ended(other, signal.SIGTERM)
    assert children() == before
    with contextlib.suppress(psutil.NoSuchProcess):
        assert not psutil.Process(other.pid).is_running()
    assert time.monotonic() - began_s < 15
    ended(None, signal.SIGTERM)
