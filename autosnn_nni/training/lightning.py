"""Training with Lightning: the module and trainer of supernets and single networks."""

import math
import multiprocessing
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from nni.nas.evaluator.pytorch.lightning import LightningModule as NniLightningModule
from nni.nas.evaluator.pytorch.lightning import Trainer as NniTrainer
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from autosnn_nni.data import Batches
from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole, write_whole_with
from autosnn_nni.formats import stamp
from autosnn_nni.progress import Advance, progress_bar
from autosnn_nni.run_log import LOG
from autosnn_nni.search_spaces import FiringRate, OperationCounter, SpikeCounter, StepVotes
from autosnn_nni.strategies import Measurements
from autosnn_nni.training.bounds import PRECISIONS
from autosnn_nni.training.checkpoints import check_same_network, load_checkpoint
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.losses import LOSSES
from autosnn_nni.training.processes import count_processes, torchrun_processes
from autosnn_nni.training.schedules import SCHEDULES
from autosnn_nni.training.tensorboard import OnBoard, board_of


class SpikingClassifier(NniLightningModule):
    """Trains with Adam and a loss, by default Eq. 5, between output spikes and one-hot targets.

    ``spike_regularisation`` (Table 10's lambda_reg) times the mean firing rate is added to it.
    ``learning_rate`` is the peak of the ``schedule``.
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        spike_regularisation: float = 0.0,
        loss: str = "mse",
        schedule: str = "constant",
    ) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.spike_regularisation = spike_regularisation
        self.loss = LOSSES[loss]
        self.schedule = SCHEDULES[schedule]
        # Buffers, because Lightning only returns the module's state from several processes.
        self.register_buffer("n_avg", torch.tensor(math.nan, dtype=torch.float64))
        self.register_buffer("operations", torch.full((2,), math.nan, dtype=torch.float64))

    @property
    def average(self) -> Measurements:
        """Means over the paths of a supernet: spikes, and what operations they need."""
        synops, macs = self.operations.tolist()
        spikes = float(self.n_avg)
        return Measurements(accuracy=math.nan, spikes=spikes, synops=synops, macs=macs)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        # Checkpoints of earlier versions have no operations.
        state_dict.setdefault(f"{prefix}operations", self.operations)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def training_step(self, batch: tuple[Tensor, ...], batch_index: int) -> dict[str, Tensor]:
        """Return the loss of a batch, its votes, and its number of correct images.

        A batch is images and labels, or images, labels and a teacher's votes as the target.
        """
        images, labels, *teacher = batch
        regularised, stepwise = self.spike_regularisation, self.loss.at_every_timestep
        with (
            FiringRate(self.model) if regularised else nullcontext() as rate,
            StepVotes(self.model) if stepwise else nullcontext() as steps,
        ):
            votes = self.model(images)
        if teacher:
            target = self.loss.soft_target(teacher[0])
        else:
            target = F.one_hot(labels, votes.shape[1]).to(votes.dtype)
        outputs = [votes] if steps is None else steps.votes
        loss = torch.stack([self.loss.function(output, target) for output in outputs]).mean()
        if rate is not None:
            loss = loss + regularised * rate.value()
        votes = votes.detach()
        correct = (votes.argmax(1) == labels).sum()
        return {"loss": loss, "votes": votes, "correct": correct}

    def configure_optimizers(self) -> Any:
        """Adam (Section A.1), with a scheduler that changes the learning rate at every step."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate, fused=True)
        if self.schedule.make is None:
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        scheduler = self.schedule.make(optimizer, self.learning_rate, int(steps))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


class Stoppable(Callback):
    """Leaves SIGTERM alone, which Lightning would take for a reason to end as if it were done."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Keep the handlers of signals; a process started for training cleans up at SIGTERM."""
        trainer._signal_connector.register_signal_handlers = _do_nothing  # type: ignore[method-assign]
        if multiprocessing.parent_process() is not None:
            signal.signal(signal.SIGTERM, signal.default_int_handler)


def _do_nothing() -> None:
    pass


@contextmanager
def torch_left_alone() -> Iterator[None]:
    """Context manager that restores what training changes in torch: see :class:`EpochSeed`."""
    deterministic: Any = torch.utils.deterministic
    fill = deterministic.fill_uninitialized_memory
    with torch.random.fork_rng():
        try:
            yield
        finally:
            deterministic.fill_uninitialized_memory = fill


class EpochSeed(Callback):
    """Seeds every epoch by its number, so that a resumed run has the same epochs."""

    def __init__(self, batches: Batches, seed: int) -> None:
        self.batches = batches
        self.seed = seed

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop torch from filling new memory in deterministic mode: an unnecessary kernel."""
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed the order and augmentation of the batches, and torch for layers with randomness."""
        self.batches.set_epoch(trainer.current_epoch)
        torch.manual_seed(self.seed * 1_000_003 + trainer.current_epoch)


