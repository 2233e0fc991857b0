"""Turns the figures of rounds.py into tables."""

import collections
import json
import statistics
import sys

from tools import ROWS

NAMES = {row.key: row.name for row in ROWS}
PHASES = [("no-op", "no-op"), ("first", "first apply"), ("plan", "plan / check, fresh hosts")]


def load(path):
    with open(path, encoding="utf-8") as lines:
        figures = [json.loads(line) for line in lines]
    grouped = collections.defaultdict(list)
    for each in figures:
        if each["code"] == 0:
            grouped[each["rtt"], each["n"], each["row"], each["phase"]].append(each)
    return grouped


def median(runs, key):
    values = [run[key] for run in runs if run.get(key) is not None]
    return statistics.median(values) if values else None


def spread(runs):
    values = [run["wall"] for run in runs]
    return f"{min(values):.2f}–{max(values):.2f}"


def cell(value, form="{:.2f}"):
    return "" if value is None else form.format(value)


def table(grouped, rtt, count, phase):
    """One phase at one RTT and N: all rows beside the script floor."""
    floor_phase = "no-op" if phase == "plan" else phase
    floor = median(grouped.get((rtt, count, "script", floor_phase), []), "wall")
    lines = [
        "| tool | s, median | lowest–highest | × script floor | × the patched pyinfra | controller CPU s | host CPU s per host"
        " | peak MB | processes on a host | exchanges per host | runs |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    peer = median(grouped.get((rtt, count, "pyinfra", phase), []), "wall")
    for row in ROWS:
        runs = grouped.get((rtt, count, row.key, phase))
        if not runs:
            continue
        wall = median(runs, "wall")
        exchanges = median(runs, "exchanges")
        lines.append(
            f"| {NAMES[row.key]} | {wall:.2f} | {spread(runs)} | {cell(wall / floor if floor else None)} | "
            f"{cell(wall / peer if peer else None)} | {cell(median(runs, 'cpu'))} | "
            f"{cell(median(runs, 'host_cpu') / count, '{:.3f}')} | {cell(median(runs, 'peak_mb'), '{:.0f}')} | "
            f"{cell(median(runs, 'host_processes'), '{:.0f}')} | "
            f"{cell(exchanges / count if exchanges is not None else None, '{:.1f}')} | {len(runs)} |"
        )
    return lines


def main():
    grouped = load(sys.argv[1])
    for count in sorted({key[1] for key in grouped}):
        for rtt in sorted({key[0] for key in grouped}):
            for phase, title in PHASES:
                if any(key[0] == rtt and key[1] == count and key[3] == phase for key in grouped):
                    hosts = "host" if count == 1 else "hosts"
                    print(f"\n### {title}: {count} {hosts}, RTT {rtt} ms\n")
                    print("\n".join(table(grouped, rtt, count, phase)))
    loads = [run["load"] for runs in grouped.values() for run in runs]
    print(f"\nLoad of the machine while measuring (1 minute average): {min(loads):.1f} to {max(loads):.1f}.")


if __name__ == "__main__":
    main()
