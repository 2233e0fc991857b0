"""Writes docs/benchmarks.md: the text of page.md, and every result in WORK/results.

Each call of tests/bench/run leaves its results there: what it printed as NAME.md, rounds as NAME.jsonl too.
"""

import argparse
import pathlib

import report
from tools import HERE

GOALS = [
    "no-op, fresh logins: ≤ 1.2 × the script floor",
    "no-op, 10 hosts: ≥ 7 × faster than the patched pyinfra, ≥ 10 × than mitogen, ≥ 70 × than Ansible",
    "no-op, logins kept: ≤ 0.5 × the script floor",
    "first apply, 10 hosts: ≥ 4 × faster than the patched pyinfra at RTT 0, ≥ 5 × at RTT 20 ms",
    "plan on fresh hosts: as a no-op run",
    "exchanges, no-op: ≤ 2 per host",
    "exchanges, C changes: ≤ C + 3 per host",
    "controller CPU per further host, no-op, its ssh client in: ≤ 0.09 s",
    "host CPU per host, no-op: ≤ 0.10 s",
]


class Results:
    """Rounds of several calls, the last one first, which is taken where two measured the same. Figures of two rows are
    only compared when the same call measured both.
    """

    def __init__(self, files):
        self.rounds = [report.load(file) for file in reversed(files)]

    def each(self, phase, *rows):
        """Every RTT, N and runs where one call has all these rows."""
        found = {}
        for grouped in self.rounds:
            for rtt, count, row, at in grouped:
                runs = [grouped.get((rtt, count, name, phase)) for name in rows]
                if row == rows[0] and at == phase and all(runs):
                    found.setdefault((rtt, count), runs)
        for (rtt, count), runs in sorted(found.items()):
            yield rtt, count, runs

    def ratios(self, phase, ours, theirs, only=lambda rtt, count: True):
        """`10 hosts, RTT 0: 0.74` for each that was measured; the first is divided by the second."""
        for rtt, count, (one, other) in self.each(phase, ours, theirs):
            if only(rtt, count):
                yield f"{hosts(count, rtt)}: {report.median(one, 'wall') / report.median(other, 'wall'):.2f} ×"

    def values(self, phase, row, key, form):
        for rtt, count, (runs,) in self.each(phase, row):
            value = report.median(runs, key)
            if value is not None:
                yield f"{hosts(count, rtt)}: {form(value, count)}"

    def per_further_host(self, row, key):
        """The slope between 10 hosts, or the fewest above one, and the most."""
        by_count = {}
        for rtt, count, (runs,) in self.each("no-op", row):
            if rtt == 0 and count > 1:
                by_count[count] = report.median(runs, key)
        if len(by_count) < 2:
            return
        low, high = min(by_count), max(by_count)
        yield f"{(by_count[high] - by_count[low]) / (high - low):.3f} s from {low} to {high} hosts"


def hosts(count, rtt):
    return f"{count} host{'s' if count > 1 else ''}, RTT {rtt}"


def goals(results):
    """The table of goals with what was measured."""
    ten = lambda rtt, count: count == 10
    peers = [("pyinfra", "the patched pyinfra"), ("mitogen", "mitogen"), ("ansible", "Ansible")]
    against = [
        f"{ratio} as long as {name}" for key, name in peers for ratio in results.ratios("no-op", "rhapsode", key)
    ]
    first = [f"{ratio} as long" for ratio in results.ratios("first", "rhapsode", "pyinfra", ten)]
    planned = []
    for rtt, count, (runs,) in results.each("plan", "rhapsode"):
        for rtt2, count2, (noop,) in results.each("no-op", "rhapsode"):
            if (rtt, count) == (rtt2, count2):
                ratio = report.median(runs, "wall") / report.median(noop, "wall")
                planned.append(f"{hosts(count, rtt)}: {ratio:.2f} × the no-op")
    beyond = lambda key, phase: (
        f"{hosts(count, rtt)}: {(report.median(runs, 'exchanges') - report.median(runs, 'changes')) / count:+.0f}"
        for rtt, count, (runs,) in results.each(phase, key)
    )
    changes = [f"C {each}" for each in dict.fromkeys(beyond("rhapsode", "first"))]
    changes += [f"very first run C {each}" for each in dict.fromkeys(beyond("rhapsode-untraced", "first"))]
    cpu = [f"rhapsode {text}" for text in results.per_further_host("rhapsode", "cpu")]
    cpu += [f"login floor {text}" for text in results.per_further_host("login", "cpu")]
    cpu += [f"logins kept {text}" for text in results.per_further_host("rhapsode-kept", "cpu")]
    measured = [
        results.ratios("no-op", "rhapsode", "script"),
        against,
        results.ratios("no-op", "rhapsode-kept", "script"),
        first,
        planned,
        results.values("no-op", "rhapsode", "exchanges", lambda value, count: f"{value / count:.0f}"),
        changes,
        cpu,
        results.values("no-op", "rhapsode", "host_cpu", lambda value, count: f"{value / count:.3f} s"),
    ]
    lines = ["| goal | measured |", "|---|---|"]
    for goal, found in zip(GOALS, measured):
        lines.append(f"| {goal} | {'; '.join(dict.fromkeys(found)) or 'not measured'} |")
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--work", required=True)
    options.add_argument("--out", required=True)
    given = options.parse_args()
    folder = pathlib.Path(given.work) / "results"
    results = Results(sorted(folder.glob("*.jsonl")))
    figures = [file.read_text(encoding="utf-8").strip() for file in sorted(folder.glob("*.md"))]
    page = (HERE / "page.md").read_text(encoding="utf-8")
    page = page.replace("<!-- goals -->", goals(results)).replace("<!-- figures -->", "\n\n".join(figures))
    pathlib.Path(given.out).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