class SameSchedule(Callback):
    """Refuses to resume a training with another schedule of the learning rate."""

    def __init__(self, schedule: str) -> None:
        self.schedule = schedule
        self._saved = {"schedule": "constant", "steps": 0}  # that of checkpoints without one

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare; raises :class:`UserError`. A constant rate has no length."""
        steps = trainer.estimated_stepping_batches if trainer.lr_scheduler_configs else 0
        own = {"schedule": self.schedule, "steps": int(steps)}
        if trainer.current_epoch and own != self._saved:
            raise UserError(
                f"the schedule is {_named(self._saved)} in the checkpoint, {_named(own)} here; "
                "restore it, or choose another checkpoint to train again"
            )
        self._saved = own

    def state_dict(self) -> dict[str, Any]:
        """The schedule and its number of steps."""
        return self._saved

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore them."""
        self._saved = state_dict


def _named(schedule: Mapping[str, Any]) -> str:
    steps = schedule["steps"]
    return f"{schedule['schedule']} for {steps} steps" if steps else str(schedule["schedule"])


class TrainingCurve(Callback):
    """Writes loss, accuracy, spikes and seconds of every epoch to a CSV next to the checkpoint.

    For a supernet ``n_avg`` is N_avg, the mean spikes per image over all sampled paths (Eq. 3), and
    ``operations`` are the means of their synaptic operations and multiply-accumulates.
    """

    def __init__(self, title: str, csv: Path | None, *, supernet: bool = False) -> None:
        self.title = title
        self.csv = csv
        self.supernet = supernet
        self.rows: list[dict[str, float]] = []
        self.n_avg = math.nan
        self.operations = [math.nan, math.nan]
        self._contexts = ExitStack()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start counting spikes and showing progress, including that of a resumed run."""
        model = _classifier(pl_module).model
        self._counter = self._contexts.enter_context(SpikeCounter(model))
        self._operations = OperationCounter(model)
        if self.supernet:
            self._contexts.enter_context(self._operations)
        self._advance: Advance = lambda completed, note: None
        if trainer.is_global_zero:
            bar = progress_bar(self.title, trainer.max_epochs or 0, "epochs")
            self._advance = self._contexts.enter_context(bar)
        self._advance(len(self.rows), "")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop counting."""
        self._contexts.close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop counting; pass Ctrl-C to the caller, where Lightning would exit silently."""
        self._contexts.close()
        if isinstance(exception, KeyboardInterrupt):
            raise exception

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reset the sums of the epoch."""
        self._start = time.perf_counter()
        self._before = self._counter.total
        self._sums = torch.zeros(3, dtype=torch.float64, device=pl_module.device)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Add a batch to the sums, which stay on the device."""
        images = len(batch[0])
        # Lightning has divided the loss by the number of paths that make a step.
        self._sums[0] += outputs["loss"] * trainer.accumulate_grad_batches * images
        self._sums[1] += outputs["correct"]
        self._sums[2] += images
        done = (index + 1) / max(trainer.num_training_batches, 1)
        self._advance(len(self.rows) + done, "")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the epoch's row; raises :class:`UserError` if training has diverged.

        Checking the loss is not enough, because a neuron whose potential is NaN just never fires.
        Nor are the weights: batch norm's statistics overflow first.
        """
        counted = [self._counter.total - self._before, *map(float, self._operations.take())]
        sums = torch.cat([self._sums, self._sums.new_tensor(counted)])
        sums = trainer.strategy.reduce(sums, reduce_op="sum")
        loss, correct, images, spikes, *operations = torch.as_tensor(sums).tolist()
        statistics = (one for name, one in pl_module.named_buffers() if "running_" in name)
        values = [*pl_module.parameters(), *statistics]
        finite = torch.stack([one.isfinite().all() for one in values]).all()
        if not (finite and math.isfinite(loss)):
            raise UserError(
                f"training diverged in epoch {trainer.current_epoch + 1}: weights, or batch norm's "
                "statistics, are not finite; try a lower --learning-rate in another --output"
            )
        self._average(spikes / images, [one / images for one in operations])
        self._add(loss / images, correct / images, spikes / images)
        _classifier(pl_module).n_avg.fill_(self.n_avg)
        operations_buffer = _classifier(pl_module).operations
        operations_buffer.copy_(operations_buffer.new_tensor(self.operations))
        if trainer.is_global_zero and self.csv is not None:
            write_whole(self.csv, pd.DataFrame(self.rows).to_csv(index=False))

    def _average(self, spikes: float, operations: Sequence[float]) -> None:
        """Add an epoch to the means over all of them, which have the same number of images."""
        epochs = len(self.rows)

        def added(mean: float, value: float) -> float:
            return ((mean if epochs else 0.0) * epochs + value) / (epochs + 1)

        self.n_avg = added(self.n_avg, spikes)
        if self.supernet:
            self.operations = list(map(added, self.operations, operations))

    def _add(self, loss: float, accuracy: float, spikes: float) -> None:
        row = {"epoch": len(self.rows), "loss": loss, "accuracy": accuracy, "spikes": spikes}
        self.rows.append({**row, "seconds": round(time.perf_counter() - self._start, 3)})
        self._advance(len(self.rows), f"loss {loss:.3f}")
        text = "%s: epoch %d: loss %.4f, accuracy %.4f, spikes %.1f, %.1f s"
        LOG.info(text, self.title, len(self.rows), *[*self.rows[-1].values()][1:])

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the means over a supernet's paths to the checkpoint."""
        checkpoint["n_avg"] = self.n_avg
        if self.supernet:
            checkpoint["averages"] = dict(zip(("synops", "macs"), self.operations, strict=True))

    def state_dict(self) -> dict[str, Any]:
        """The curve, which a resumed run continues."""
        return {"rows": self.rows, "n_avg": self.n_avg, "operations": self.operations}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the curve."""
        self.rows, self.n_avg = state_dict["rows"], state_dict["n_avg"]
        self.operations = state_dict.get("operations", self.operations)  # earlier versions had none


class WholeCheckpoint(Callback):
    """Saves Lightning's checkpoint and ``about`` after every epoch, atomically."""

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path = path
        self.about = dict(about)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the description ``about`` with its format; the training curve adds ``n_avg``."""
        checkpoint["autosnn"] = {**stamp(), **self.about}

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save."""
        save = partial(trainer.save_checkpoint, weights_only=False)
        if trainer.is_global_zero:
            write_whole_with(self.path, save)
        else:
            save(self.path)  # all processes take part, the first one writes


