"""Writes docs/benchmarks.md: the text of page.md, and every result in WORK/results.

Each call of tests/bench/run leaves its results there: what it printed as NAME.md, rounds as NAME.jsonl too.
"""

import argparse
import pathlib

import report
from tools import HERE

class Results:
    """Rounds of several calls, the last one first, which is taken where two measured the same. Figures of two rows are
    only compared when the same call measured both.
    """

    def __init__(self, files):
        self.rounds = [report.load(file) for file in reversed(files)]

    def of(self, rtt, count, *measured):
        """Runs of each `(row, phase)`, of one call; None where no call has them all."""
        for grouped in self.rounds:
            runs = [grouped.get((rtt, count, row, phase)) for row, phase in measured]
            if all(runs):
                return runs
        return None


def ratio(one, other):
    """How many times as long the first takes."""

    def measure(results, rtt, count):
        runs = results.of(rtt, count, one, other)
        return runs and report.median(runs[0], "wall") / report.median(runs[1], "wall")

    return measure


def per_host(row, phase, value):
    """A figure of a run, each host's share of it."""

    def measure(results, rtt, count):
        runs = results.of(rtt, count, (row, phase))
        return runs and value(runs[0]) / count

    return measure


def per_further_host(row):
    """CPU of the controller: the slope from 10 hosts."""

    def measure(results, rtt, count):
        few, many = results.of(rtt, FEW, (row, "no-op")), results.of(rtt, count, (row, "no-op"))
        return few and many and (report.median(many[0], "cpu") - report.median(few[0], "cpu")) / (count - FEW)

    return measure


def exchanges(runs):
    return report.median(runs, "exchanges")


def host_cpu(runs):
    return report.median(runs, "host_cpu")


def beyond_changes(runs):
    return report.median(runs, "exchanges") - report.median(runs, "changes")


FEW = 10
NEAR, FAR, BOTH = [(0, 10)], [(20, 10)], [(0, 10), (20, 10)]
NOOP, FIRST, PLAN = ("rhapsode", "no-op"), ("rhapsode", "first"), ("rhapsode", "plan")
SCRIPT, KEPT = ("script", "no-op"), ("rhapsode-kept", "no-op")
PEER, PEER_FIRST = ("pyinfra", "no-op"), ("pyinfra", "first")
TIMES, SECONDS, COUNT = "{:.2f} ×", "{:.3f} s", "{:.1f}"

# What is measured, as what, where (RTT in ms, hosts), the sign and the figure of the goal; no figure: for comparison.
GOALS = [
    ("no-op, against the script floor", TIMES, ratio(NOOP, SCRIPT), [*NEAR, (0, 50), (0, 200), *FAR, (20, 50)], "≤", 1.2),
    ("no-op, the patched pyinfra against us", TIMES, ratio(PEER, NOOP), [*BOTH, (0, 50), (20, 50)], "≥", 7),
    ("no-op, mitogen against us", TIMES, ratio(("mitogen", "no-op"), NOOP), BOTH, "≥", 10),
    ("no-op, Ansible against us", TIMES, ratio(("ansible", "no-op"), NOOP), NEAR, "≥", 70),
    ("no-op with logins kept, against the script floor", TIMES, ratio(KEPT, SCRIPT), BOTH, "≤", 0.5),
    ("first apply, the patched pyinfra against us", TIMES, ratio(PEER_FIRST, FIRST), NEAR, "≥", 4),
    ("first apply, the patched pyinfra against us", TIMES, ratio(PEER_FIRST, FIRST), FAR, "≥", 5),
    ("plan on fresh hosts, against the no-op", TIMES, ratio(PLAN, NOOP), BOTH, "≤", 1.1),
    ("exchanges per host, no-op", COUNT, per_host(*NOOP, exchanges), [*BOTH, (0, 200)], "≤", 2),
    ("exchanges per host beyond one a change, first apply", COUNT, per_host(*FIRST, beyond_changes), BOTH, "≤", 3),
    ("the same, first run of the playbook", COUNT, per_host("rhapsode-untraced", "first", beyond_changes), BOTH, "≤", 3),
    ("controller CPU per further host, ssh clients in", SECONDS, per_further_host("rhapsode"), [(0, 200)], "≤", 0.09),
    ("the same of the login floor, which is a part of it", SECONDS, per_further_host("login"), [(0, 200)], "", None),
    ("host CPU per host, no-op", SECONDS, per_host(*NOOP, host_cpu), [*NEAR, (0, 200)], "≤", 0.1),
]


def hosts(count, rtt):
    return f"{count} host{'s' if count > 1 else ''}, RTT {rtt}"


def verdict(sign, limit, value):
    if limit is None:
        return ""
    return "yes" if (value <= limit if sign == "≤" else value >= limit) else "**no**"


def goals(results):
    """The table of goals with what was measured."""
    lines = ["| what | where | goal | measured | reached |", "|---|---|---|---|---|"]
    for what, form, measure, places, sign, limit in GOALS:
        for rtt, count in places:
            value = measure(results, rtt, count)
            goal = "" if limit is None else f"{sign} {limit:g}"
            found = "not measured |" if value is None else f"{form.format(value)} | {verdict(sign, limit, value)}"
            lines.append(f"| {what} | {hosts(count, rtt)} | {goal} | {found} |")
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
