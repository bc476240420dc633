"""The three stages of AutoSNN on a run directory; each resumes if it was interrupted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from autosnn_nni.data import Splits
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.nas.training_free import TrainingFreeEvaluator
from autosnn_nni.report import write_report
from autosnn_nni.runs.directory import RunDirectory
from autosnn_nni.runs.inputs import about_supernet, load_data, make_space, scoring_of, training_of
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.run_files import NetworkFiles
from autosnn_nni.runs.search_state import load_history, save_best, save_history
from autosnn_nni.search_spaces import seeded, timesteps_name
from autosnn_nni.strategies import AutoSNN, SinglePathOneShot, TrialSearch
from autosnn_nni.training.from_scratch import train_network

#: Blocks of the baselines; each baseline uses one block everywhere (Tables 1 and 8).
BASELINES = ("SCB_k3", "SRB_k3")


@dataclass(frozen=True)
class Pipeline:
    """The stages of one run."""

    run: RunDirectory
    machine: Machine

    @cached_property
    def data(self) -> Splits:
        """D_train, D_val and the test split."""
        return load_data(self.run, self.machine)

    def supernet(self) -> None:
        """Stage 1: train the supernet."""
        settings = self.run.settings
        self._experiment(SinglePathOneShot(settings.seed, settings.sampling))

    def search(self) -> None:
        """Stages 1 and 2: train the supernet unless that is done, then search it.

        SNASNet's search has no stage 1.
        """
        run, settings = self.run, self.run.settings
        if run.best.exists():
            return
        state: Any = {
            "history": load_history(run),
            "on_generation": lambda history: save_history(run, history),
        }
        if settings.needs_supernet:
            fitness = settings.fitness
            paths: Any = {"seed": settings.seed, "sampling": settings.sampling}
            self._experiment(AutoSNN(settings.search, fitness, **paths, **state))
        else:
            self._search_without_training(TrialSearch(settings.search, **state))
        save_best(run, state["history"])

    def retrain(self) -> None:
        """Stage 3: train the winner and the baselines from scratch and test them.

        If T was searched, the baselines use the winner's T and differ from it only in blocks.
        """
        run, best = self.run, self.run.read_best()
        blocks, timesteps = best["blocks"], timesteps_name(best["timesteps"])
        if run.settings.baselines:
            for block in BASELINES:
                filled = (block,) * len(blocks)
                self.train_in(run.baseline(block), (*filled, timesteps), f"Training {block}")
        self.train_in(run, (*blocks, timesteps), "Training the winner")

    def train(self, architecture: Sequence[str]) -> None:
        """Stage 3 for a given architecture, without baselines."""
        self.train_in(self.run, architecture, "Training")

    def train_in(self, files: NetworkFiles, architecture: Sequence[str], title: str) -> None:
        """Train an architecture and write its ``files``, unless they are already there.

        Raises :class:`UserError` if it is not in the run's space.
        """
        config, blocks = self.run.settings.network.stand_alone(architecture)
        if files.result.exists():
            return
        settings = replace(self.run.settings, timesteps=config.timesteps)
        about = {"kind": "network", "settings": settings.to_json(), "blocks": list(blocks)}
        epochs = settings.retrain_epochs
        trained = train_network(
            settings.network,
            blocks,
            self.data,
            training_of(self.run, epochs, self.machine),
            scoring_of(self.run, self.machine),
            checkpoint=files.retrained,
            about=about,
            title=title,
        )
        files.write_result({**trained.to_json(), "epochs": epochs, "seed": settings.seed})

    def report(self) -> Path:
        """Write the report of the results so far."""
        return write_report(self.run.path)

    def _experiment(self, strategy: SinglePathOneShot) -> None:
        settings = self.run.settings
        evaluator = SpikingEvaluator(
            self.data,
            training_of(self.run, settings.supernet_epochs, self.machine),
            scoring_of(self.run, self.machine),
            checkpoint=self.run.supernet,
            about=about_supernet(self.run),
            cache_memory=self.machine.cache_bytes,
        )
        with seeded(settings.seed):
            space = make_space(self.run)
        RetiariiExperiment(space, evaluator, strategy=strategy).run()

    def _search_without_training(self, strategy: TrialSearch) -> None:
        training = training_of(self.run, self.run.settings.retrain_epochs, self.machine)
        evaluator = TrainingFreeEvaluator(self.data, training)
        space = make_space(self.run)
        RetiariiExperiment(space, evaluator, strategy=strategy).run()
