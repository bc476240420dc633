"""How long commands take that train nothing: the median of several starts, in turns.

python -m tests.benchmarks.start runs/digits
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

PROGRAM = str(Path(sys.executable).with_name("autosnn"))
#: Commands, with ``RUN`` for the folder of a run.
COMMANDS = (
    "--help",
    "--version",
    "search --help",
    "list networks",
    "status RUN",
    "runs RUN",
    "report RUN",
    "describe --network CIFARNet-Fang",
    "fits RUN",
)


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a run's folder")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {command: [] for command in COMMANDS}
    for _ in range(1 + options.repeats):
        for command, found in seconds.items():
            found.append(_seconds(command.replace("RUN", options.run).split()))
    print("| command | seconds, median | lowest | highest |")
    print("|---|---|---|---|")
    for command, (_, *found) in seconds.items():  # the first start reads the files from the disk
        print(f"| autosnn {command} | {median(found):.2f} | {min(found):.2f} | {max(found):.2f} |")


def _seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([PROGRAM, *arguments], capture_output=True, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
