import math
from collections.abc import Callable

import torch
from torch import Tensor

from autosnn_nni.data import Splits
from autosnn_nni.energy import ENERGY
from autosnn_nni.nas.evaluators import SpikingEvaluator, SubnetEvaluator
from autosnn_nni.scoring.batches import Scoring, plain_batches
from autosnn_nni.scoring.evaluation import evaluate
from autosnn_nni.search_spaces import SpikingSpace, subnet, to_sample
from autosnn_nni.strategies import Fitness, Measurements
from autosnn_nni.testing.lively import enliven
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.hyperparameters import Training

AVERAGE = Measurements(accuracy=math.nan, spikes=50.0)

Batch = tuple[Tensor, Tensor]


def test_the_subnet_evaluator_reports_fitness_accuracy_and_spikes(
    tiny_digits: Splits, tiny_scoring: Scoring, make_space: Callable[..., SpikingSpace]
) -> None:
    space = enliven(make_space(channels=4))
    val = list(plain_batches(tiny_digits, tiny_digits.val, tiny_scoring))
    scorer = SubnetEvaluator(Fitness(-0.3), val, [], AVERAGE)
    samples = [to_sample(("SCB_k3",) * 5), to_sample(("skip", "SRB_k5") * 2 + ("skip",))]
    for sample, metrics in zip(samples, scorer.evaluate_population(space, samples), strict=True):
        result = evaluate(subnet(space.network, sample), val, operations=True)
        assert metrics == {
            "default": Fitness(-0.3)(result.accuracy, result.spikes, 50.0),
            "accuracy": result.accuracy,
            "spikes": result.spikes,
            "synops": result.synops,
            "macs": result.macs,
            "energy": ENERGY["cmos45"].joules(result.synops, result.macs),
            "parameters": sum(one.numel() for one in subnet(space.network, sample).parameters()),
            "neurons": sum(one.neurons for one in result.layers if one.kind == "neuron"),
            "timesteps": 2,
        }


def test_the_scorer_takes_d_val_and_calibrates_on_d_train(
    tiny_digits: Splits, tiny_training: Training, tiny_scoring: Scoring
) -> None:
    evaluator = SpikingEvaluator(tiny_digits, tiny_training, tiny_scoring)
    scorer = evaluator.scorer(Fitness())
    assert torch.cat([labels for _, labels in scorer.val]).equal(tiny_digits.val.labels)
    assert [len(labels) for _, labels in scorer.calibration] == [24, 24]
    assert torch.cat([labels for _, labels in scorer.calibration]).equal(
        tiny_digits.train.labels[:48]
    )


def test_batches_of_training_are_shuffled_and_plain_ones_are_not(
    tiny_digits: Splits, tiny_training: Training, tiny_scoring: Scoring
) -> None:
    shuffled = torch.cat([labels for _, labels in train_batches(tiny_digits, tiny_training)])
    plain = [labels for _, labels in plain_batches(tiny_digits, tiny_digits.train, tiny_scoring)]
    assert torch.cat(plain).equal(tiny_digits.train.labels)
    assert not shuffled.equal(tiny_digits.train.labels)
    assert shuffled.sort().values.equal(tiny_digits.train.labels.sort().values)
