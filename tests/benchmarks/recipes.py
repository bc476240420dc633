"""What makes networks learn: ``python -m tests.benchmarks.recipes --output runs/recipes.csv NAME``.

A recipe is named by how it differs from the paper's, for example ``schedule=one-cycle,batch=64``
(``paper`` is the paper's own). Each is trained with every seed, and a line of the output is written
for every training, so the same command resumes. With ``--supernet`` supernets are trained, and
random architectures are scored with their weights on D_val.

What is not in the package is tried here: another scale of the first weights of fully connected
layers (``fc``) and of batch norm (``gain``), another learning rate of the neurons' alpha
(``alpha``, a factor), decoupled weight decay (``decay``), label smoothing (``smoothing``), an
exponential average of the weights in place of the last ones (``average``, its decay), and fewer
timesteps in the first two thirds of the epochs (``early``). ``--neuron MPBN`` are PLIF neurons with
batch norm of their potentials.
"""

import argparse
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pandas as pd
import torch
import torch.nn.functional as F
from pytorch_lightning import Callback
from torch import Tensor, nn

from autosnn_nni.data import (
    DATASETS,
    DataInfo,
    Images,
    Splits,
    load_dataset,
    register_dataset,
    split,
)
from autosnn_nni.files import write_whole
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.scoring.population_scorer import PopulationScorer
from autosnn_nni.search_spaces import (
    MACROS,
    NetworkConfig,
    SpikingNetwork,
    SpikingSpace,
    build_network,
    from_text,
    seeded,
    to_sample,
)
from autosnn_nni.search_spaces.layers import VOTERS
from autosnn_nni.search_spaces.neurons import INITIAL_TAU, NEURONS, PLIF, THRESHOLD
from autosnn_nni.strategies import Choices, Fitness, SinglePathOneShot
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.lightning import SpikingClassifier, make_trainer, torch_left_alone
from autosnn_nni.training.trained import evaluate_on_test
from tests.benchmarks.named import named


@register_dataset("FashionMNIST16", DataInfo((1, 16, 16), classes=10, padding=2))
def fashion_mnist_16(folder: Path | None) -> tuple[Images, Images]:
    """Fashion-MNIST brought to 16x16 pixels by area."""
    train, test = (
        Images(_shrunk(part.images), part.labels) for part in DATASETS["FashionMNIST"].read(folder)
    )
    return train, test


def _shrunk(images: Tensor) -> Tensor:
    pixels = F.interpolate(images.float(), size=(16, 16), mode="area")
    return pixels.round().to(torch.uint8)


class NormedPotentials(PLIF):
    """PLIF whose charged potential goes through batch norm before it is compared (MPBN)."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.norm: nn.BatchNorm2d | None = None  # made by the first call

    def uses_kernels(self, like: Tensor) -> bool:
        """No kernel knows it."""
        return False

    def single_step_forward(self, current: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Spikes ``[N, ...]`` of one timestep; the reset is that of the potential itself."""
        v = self.v if isinstance(self.v, Tensor) else torch.zeros_like(current)
        h = self.charge(v, current)
        spikes: Tensor = self.surrogate_function(self._normed(h) - THRESHOLD)
        self.v = h * (1 - spikes.detach())
        return spikes

    def _normed(self, h: Tensor) -> Tensor:
        if self.norm is None:
            self.norm = nn.BatchNorm2d(h.shape[1])
        normed: Tensor = self.norm(h.view(*h.shape[:2], -1, 1)).view_as(h)
        return normed


NEURONS.add(
    "MPBN",
    lambda: NormedPotentials(
        init_tau=INITIAL_TAU, v_threshold=THRESHOLD, v_reset=0.0, detach_reset=True
    ),
)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; see the module."""

    schedule: str = "constant"
    rate: float = 1e-3
    batch: int = 96
    loss: str = "mse"
    averages: str = "sum"
    augmentation: str = "paper"
    fc: float = 1.0
    gain: float = 1.0
    alpha: float = 1.0
    decay: float = 0.0
    smoothing: float = 0.0
    average: float = 0.0
    early: int = 0

    def training(self, epochs: int, seed: int) -> Training:
        """The package's settings."""
        return Training(
            epochs=epochs,
            batch_size=self.batch,
            learning_rate=self.rate,
            schedule=self.schedule,
            loss=self.loss,
            augmentation=self.augmentation,
            seed=seed,
            device="cpu",
        )

    def prepare(self, network: Any) -> None:
        """Change the first weights."""
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.data.mul_(self.fc)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.weight.data.mul_(self.gain)

    @property
    def callbacks(self) -> list[Callback]:
        """What is done during training."""
        wanted = (self.average and Average(self.average), self.early and Early(self.early))
        return [one for one in wanted if one]


