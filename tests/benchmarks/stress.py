"""Many concurrent NNI trials, every fifth of which dies: what ran is what NNI has recorded.

python -m tests.benchmarks.stress

Trials do nothing but note what they run: importing NNI takes most of their time.
"""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nni
from nni.nas.evaluator import Evaluator

from autosnn_nni.search_spaces import Architecture, SpikingSpace, from_sample, from_text, to_text
from autosnn_nni.strategies import Metrics

CANDIDATES = ("skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5")

#: Every tenth trial dies before it asks for its parameters, every tenth after.
_DYING = "[ $((NNI_TRIAL_SEQ_ID % 10)) != 4 ] &&"


@dataclass(frozen=True)
class Noting(Evaluator):
    """Writes the architecture that it is given into ``folder``, by its trial's id."""

    folder: str

    def _execute(self, model: Any) -> None:
        blocks = from_sample(model.sample)
        Path(self.folder, nni.get_trial_id()).write_text(to_text(blocks))
        if nni.get_sequence_id() % 10 == 9:
            os._exit(1)
        nni.report_final_result(dict(metrics_of(blocks)))

    def _dump(self) -> dict[str, Any]:
        return {"folder": self.folder}

    @staticmethod
    def _load(folder: str) -> "Noting":
        return Noting(folder)


def metrics_of(blocks: Architecture) -> Metrics:
    """Numbers that tell every architecture."""
    number = sum(CANDIDATES.index(block) * 5**place for place, block in enumerate(blocks))
    return {"default": float(number), "accuracy": number / 5**5, "spikes": float(number)}


@dataclass(frozen=True)
class Outcome:
    """What a search by trials has left: by trial, what NNI has recorded and what ran."""

    status: dict[str, str]
    recorded: dict[str, Architecture]
    ran: dict[str, Architecture]
    history: dict[Architecture, float]

    @property
    def wrong(self) -> list[str]:
        """The trials that ran another architecture than the recorded one."""
        return [trial for trial in self.ran if self.ran[trial] != self.recorded[trial]]


def search(trials: int, concurrency: int, folder: Path, port: int) -> Outcome:
    """A random search by ``trials``; raises when one of them reports another's metrics."""
    from autosnn_nni import RetiariiExeConfig, RetiariiExperiment
    from autosnn_nni.strategies import RandomSearch, TrialSearch

    space = SpikingSpace("SNN_1", shape=(1, 8, 8), classes=10, channels=2, timesteps=1)
    strategy = TrialSearch(RandomSearch(rounds=2, population=trials // 2))
    experiment = RetiariiExperiment(space, Noting(str(folder)), strategy=strategy)
    config = RetiariiExeConfig("local", trial_concurrency=concurrency)
    config._trial_command_params = {"envs": _DYING}
    try:
        experiment.run(config, port)
        jobs = experiment.list_trial_jobs()
    finally:
        experiment.stop()
    return Outcome(
        status={job.trialJobId: job.status for job in jobs},
        recorded={job.trialJobId: recorded_by(job) for job in jobs},
        ran={path.name: from_text(path.read_text()) for path in folder.iterdir()},
        history={one.blocks: one.fitness for one in strategy.history},
    )


def recorded_by(job: Any) -> Architecture:
    """The architecture of a trial, as NNI's web UI shows it."""
    parameters = job.hyperParameters[0].parameters
    return from_sample({key: parameters[key] for key in parameters if key.startswith("tbd")})


def main(trials: int = 100) -> None:
    """Print how many trials ran another architecture than the recorded one."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, NNI_CONFIG_DIR=home)
        folder = Path(home, "ran")
        folder.mkdir()
        begin = time.monotonic()
        outcome = search(trials, 4, folder, 8123)
        print(
            f"{len(outcome.status)} trials in {time.monotonic() - begin:.0f} s, "
            f"{len(outcome.history)} succeeded, {len(outcome.wrong)} ran another architecture "
            "than NNI has recorded"
        )


if __name__ == "__main__":
    from tests.benchmarks import stress  # trials can't import what is in __main__

    stress.main(*map(int, sys.argv[1:]))
