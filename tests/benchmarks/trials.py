"""What scoring an architecture costs a trial, beside an empty trial that imports torch.

    python -m tests.benchmarks.trials runs/digits

Both kinds alternate within one experiment of nnictl, one trial at a time.
"""

import argparse
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from autosnn_nni.runs.directory import load_run
from tests.autosnn_nni.manager.conftest import Nnictl

EMPTY = """
import nni
import torch

nni.get_next_parameter()
nni.report_final_result({"default": 0.0, "accuracy": 0.0, "spikes": 0.0})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run with a supernet")
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        empty, scoring = measure(arguments.run.resolve(), arguments.repeats, Path(folder))
    for name, seconds in ("empty", empty), ("scoring", scoring):
        quartiles = statistics.quantiles(seconds, n=4)
        print(f"{name:8} median {quartiles[1]:.2f} s ({quartiles[0]:.2f} to {quartiles[2]:.2f})")
    print(f"ratio    {statistics.median(scoring) / statistics.median(empty):.2f}")


def measure(run: Path, repeats: int, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of the empty and of the scoring trials."""
    (folder / "empty.py").write_text(EMPTY)
    nnictl = Nnictl(folder, folder / "config")
    nnictl("register", command="autosnn")
    experiment = nnictl.create(write_config(run, 2 * repeats, folder))
    try:
        experiment.wait(seconds=60 * repeats)
        trials = sorted(experiment.trials("SUCCEEDED"), key=lambda trial: trial["sequenceId"])
    finally:
        experiment.kill()
    assert len(trials) == 2 * repeats
    seconds = [(trial["endTime"] - trial["startTime"]) / 1000 for trial in trials]
    return seconds[0::2], seconds[1::2]


def write_config(run: Path, trials: int, folder: Path) -> Path:
    settings = load_run(run).settings
    choice = {"_type": "choice", "_value": list(settings.candidates)}
    blocks = settings.network.macro.tbd_blocks
    empty = f"python {folder}/empty.py"
    config = {
        "trialCodeDirectory": str(run),
        "trialCommand": f"if ((NNI_TRIAL_SEQ_ID % 2)); then autosnn trial; else {empty}; fi",
        "trialConcurrency": 1,
        "maxTrialNumber": trials,
        "searchSpace": {f"tbd{number}": choice for number in range(1, blocks + 1)},
        "tuner": {
            "name": "AutoSNN",
            "classArgs": {"strategy": "random", "rounds": 1, "population": trials},
        },
        "trainingService": {"platform": "local_autosnn"},
    }
    path = folder / "nnictl.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


if __name__ == "__main__":
    main()
