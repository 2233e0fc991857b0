"""Many hosts in one run: local shells, each with a private folder, 20 operations; 200, 1,000 and 5,000 of them."""

import argparse
import json
import pathlib
import resource
import shutil
import statistics
import sys
import threading
import time
import subprocess

from gauge import Group
from tools import HERE

SMALLEST = 200


def prepare(project, count):
    shutil.rmtree(project, ignore_errors=True)
    (project / "work").mkdir(parents=True)
    (project / "rhapsode.yaml").write_text("forks: 100\n")
    shutil.copy(HERE / "scale.rhai", project)
    hosts = "\n".join(f"  n{number}: {{ data: {{ root: {project}/work/n{number} }} }}" for number in range(count))
    (project / "hosts.yaml").write_text(f"defaults: {{ connect: local }}\nhosts:\n{hosts}\n")


def resident_kb(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def run(group, binary, project, flags=()):
    """One run. The memory of rhapsode alone, and of everything, shells included."""
    before = group.cpu_secs()
    out, err = open(project / "out", "wb"), open(project / "err", "wb")
    start = time.monotonic()
    words = [binary, "-C", project, "apply", "scale.rhai", "-i", "hosts.yaml", "--yes", *flags]
    process = subprocess.Popen(words, stdout=out, stderr=err, stdin=subprocess.DEVNULL, preexec_fn=group.enter)
    own = whole = 0
    done = threading.Event()
    threading.Thread(target=lambda: (process.wait(), done.set())).start()
    while not done.wait(0.05):
        own, whole = max(own, resident_kb(process.pid)), max(whole, group.resident_bytes())
    wall = time.monotonic() - start
    said = (project / "err").read_text(errors="replace") + (project / "out").read_text(errors="replace")
    if process.returncode:
        raise SystemExit(f"scale: exit {process.returncode}\n{said[-2000:]}")
    lines = len(said.splitlines())
    return {"wall": wall, "cpu": group.cpu_secs() - before, "own_mb": own / 1024, "whole_mb": whole / 1e6, "lines": lines}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--work", required=True)
    options.add_argument("--binary", required=True)
    options.add_argument("--hosts", type=int, nargs="+", default=[200, 1000, 5000])
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    project = pathlib.Path(given.work).resolve() / "scale"
    group = Group()
    print("\nLocal shells, 20 operations.")
    print(f"Three descriptors a shell; the limits here are {soft} and {hard}, of which rhapsode is left to make the best.\n")
    print("| hosts | run | s, median | CPU s | peak MB, rhapsode | KB per host | peak MB with the shells | lines of report | store MB | runs |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for count in given.hosts:
        figures = {"first apply": [], "no-op": []}
        runs = given.runs if count <= 1000 else 1
        for _ in range(runs):
            prepare(project, count)
            figures["first apply"].append(run(group, given.binary, project))
            figures["no-op"].append(run(group, given.binary, project))
            print(json.dumps({"hosts": count, **figures["no-op"][-1]}), file=sys.stderr)
        store = sum(path.stat().st_size for path in (project / ".rhapsode").glob("state.db*")) / 1e6
        for phase, runs_of in figures.items():
            mid = {key: statistics.median(one[key] for one in runs_of) for key in runs_of[0]}
            print(
                f"| {count:,} | {phase} | {mid['wall']:.2f} | {mid['cpu']:.2f} | {mid['own_mb']:.0f} | "
                f"{mid['own_mb'] * 1024 / count:.0f} | {mid['whole_mb']:.0f} | {mid['lines']:.0f} | "
                f"{store:.1f} | {len(runs_of)} |",
                flush=True,
            )
    shutil.rmtree(project)


if __name__ == "__main__":
    main()
