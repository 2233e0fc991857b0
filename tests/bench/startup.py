"""What the binary takes before it does anything: `--version`, `--help`, and `check` of the deploy."""

import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
RUNS = 21


def took(command, folder):
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (time.perf_counter() - start) * 1000


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--work", required=True)
    options.add_argument("--binary", required=True)
    given = options.parse_args()
    binary = pathlib.Path(given.binary).resolve()
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        (pathlib.Path(folder) / "rhapsode.yaml").write_text("forks: 100\n")
        check = [binary, "check", HERE / "deploy.rhai"]
        rows = [("`true`, for comparison", ["true"]), ("`rhapsode --version`", [binary, "--version"])]
        rows += [("`rhapsode --help`", [binary, "--help"]), ("`rhapsode check` of the deploy", check)]
        print("\n| command | ms, median | lowest | runs |\n|---|---|---|---|")
        for name, command in rows:
            taken = [took(command, folder) for _ in range(RUNS)]
            print(f"| {name} | {statistics.median(taken):.1f} | {min(taken):.1f} | {RUNS} |")


if __name__ == "__main__":
    main()
