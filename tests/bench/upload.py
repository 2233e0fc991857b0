"""Uploads to one host: a file of 200 MB, and a tree of 5,000 files of 4 KB; rhapsode beside scp and rsync."""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess

from gauge import Group, measure
from tools import Bed

BIG_MB = 200
FILES = 5000
SMALL_BYTES = 4096


def prepare(bed):
    """Random content, which compresses as little as most things that are uploaded."""
    bed.prepare()
    bed.inventories(0, 1)
    with open(bed.project / "big", "wb") as big:
        for _ in range(BIG_MB):
            big.write(os.urandom(1 << 20))
    tree = bed.project / "tree"
    for number in range(FILES):
        folder = tree / f"{number % 50:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(number)).write_bytes(os.urandom(SMALL_BYTES))
    (bed.project / "big.rhai").write_text('file::put("/srv/upload/big", #{ src: "big" });\n')
    (bed.project / "tree.rhai").write_text('file::mirror("/srv/upload/tree", #{ src: "tree" });\n')


def on_host(bed, line):
    subprocess.run(["ssh", "-F", bed.config, bed.address(0, 0)[0], line], check=True, capture_output=True)


def commands(bed):
    """Name, command line, and whether it is for the tree."""
    address = bed.address(0, 0)[0]
    ssh = f"ssh -F {bed.config}"
    rhapsode = [bed.binary, "-C", bed.project, "apply", "-i", "rtt0-n1.yaml", "--yes", "-q"]
    shell = f"{ssh} {address} 'cat >/srv/upload/big'"
    return [
        ("200 MB", "scp", ["scp", "-q", "-F", bed.config, "big", f"{address}:/srv/upload/big"]),
        ("200 MB", "rsync -a", ["rsync", "-a", "-e", ssh, "big", f"{address}:/srv/upload/big"]),
        ("200 MB", "`ssh host 'cat >file'`", ["sh", "-c", f"{shell} <big"]),
        ("200 MB", "rhapsode, file::put", [*rhapsode, "big.rhai"]),
        ("5,000 × 4 KB", "scp -r", ["scp", "-q", "-r", "-F", bed.config, "tree", f"{address}:/srv/upload/tree"]),
        ("5,000 × 4 KB", "rsync -a", ["rsync", "-a", "-e", ssh, "tree/", f"{address}:/srv/upload/tree/"]),
        ("5,000 × 4 KB", "`tar c \\| ssh host tar x`", ["sh", "-c", f"tar -cf - tree | {ssh} {address} 'tar -xf - -C /srv/upload'"]),
        ("5,000 × 4 KB", "rhapsode, file::mirror", [*rhapsode, "tree.rhai"]),
    ]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--work", required=True)
    options.add_argument("--binary", required=True)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    bed, group = Bed(given.work, given.binary), Group()
    prepare(bed)
    taken = {}
    for _ in range(given.runs):
        for what, name, command in commands(bed):
            if shutil.which(command[0]) is None:
                continue
            on_host(bed, "rm -rf /srv/upload && mkdir -p /srv/upload && sync /srv")
            for phase in ("first", "again"):
                figures, text = measure(group, bed, 1, command, {})
                if figures["code"]:
                    raise SystemExit(f"{name}: exit {figures['code']}\n{text}")
                taken.setdefault((what, name), {}).setdefault(phase, []).append(figures)
    print("\nTo one host, RTT 0.\n")
    print("| what | tool | s, median | lowest–highest | again, nothing to do: s | controller CPU s | host CPU s | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    for (what, name), phases in taken.items():
        walls = [figures["wall"] for figures in phases["first"]]
        mid = {key: statistics.median(run[key] for run in phases["first"]) for key in ("cpu", "host_cpu", "peak_mb")}
        again = statistics.median(run["wall"] for run in phases["again"])
        print(
            f"| {what} | {name} | {statistics.median(walls):.2f} | {min(walls):.2f}–{max(walls):.2f} | {again:.2f} | "
            f"{mid['cpu']:.2f} | {mid['host_cpu']:.2f} | {mid['peak_mb']:.0f} |"
        )
    shutil.rmtree(pathlib.Path(bed.project))


if __name__ == "__main__":
    main()
