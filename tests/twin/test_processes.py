"""Processes that are ours to end, however we ended."""

import os
import signal
import subprocess
import sys

import psutil

PARENT = """
import sys, time
from twin.hil.processes import ended, started
import signal
gone, stays = (started([sys.executable, "-c", "import time; time.sleep(300)"]) for _ in range(2))
ended(gone, signal.SIGKILL)
print(stays.pid, flush=True)
time.sleep(300)
"""


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


ALL_ENDED = """
import signal, sys
import psutil
from twin.hil.processes import ended, started

def children():
    return len(psutil.Process().children(recursive=True))

one, other = (started([sys.executable, "-c", "import time; time.sleep(300)"]) for _ in range(2))
print(children())
ended(one, signal.SIGTERM)
print(children())
ended(other, signal.SIGTERM)
ended(None, signal.SIGTERM)
print(children())
"""


def test_when_all_is_ended_nobody_waits_for_us_to_go():
    done = subprocess.run([sys.executable, "-c", ALL_ENDED], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["3", "2", "0"], done.stderr  # with the one that hears of them
