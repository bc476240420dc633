"""The learning rate of every step, by hand; stopped and resumed in the middle."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback

from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.search_spaces import NetworkConfig, SpikingSpace, build_network, seeded
from autosnn_nni.strategies import SinglePathOneShot
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.checkpoints import load_checkpoint
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.lightning import make_classifier, make_trainer, resume_from
from autosnn_nni.training.schedules import SCHEDULES

CONFIG = NetworkConfig("SNN_1", shape=(1, 8, 8), classes=10, channels=4, timesteps=2)
BLOCKS = ("SRB_k3", "skip", "skip", "SCB_k3", "skip")
ABOUT = {"kind": "network", "settings": {}, "blocks": list(BLOCKS)}
PEAK, BATCHES, EPOCHS = 0.02, 4, 3  # 80 images in batches of 24


class Rates(Callback):
    """Notes rate and beta1 of every step; stops training before one of them."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.rates: list[float] = []
        self.betas: list[float] = []

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        (group,) = optimizer.param_groups
        self.rates.append(group["lr"])
        self.betas.append(group["betas"][0])

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, index: int) -> None:
        if trainer.global_step == self.stop:
            raise KeyboardInterrupt


def settings(training: Training, schedule: str) -> Training:
    return replace(training, schedule=schedule, learning_rate=PEAK, epochs=EPOCHS)


def train(
    data: Splits, training: Training, checkpoint: Path | None = None, stop: int | None = None
) -> Rates:
    with seeded(0):
        network = build_network(CONFIG, BLOCKS)
    batches, noted = train_batches(data, training), Rates(stop)
    module = make_classifier(training)
    module.set_model(network)
    trainer = make_trainer(training, batches, "Training", checkpoint, ABOUT)
    trainer.callbacks.append(noted)
    trainer.fit(module, batches, **resume_from(checkpoint, ABOUT))
    return noted


def by_hand(schedule: str, steps: int) -> list[float]:
    """The rates of all steps."""
    if schedule == "constant":
        return [PEAK] * steps
    if schedule == "cosine":
        return [PEAK * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)]
    top = 0.3 * steps - 1
    rates = []
    for step in range(steps):
        low, share = PEAK / 25, step / top
        if step > top:  # going down
            low, share = PEAK / 25 / 1e4, 1 - (step - top) / (steps - 1 - top)
        rates.append(low + (PEAK - low) * (1 - math.cos(math.pi * share)) / 2)
    return rates


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_step_has_its_rate(
    schedule: str, tiny_digits: Splits, tiny_training: Training
) -> None:
    rates = train(tiny_digits, settings(tiny_training, schedule)).rates
    assert rates == pytest.approx(by_hand(schedule, BATCHES * EPOCHS), rel=1e-9)


def test_one_cycle_lowers_beta1_while_the_rate_is_high(
    tiny_digits: Splits, tiny_training: Training
) -> None:
    noted = train(tiny_digits, settings(tiny_training, "one-cycle"))
    assert noted.betas[0] == pytest.approx(0.95)
    assert noted.betas[-1] == pytest.approx(0.95)
    lowest, highest = noted.betas.index(min(noted.betas)), noted.rates.index(max(noted.rates))
    assert lowest == highest
    assert 0.85 <= min(noted.betas) < 0.87


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
@pytest.mark.parametrize("stop", [5, 11], ids=["while the rate is high", "near the end"])
def test_a_training_stopped_in_the_middle_ends_like_another(
    schedule: str, stop: int, tiny_digits: Splits, tiny_training: Training, tmp_path: Path
) -> None:
    training = settings(tiny_training, schedule)
    whole, parts = tmp_path / "whole.ckpt", tmp_path / "parts.ckpt"
    uninterrupted = train(tiny_digits, training, whole)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_digits, training, parts, stop)
    resumed = train(tiny_digits, training, parts)
    done = stop // BATCHES * BATCHES
    assert resumed.rates == uninterrupted.rates[done:]
    assert resumed.betas == uninterrupted.betas[done:]
    one, other = (torch.load(path, weights_only=True) for path in (whole, parts))
    assert one["lr_schedulers"] == other["lr_schedulers"] != []
    weights, others = load_checkpoint(whole).weights, load_checkpoint(parts).weights
    assert all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize("sampling", ["uniform", "fair"])
def test_a_supernets_schedule_ends_with_its_last_step(
    sampling: str,
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
) -> None:
    """With several paths a step there are as many steps, of more batches."""
    training, noted = settings(tiny_training, "one-cycle"), Rates()
    evaluator = SpikingEvaluator(tiny_digits, training)
    evaluator.trainer.callbacks.append(noted)
    RetiariiExperiment(make_space(), evaluator, [], SinglePathOneShot(1, sampling)).run()
    assert noted.rates == pytest.approx(by_hand("one-cycle", BATCHES * EPOCHS), rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "there", "here"),
    [
        ({"epochs": EPOCHS + 1}, "cosine for 12 steps", "cosine for 16 steps"),
        ({"batch_size": 40}, "cosine for 12 steps", "cosine for 6 steps"),
        ({"schedule": "one-cycle"}, "cosine for 12 steps", "one-cycle for 12 steps"),
        ({"schedule": "constant"}, "cosine for 12 steps", "constant"),
    ],
)
def test_another_schedule_does_not_resume(
    changes: dict[str, Any],
    there: str,
    here: str,
    tiny_digits: Splits,
    tiny_training: Training,
    tmp_path: Path,
) -> None:
    training, checkpoint = settings(tiny_training, "cosine"), tmp_path / "retrained.ckpt"
    with pytest.raises(KeyboardInterrupt):
        train(tiny_digits, training, checkpoint, stop=5)
    before = checkpoint.read_bytes()
    with pytest.raises(UserError) as caught:
        train(tiny_digits, replace(training, **changes), checkpoint)
    assert f"the schedule is {there} in the checkpoint, {here} here" in str(caught.value)
    assert checkpoint.read_bytes() == before


def test_a_checkpoint_without_a_schedule_was_constant(
    tiny_digits: Splits, tiny_training: Training, tmp_path: Path
) -> None:
    constant, checkpoint = settings(tiny_training, "constant"), tmp_path / "retrained.ckpt"
    train(tiny_digits, constant.with_epochs(1), checkpoint)
    saved = torch.load(checkpoint, weights_only=True)
    del saved["callbacks"]["SameSchedule"]
    torch.save(saved, checkpoint)
    with pytest.raises(UserError, match="is constant in the checkpoint, cosine for 12 steps here"):
        train(tiny_digits, settings(tiny_training, "cosine"), checkpoint)
    assert train(tiny_digits, constant, checkpoint).rates == [PEAK] * 8