def make_classifier(training: Training) -> SpikingClassifier:
    """Make the training module of these settings."""
    return SpikingClassifier(
        training.peak_rate, training.spike_regularisation, training.loss, training.schedule
    )


def _classifier(module: Any) -> SpikingClassifier:
    """Return the training module, unwrapped from NNI's module if necessary."""
    classifier: SpikingClassifier = getattr(module, "training_module", module)
    return classifier


def make_trainer(
    training: Training,
    batches: Batches,
    title: str,
    checkpoint: Path | None = None,
    about: Mapping[str, Any] = {},
    *,
    supernet: bool = False,
) -> Any:
    """Make NNI's traced Lightning trainer; it only writes to the folder of ``checkpoint``.

    Operations are counted if it trains a ``supernet``. Raises :class:`UserError` for several
    devices in a process that torchrun has started.
    """
    csv = checkpoint.with_suffix(".csv") if checkpoint else None
    curve = TrainingCurve(title, csv, supernet=supernet)
    callbacks: list[Callback] = [
        Stoppable(),
        EpochSeed(batches, training.seed),
        SameSchedule(training.schedule),
        curve,
    ]
    board = None
    if checkpoint is not None and training.tensorboard is not None:
        board = board_of(checkpoint, training.tensorboard)
        callbacks.append(OnBoard(lambda: curve.rows, by_layer=not supernet))
    if checkpoint is not None:
        callbacks.append(WholeCheckpoint(checkpoint, about))  # last, as it saves the others' state
    device = training.torch_device
    return NniTrainer(
        max_epochs=training.epochs,
        accelerator={"cpu": "cpu", "cuda": "gpu"}[device],
        **_processes(training),
        use_distributed_sampler=False,  # Batches distribute the images
        deterministic="warn" if device == "cuda" else None,
        precision=PRECISIONS[training.precision],
        callbacks=callbacks,
        logger=board or False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
    )


def _processes(training: Training) -> dict[str, Any]:
    """Lightning's options for the training processes: those of torchrun, or ``devices`` new ones.

    Each process trains another path, so many parameters have a gradient in some processes or in
    none, and torch has to find the unused ones. It averages gradients over all processes, with zero
    for a missing one. Lightning would also start as many as the variables of a cluster's queue say;
    the plugins keep it from looking there.
    """
    count_processes(training.devices)
    started = torchrun_processes()
    if started is None:
        several = "ddp_spawn_find_unused_parameters_true"
        return {
            "devices": training.devices,
            "strategy": several if training.devices > 1 else "auto",
            "plugins": [LightningEnvironment()],
        }
    return {
        "devices": started.per_machine,
        "num_nodes": started.machines,
        "strategy": "ddp_find_unused_parameters_true",
        "plugins": [TorchElasticEnvironment()],
    }


def resume_from(checkpoint: Path | None, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments for Lightning's ``fit`` to resume from ``checkpoint``, if it exists.

    Raises :class:`UserError` if it is broken or of another network than ``about``.
    """
    if checkpoint is None or not checkpoint.exists():
        return {}
    check_same_network(checkpoint, load_checkpoint(checkpoint), about)
    return {"ckpt_path": str(checkpoint), "weights_only": True}
