"""Runs a command and says what it took: wall time, CPU and memory of its whole process tree, CPU of the hosts.

A control group of its own counts processes that go to the background as well, which wait4(2) would not.
"""

import os
import pathlib
import subprocess
import threading
import time

ROOT = pathlib.Path("/sys/fs/cgroup")
NAME = "rh-bench"


class Group:
    """A control group for the controller's side, version 1 or 2."""

    def __init__(self):
        self.v2 = (ROOT / "cgroup.controllers").exists()
        self.cpu = ROOT / NAME if self.v2 else ROOT / "cpuacct" / NAME
        self.memory = ROOT / NAME if self.v2 else ROOT / "memory" / NAME
        for folder in (self.cpu, self.memory):
            folder.mkdir(exist_ok=True)

    def enter(self):
        """Moves the calling process in; for `preexec_fn`."""
        for folder in {self.cpu, self.memory}:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def cpu_secs(self):
        return cpu_of(self.cpu, self.v2)

    def resident_bytes(self):
        """Anonymous memory of all members now; pages that forked processes share count once."""
        key = "anon" if self.v2 else "total_rss"
        for line in (self.memory / "memory.stat").read_text().splitlines():
            name, value = line.split()
            if name == key:
                return int(value)
        return 0


def cpu_of(folder, v2):
    if v2:
        return int((folder / "cpu.stat").read_text().split()[1]) / 1e6
    return int((folder / "cpuacct.usage").read_text()) / 1e9


def host_cpu_secs(bed, count, v2):
    """CPU time of the first `count` hosts so far."""
    total = 0.0
    for host in bed.hosts[:count]:
        folder = ROOT / "system.slice" / f"docker-{host[3]}.scope" if v2 else ROOT / "cpuacct/docker" / host[3]
        total += cpu_of(folder, v2)
    return total


def last_pid(host):
    """The last process number that the host's PID namespace gave away, this question's own included."""
    words = ["nsenter", "--target", host[2], "--mount", "--pid", "cat", "/proc/sys/kernel/ns_last_pid"]
    return int(subprocess.run(words, check=True, capture_output=True).stdout)


class Peak(threading.Thread):
    """Watches the memory of a group until told to stop."""

    def __init__(self, group):
        super().__init__(daemon=True)
        self.group, self.peak, self.done = group, 0, threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            self.peak = max(self.peak, self.group.resident_bytes())


def measure(group, bed, count, command, env):
    """Runs `command` in the project's folder. Gives a dict of figures, and what it printed."""
    watch = Peak(group)
    host_before, cpu_before = host_cpu_secs(bed, count, group.v2), group.cpu_secs()
    pids_before = last_pid(bed.hosts[0])
    with open(bed.work / "stdout", "wb") as out, open(bed.work / "stderr", "wb") as err:
        watch.start()
        start = time.monotonic()
        code = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=bed.project,
            env={**os.environ, **env},
            preexec_fn=group.enter,
            check=False,
        ).returncode
        wall = time.monotonic() - start
    watch.done.set()
    watch.join()
    # What a host does after the last byte, ending the login, is its cost too.
    time.sleep(0.2)
    figures = {
        "wall": wall,
        "cpu": group.cpu_secs() - cpu_before,
        "host_cpu": host_cpu_secs(bed, count, group.v2) - host_before,
        "peak_mb": watch.peak / 1e6,
        # Two of the questions' own processes: `nsenter` forks `cat`.
        "host_processes": last_pid(bed.hosts[0]) - pids_before - 1,
        "code": code,
        "load": os.getloadavg()[0],
    }
    return figures, (bed.work / "stdout").read_text(errors="replace") + (bed.work / "stderr").read_text(errors="replace")
