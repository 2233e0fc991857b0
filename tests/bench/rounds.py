"""Measures: rounds in which every row takes its turn, so that whatever else the machine does falls on all alike."""

import argparse
import json
import re
import subprocess
import sys
import time

from gauge import Group, measure
from tools import HERE, ROWS, Bed

# A row that takes longer than this gets `--slow-runs` rounds.
SLOW_SECS = 30


def changes(row, text):
    """How many changes a tool says it made, where it can be read; None where not."""
    if row.key.startswith("rhapsode"):
        return rhapsode(text).get("changes")
    if row.key == "script":
        return None
    found = re.findall(r"changed=(\d+)", text)
    return sum(map(int, found)) if found else None


def rhapsode(text):
    start = text.find("{")
    try:
        return json.JSONDecoder().raw_decode(text[start:])[0]["totals"]
    except (ValueError, KeyError):
        return {}


def one(bed, group, row, phase, rtt, count):
    row.before(phase, rtt, count)
    figures, text = measure(group, bed, count, row.command(phase, rtt, count), row.env())
    row.after(rtt, count)
    figures.update(row=row.key, phase=phase, rtt=rtt, n=count, at=time.time(), changes=changes(row, text))
    if row.key.startswith("rhapsode"):
        figures["exchanges"] = rhapsode(text).get("exchanges")
    if figures["code"]:
        print(f"{row.key} {phase}: exit {figures['code']}\n{text[-1500:]}", file=sys.stderr)
    return figures


def reset(count):
    subprocess.run([HERE / "hosts", "reset", str(count)], check=True)


def turn(bed, group, row, rtt, count):
    """All phases of a row: a plan on fresh hosts, the first apply, the same again."""
    for phase in row.phases:
        if phase in ("plan", "first"):
            reset(count)
        yield one(bed, group, row, phase, rtt, count)


def settle(bed, row, rtt, count):
    """For rows that only do a no-op: the deploy, not measured. Also what leaves a prefetch record."""
    if row.key.startswith("rhapsode") and "first" not in row.phases:
        subprocess.run(row.command("no-op", rtt, count), cwd=bed.project, capture_output=True, check=False)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--work", required=True)
    options.add_argument("--binary", required=True)
    options.add_argument("--hosts", type=int, nargs="+", default=[1, 10, 50])
    options.add_argument("--rtt", type=int, nargs="+", default=[0, 20])
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--slow-runs", type=int, default=3)
    options.add_argument("--rows", nargs="+", default=[row.key for row in ROWS])
    options.add_argument("--phases", nargs="+", default=["plan", "first", "no-op"])
    options.add_argument("--deadline", type=float, default=float("inf"), help="seconds after which no round begins")
    options.add_argument("--out", required=True)
    given = options.parse_args()
    bed, group = Bed(given.work, given.binary), Group()
    bed.prepare()
    (bed.work / "cp").mkdir(exist_ok=True)
    rows = [row(bed) for row in ROWS if row.key in given.rows]
    for row in rows:
        row.phases = tuple(phase for phase in row.phases if phase in given.phases)
    started, slow = time.monotonic(), {}
    with open(given.out, "a", encoding="utf-8") as out:
        for rtt in given.rtt:
            for count in given.hosts:
                bed.inventories(rtt, count)
        for number in range(given.runs):
            for rtt in given.rtt:
                for count in given.hosts:
                    for row in rows:
                        if time.monotonic() - started > given.deadline:
                            return
                        longest = slow.get((row.key, rtt, count), 0)
                        if longest > SLOW_SECS and number >= given.slow_runs:
                            continue
                        settle(bed, row, rtt, count)
                        for figures in turn(bed, group, row, rtt, count):
                            slow[row.key, rtt, count] = max(longest, figures["wall"])
                            print(json.dumps(figures), file=out, flush=True)
                            words = f"{number + 1} rtt {rtt} n {count} {row.key:22} {figures['phase']:6}"
                            extra = f"changes {figures['changes']} exchanges {figures.get('exchanges')}"
                            print(f"{words} {figures['wall']:7.2f} s  {extra}", file=sys.stderr)


if __name__ == "__main__":
    main()