class Tried(SpikingClassifier):
    """Training with the parts of a recipe that are not in the package."""

    def __init__(self, recipe: Recipe, training: Training) -> None:
        super().__init__(training.peak_rate, 0.0, training.loss, training.schedule)
        self.recipe = recipe

    def training_step(self, batch: tuple[Tensor, ...], batch_index: int) -> dict[str, Tensor]:
        """One-hot targets are mixed with the mean of all classes."""
        images, labels = batch[:2]
        if not self.recipe.smoothing:
            return super().training_step((images, labels), batch_index)
        classes = network_of(self).fc.linear.out_features // VOTERS
        target = F.one_hot(labels, classes).float()
        return super().training_step(
            (images, labels, torch.lerp(target, target.mean(1, True), self.recipe.smoothing)),
            batch_index,
        )

    def configure_optimizers(self) -> Any:
        """Alpha has a rate of its own; only convolutions and the fully connected layer decay."""
        recipe, peak = self.recipe, self.learning_rate
        named = list(self.named_parameters())
        alphas = [one for name, one in named if name.endswith("neuron.w") or one.dim() == 0]
        known = set(map(id, alphas))
        weights = [one for _, one in named if one.dim() > 1]
        others = [one for _, one in named if one.dim() == 1 and id(one) not in known]
        assert len(alphas) + len(weights) + len(others) == len(named)
        peaks = [peak, peak, peak * recipe.alpha]
        groups = [
            {"params": weights, "lr": peak, "weight_decay": recipe.decay},
            {"params": others, "lr": peak},
            {"params": alphas, "lr": peaks[2]},
        ]
        optimizer = torch.optim.AdamW(groups, weight_decay=0.0)
        if self.schedule.make is None:
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        make: Any = self.schedule.make
        scheduler = make(optimizer, peaks, steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


def network_of(module: Any) -> SpikingNetwork:
    """The network in Lightning's module, or in NNI's around it."""
    model = getattr(module, "training_module", module).model
    network: SpikingNetwork = getattr(model, "network", model)
    return network


class Average(Callback):
    """Replaces the weights by their exponential average at the end."""

    def __init__(self, decay: float) -> None:
        self.decay = decay

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin with the first weights."""
        self._means = [one.detach().clone() for one in pl_module.parameters()]
        self._steps = 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """Add the weights; the first ones are forgotten faster."""
        self._steps += 1
        decay = min(self.decay, self._steps / (10 + self._steps))
        for mean, one in zip(self._means, pl_module.parameters(), strict=True):
            mean.lerp_(one.detach(), 1 - decay)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Take the average."""
        with torch.no_grad():
            for mean, one in zip(self._means, pl_module.parameters(), strict=True):
                one.copy_(mean)


class Early(Callback):
    """Trains with fewer timesteps in the first two thirds of the epochs."""

    def __init__(self, timesteps: int) -> None:
        self.timesteps = timesteps

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Remember the full number."""
        self._repeat: Any = network_of(pl_module).timesteps
        self._all = self._repeat.count

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Choose."""
        early = trainer.current_epoch < trainer.max_epochs * 2 // 3
        self._repeat.count = self.timesteps if early else self._all


def train(recipe: Recipe, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Train and test one network; gives a row's numbers."""
    data = _data(options, seed)
    training = recipe.training(options.epochs, seed)
    config = _config(NetworkConfig, recipe, options, data)
    blocks = from_text(options.blocks)
    blocks = blocks * MACROS[options.space].tbd_blocks if len(blocks) == 1 else blocks
    batches = train_batches(data, training, cutout=options.cutout)
    trainer = make_trainer(training, batches, "Training")
    trainer.callbacks.extend(recipe.callbacks)
    with seeded(seed):
        network = build_network(config, blocks)
    with torch.no_grad():
        network(torch.zeros(2, *config.shape))  # makes the norms of MPBN
    recipe.prepare(network)
    module = Tried(recipe, training)
    module.set_model(network)
    start = time.perf_counter()
    with torch_left_alone():
        trainer.fit(module, batches)
    seconds = time.perf_counter() - start
    result = evaluate_on_test(network, config, blocks, data, training.scoring)
    return {
        "accuracy": result.accuracy,
        "spikes": result.spikes,
        "training": _last(trainer, "accuracy"),
        "seconds": seconds,
    }


def train_supernet(recipe: Recipe, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Train a supernet and score random architectures; gives a row's numbers."""
    data = _data(options, seed)
    training = recipe.training(options.epochs, seed)
    with _tried(recipe):
        evaluator = SpikingEvaluator(data, training)
    evaluator.trainer.callbacks.extend(recipe.callbacks)
    with seeded(seed):
        space = _config(SpikingSpace, recipe, options, data)
    choices = Choices.of(space)
    recipe.prepare(space.network)
    start = time.perf_counter()
    RetiariiExperiment(space, evaluator, strategy=SinglePathOneShot(seed)).run()
    seconds = time.perf_counter() - start
    subnets = evaluator.scorer(Fitness())
    samples = [to_sample(one) for one in choices.unseen(Random(0), options.architectures, set())]
    scorer = PopulationScorer(space.network, subnets.val, subnets.calibration, 1 << 28)
    scores = pd.DataFrame(map(asdict, scorer.evaluate(samples)))
    return {
        "accuracy": scores["accuracy"].mean(),
        "best": scores["accuracy"].max(),
        "spikes": scores["spikes"].mean(),
        "training": _last(evaluator.trainer, "accuracy"),
        "seconds": seconds,
    }


@contextmanager
def _tried(recipe: Recipe) -> Iterator[None]:
    with patch(
        "autosnn_nni.nas.evaluators.make_classifier", lambda training: Tried(recipe, training)
    ):
        yield


def _last(trainer: Any, column: str) -> float:
    """A number of the last epoch's training."""
    (rows,) = (one.rows for one in trainer.callbacks if hasattr(one, "rows"))
    number: float = rows[-1][column]
    return number


def _data(options: argparse.Namespace, seed: int) -> Splits:
    return split(load_dataset(options.dataset), seed=seed, images=options.images)


def _config(kind: Any, recipe: Recipe, options: argparse.Namespace, data: Splits) -> Any:
    sizes = {"channels": options.channels, "timesteps": options.timesteps}
    shape = {"shape": data.dataset.shape, "classes": data.dataset.classes}
    same = {"neuron": options.neuron, "averages": recipe.averages}
    return kind(options.space, **same, **shape, **sizes)


def _key(recipe: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """What tells a training from others."""
    names = ("dataset", "space", "neuron", "channels", "timesteps", "epochs", "cutout")
    return {
        **{name: getattr(options, name) for name in names},
        "images": options.images or -1,  # all
        "blocks": "supernet" if options.supernet else options.blocks,
        "recipe": recipe,
        "seed": seed,
    }


def main() -> None:
    """Train what is not in the output yet, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--supernet", action="store_true")
    parser.add_argument("--dataset", default="FashionMNIST16")
    parser.add_argument("--images", type=int, help="the first four of five are trained on")
    parser.add_argument("--space", default="SNN_1")
    parser.add_argument("--blocks", default="SRB_k3", help="of every TBD block, or one for all")
    parser.add_argument("--neuron", default="PLIF")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--timesteps", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--cutout", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--architectures", type=int, default=200, help="to score a supernet by")
    options = parser.parse_args()
    rows = pd.read_csv(options.output).to_dict("records") if options.output.exists() else []
    for name, seed in itertools.product(options.recipes, range(options.seeds)):
        key = _key(name, seed, options)
        if not any(key.items() <= row.items() for row in rows):
            measure = train_supernet if options.supernet else train
            rows.append({**key, **measure(named(Recipe, name, "paper"), options, seed)})
            write_whole(options.output, pd.DataFrame(rows).to_csv(index=False))
            print(*rows[-1].values(), flush=True)
    table = pd.DataFrame(rows).groupby(["space", "blocks", "epochs", "recipe"], sort=False)
    print(table[["accuracy", "spikes", "seconds"]].agg(["mean", "std", "count"]).to_string())


if __name__ == "__main__":
    main()
