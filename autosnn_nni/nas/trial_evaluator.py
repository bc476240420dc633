"""The evaluator of searches that evaluate every architecture in an NNI trial."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from nni.nas.evaluator import Evaluator

from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.nas.trial import Trial
from autosnn_nni.runs.directory import RunDirectory, load_run
from autosnn_nni.runs.inputs import load_supernet, scoring_of, training_of
from autosnn_nni.runs.kept_data import load_kept_data
from autosnn_nni.runs.machine import Machine
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.search_spaces import SpikingSpace, from_sample
from autosnn_nni.strategies import Metrics
from autosnn_nni.training.hyperparameters import Training


@dataclass(frozen=True)
class TrialEvaluator(Evaluator):
    """Evaluates one architecture per trial; reports ``default``, ``accuracy`` and ``spikes``.

    ``run`` is the folder of a run with a trained supernet. Architectures inherit its weights, or
    are trained from ``scratch`` for ``epochs``. ``epochs`` and ``lambda_`` default to the run's.
    """

    run: str | Path
    scratch: bool = False
    epochs: int | None = None
    lambda_: float | None = None
    data_dir: str | Path | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.epochs is not None and (self.epochs < 1 or not self.scratch):
            raise UserError("epochs must be at least 1, and needs scratch=True")
        for name in ("run", "data_dir"):  # a trial may have another working directory
            if (path := getattr(self, name)) is not None:
                object.__setattr__(self, name, str(Path(path).absolute()))

    def check(self, space: Any) -> None:
        """Raise :class:`UserError` unless the run has a supernet of this ``space``."""
        run = self._run
        load_supernet(run)
        if not isinstance(space, SpikingSpace):
            raise UserError(f"{run.path} searches a SpikingSpace, not a {type(space).__name__}")
        for one in fields(run.settings.network):
            here, there = getattr(space.config, one.name), getattr(run.settings.network, one.name)
            if here != there:
                raise UserError(
                    f"the space is not that of {run.path}: {one.name} is {there!r} there, "
                    f"{here!r} here; use the value of the run"
                )

    @property
    def data(self) -> Splits:
        """The run's data set, with the run's splits."""
        return load_kept_data(self._run, self._machine)

    @property
    def training(self) -> Training:
        """How an architecture is trained from scratch."""
        run = self._run
        return training_of(run, self.epochs or run.settings.retrain_epochs, self._machine)

    @property
    def scoring(self) -> Scoring:
        """How the run's networks are scored."""
        return scoring_of(self._run, self._machine)

    @property
    def _run(self) -> RunDirectory:
        return load_run(Path(self.run))

    @property
    def _machine(self) -> Machine:
        return Machine(None if self.data_dir is None else Path(self.data_dir), self.device)

    def _execute(self, model: Any) -> Metrics:
        """Evaluate a frozen model by its sample; NNI would build a network that is not needed."""
        trial = Trial(self._run, self._machine, self.lambda_)
        blocks = from_sample(model.sample)
        return trial.report(blocks, scratch=self.scratch, epochs=self.epochs)

    def _dump(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def _load(**arguments: Any) -> "TrialEvaluator":
        return TrialEvaluator(**arguments)
