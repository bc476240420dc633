"""The three stages of AutoSNN on a run directory; each resumes if it was interrupted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from autosnn_nni.data import Splits
from autosnn_nni.formats import without_stamp
from autosnn_nni.mapping import fitting_of, search_of
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.nas.training_free import TrainingFreeEvaluator
from autosnn_nni.report import log_search, write_report
from autosnn_nni.run_log import LOG, logged
from autosnn_nni.runs.checks import (
    check_baselines,
    check_blocks,
    check_machine,
    check_memory,
    check_resumed,
    check_sampling,
    check_search,
    check_supernet,
    check_trained,
    check_val_images,
    is_searched,
)
from autosnn_nni.runs.contents import read_contents
from autosnn_nni.runs.directory import (
    RunDirectory,
    check_unused,
    locked,
    open_run,
    plan_run,
    repeated,
)
from autosnn_nni.runs.finalists import Finalist, judged, write_finalists
from autosnn_nni.runs.inputs import about_supernet, make_space, scoring_of, training_of
from autosnn_nni.runs.kept_data import keep_data, load_kept_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.run_files import BASELINES, NetworkFiles
from autosnn_nni.runs.search_state import load_history, save_best, save_choice, save_history
from autosnn_nni.runs.steps import (
    TRAINING,
    WINNER,
    baseline_title,
    finalist_title,
    of_seed,
    steps_of,
)
from autosnn_nni.scoring.average import average_cost
from autosnn_nni.scoring.batches import val_batches
from autosnn_nni.scoring.evaluation import measure
from autosnn_nni.scoring.spread import summary, without_summary
from autosnn_nni.search_spaces import Architecture, seeded, timesteps_name
from autosnn_nni.steps import Step
from autosnn_nni.strategies import (
    AutoSNN,
    Choices,
    Evaluated,
    Finalists,
    History,
    SinglePathOneShot,
    TrialSearch,
    costs_among,
)
from autosnn_nni.training.checkpoints import load_checkpoint
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.processes import torchrun_processes

#: Files, architecture and title of a network to be trained with all seeds of the run.
_Wanted = tuple[NetworkFiles, Sequence[str], str]


@dataclass(frozen=True)
class Pipeline:
    """The stages of one run."""

    run: RunDirectory
    machine: Machine

    @cached_property
    def data(self) -> Splits:
        """D_train, D_val and the test split."""
        return load_kept_data(self.run, self.machine)

    def on(self, run: RunDirectory) -> "Pipeline":
        """The pipeline of ``run`` on the same machine, with the data if it needs the same."""
        other = replace(self, run=run)
        if "data" in vars(self) and run.settings == self.run.settings:
            vars(other)["data"] = self.data
        return other

    def check(self, blocks: Architecture | None = None, *, done: bool = False) -> None:
        """Check devices, memory and blocks, and read the data; does not write anything.

        If all is ``done``, only the devices are checked. What is trained is a supernet, or the
        network of ``blocks``. Raises :class:`UserError` if something is not there or does not fit.
        """
        check_machine(self.machine)
        if not done:
            check_memory(self.run, self.machine, blocks)
            check_blocks(self.run, blocks)
            check_memory(self.run, self.machine, blocks, len(self.data.train))
            check_val_images(self.run, self.data)
        elif self.machine.data_dir is not None:
            _ = self.data

    def check_supernet(self) -> None:
        """Check what stage 1 needs; raises :class:`UserError`."""
        check_supernet(self.run)
        self.check()
        check_sampling(self.run, self.machine)

    def check_search(self) -> None:
        """Check what all stages need; raises :class:`UserError`.

        Some architecture must fit the run's chip, if it has one.
        """
        run = self.run
        check_search(run)
        check_baselines(run)
        check_trained(run)
        networks = [run.baseline(block) for block in BASELINES] if run.settings.baselines else []
        self.check(done=is_searched(run) and self._trained(run, *networks))
        if is_searched(run):
            return
        if run.settings.needs_supernet:
            check_sampling(run, self.machine)
        if run.settings.chip is not None:
            fitting_of(run.settings).share()

    def check_train(self, blocks: Architecture) -> None:
        """Check what the training of an architecture needs; raises :class:`UserError`."""
        check_trained(self.run)
        self.check(blocks, done=self._trained(self.run))

    def _trained(self, *networks: NetworkFiles) -> bool:
        trained = all(
            one.result.exists() for files in networks for one in self._of_all_seeds(files).values()
        )
        return trained and "retrain" not in repeated(self.run)

    def supernet(self) -> None:
        """Stage 1: train the supernet."""
        settings = self.run.settings
        self._experiment(SinglePathOneShot(settings.seed, settings.sampling))

    def search(self) -> None:
        """Stages 1 and 2: train the supernet unless that is done, then search it.

        SNASNet's search has no stage 1.
        """
        run, settings = self.run, self.run.settings
        if run.searched():
            return
        state: Any = {
            "history": load_history(run),
            "on_generation": self._save_generation,
        }
        if settings.needs_supernet:
            fitness = settings.fitness
            paths: Any = {"seed": settings.seed, "sampling": settings.sampling}
            self._experiment(AutoSNN(search_of(settings), fitness, **paths, **state))
        else:
            self._search_without_training(TrialSearch(search_of(settings), **state))
        save_choice(run, state["history"])

    def _save_generation(self, history: History) -> None:
        save_history(self.run, history)
        if self.machine.tensorboard:
            log_search(read_contents(self.run.path), self.run.tensorboard / "search")

    def retrain(self) -> None:
        """Stage 3: train the winner and the baselines from scratch and test them, with every seed.

        With ``retrain_top`` several finalists are trained first, to name the winner. If T was
        searched, the baselines use the winner's T and differ from it only in blocks.
        """
        if self.run.settings.retrain_top > 1:
            self._name_winner()
        run, best = self.run, self.run.read_best()
        blocks, timesteps = best["blocks"], timesteps_name(best["timesteps"])
        wanted: list[_Wanted] = [
            (run.baseline(block), (*(block,) * len(blocks), timesteps), baseline_title(block))
            for block in (BASELINES if run.settings.baselines else ())
        ]
        self._train_seeds([*wanted, (run, (*blocks, timesteps), WINNER)])

    def _name_winner(self) -> None:
        """Train the finalists with the first seed; the winner is the fittest on D_val then."""
        run, settings = self.run, self.run.settings
        history, choices = load_history(run), Choices(settings.network.choices.values())
        average = self._average_cost(history)
        cost, *_ = costs_among(settings.objectives)
        finalists = Finalists(history, choices, settings.retrain_top, settings.constraints, cost)
        chosen: list[Evaluated] = []
        found: list[Finalist] = []
        while len(chosen) < len(finalists):
            one = finalists.next([other.blocks for other in found])
            chosen.append(one)
            title = finalist_title(len(chosen))
            self.train_in(run.finalist(one.blocks), one.blocks, title, validate=True)
            found = judged(run, chosen, history, average)
        write_finalists(run, found)
        winner = next(one for one in chosen if one.blocks == found[0].blocks)
        if not run.result.exists():
            run.finalist(winner.blocks).copy_to(run)
        save_best(run, winner)

    def _average_cost(self, history: Sequence[Evaluated]) -> float:
        """The mean cost of the fitness (Eq. 3): without a supernet, that of what was searched."""
        settings = self.run.settings
        if settings.needs_supernet:
            average = load_checkpoint(self.run.supernet).average
            return average_cost(settings.fitness, average, settings.network)
        return fmean(settings.fitness.objective.value(one) for one in history)

    def train(self, architecture: Sequence[str]) -> None:
        """Stage 3 for a given architecture, with every seed, without baselines."""
        self._train_seeds([(self.run, architecture, TRAINING)])

    def _train_seeds(self, wanted: Sequence[_Wanted]) -> None:
        """Train every network with the first seed, then with the next one, and so on."""
        settings = self.run.settings.to_json()
        for seed in self.run.settings.retrain_seeds:
            for files, architecture, title in wanted:
                named = of_seed(title, seed, settings)
                self.train_in(self._of_all_seeds(files)[seed], architecture, named, seed)
                self._summarise(files)

    def _of_all_seeds(self, files: NetworkFiles) -> dict[int, NetworkFiles]:
        return files.by_seed(self.run.settings.retrain_seeds)

    def _summarise(self, files: NetworkFiles) -> None:
        """Write means and standard deviations over the trained seeds to the first one's results."""
        trained = [one for one in self._of_all_seeds(files).values() if one.result.exists()]
        result = without_stamp(files.read_result())
        whole = {**without_summary(result), **summary([one.read_result() for one in trained])}
        if whole != result:
            files.write_result(whole)

    def train_in(
        self,
        files: NetworkFiles,
        architecture: Sequence[str],
        title: str,
        seed: int | None = None,
        *,
        validate: bool = False,
    ) -> None:
        """Train an architecture and write its ``files``, unless they are already there.

        ``seed`` is by default the run's. It decides first weights, and order and augmentation of
        the images. The data are split by the run's seed, so all networks of a run have the same
        D_train. With ``validate`` the results have accuracy and spikes on D_val, too. Raises
        :class:`UserError` if the architecture is not in the run's space.
        """
        config, blocks = self.run.settings.network.stand_alone(architecture)
        if files.result.exists():
            return
        settings = replace(self.run.settings, timesteps=config.timesteps)
        about = {"kind": "network", "settings": settings.to_json(), "blocks": list(blocks)}
        check_resumed(files, about)
        epochs = settings.retrain_epochs
        training = training_of(self.run, epochs, self.machine)
        scoring = scoring_of(self.run, self.machine)
        if seed is not None:
            training = replace(training, seed=seed)
        trained = train_network(
            settings.network,
            blocks,
            self._kept_data(),
            training,
            scoring,
            checkpoint=files.retrained,
            about=about,
            title=title,
        )
        result = {**trained.to_json(), "epochs": epochs, "seed": training.seed}
        if validate:
            val = val_batches(self.data, scoring)
            result["val"] = measure(trained.network, val, timed=settings.timed).measured
        files.write_result(result)
        LOG.info("%s: %.4f test accuracy, %.1f spikes", title, result["accuracy"], result["spikes"])

    def steps(self, *, single: bool = False) -> list[Step]:
        """The long steps of the run that are left; those of a ``single`` network have no search."""
        every = steps_of(self.run, self.run.settings.to_json(), single=single)
        return [one for one in every if not one.finished]

    def report(self) -> Path:
        """Write the report of the results so far."""
        return write_report(self.run.path)

    def _kept_data(self) -> Splits:
        """The data to train on, which later stages must find again."""
        started = torchrun_processes()
        if started is None or started.rank == 0:
            keep_data(self.run, self.data)
        return self.data

    def _experiment(self, strategy: SinglePathOneShot) -> None:
        settings = self.run.settings
        evaluator = SpikingEvaluator(
            self._kept_data(),
            training_of(self.run, settings.supernet_epochs, self.machine),
            scoring_of(self.run, self.machine),
            checkpoint=self.run.supernet,
            about=about_supernet(self.run),
            cache_memory=self.machine.cache_bytes,
            timed=settings.timed,
        )
        with seeded(settings.seed):
            space = make_space(self.run)
        RetiariiExperiment(space, evaluator, strategy=strategy).run_in_process()

    def _search_without_training(self, strategy: TrialSearch) -> None:
        training = training_of(self.run, self.run.settings.retrain_epochs, self.machine)
        evaluator = TrainingFreeEvaluator(self._kept_data(), training)
        space = make_space(self.run)
        RetiariiExperiment(space, evaluator, strategy=strategy).run_in_process()


@contextmanager
def opened(
    path: Path, given: dict[str, Any], machine: Machine, check: Callable[[Pipeline], object]
) -> Iterator[Pipeline]:
    """Context manager with the pipeline of a run, new or resumed, that is locked and checked.

    Nothing is written before ``check`` has accepted the run. It is called again with the lock,
    because another process may have changed the run meanwhile. Raises :class:`UserError` as
    :func:`open_run`, :func:`locked` and ``check`` do.
    """
    check_unused(path)
    planned = Pipeline(plan_run(path, given), machine)
    check(planned)
    with locked(path):
        pipeline = planned.on(plan_run(path, given))
        check(pipeline)
        open_run(path, given)
        with logged(pipeline.run.run_log, machine.log_level):
            yield pipeline
