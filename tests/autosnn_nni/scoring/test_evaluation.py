import copy
from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autosnn_nni.data import Splits, load_dataset, split
from autosnn_nni.kernels.library import SWITCH
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.scoring.batches import Scoring, calibration_batches
from autosnn_nni.scoring.calibration import recalibrated
from autosnn_nni.scoring.evaluation import Evaluation, evaluate
from autosnn_nni.search_spaces import SpikingNetwork, SpikingSpace
from autosnn_nni.search_spaces.config import STATISTICS
from autosnn_nni.strategies import AutoSNN, Fitness, RandomSearch
from autosnn_nni.training.hyperparameters import Training
from tests import reference
from tests.search_spaces.fixtures import blocks_for, images, small_network, weights_of

Batch = tuple[Tensor, Tensor]


def labelled(*sizes: int) -> list[Batch]:
    """Batches of the given sizes in float64, labels at random."""
    rng = torch.Generator().manual_seed(7)
    return [
        (images(size, seed=seed), torch.randint(3, (size,), generator=rng))
        for seed, size in enumerate(sizes)
    ]


def plain_loop(
    network: SpikingNetwork, space: str, blocks: Sequence[str], batches: Sequence[Batch]
) -> tuple[float, float, float]:
    """Accuracy, spikes and neuron spikes, one image after another through the equations."""
    weights = {name: value.detach() for name, value in weights_of(network).items()}
    right, spikes, neuron_spikes, count = 0, 0.0, 0.0, 0
    for pixels, labels in batches:
        for image, label in zip(pixels, labels, strict=True):
            net = reference.Plain(weights)
            votes = reference.forward(net, space, blocks, image[None], network.timesteps.count)
            right += int(votes.argmax(1)) == int(label)
            spikes += sum(net.spikes.values())
            neuron_spikes += sum(n for name, n in net.spikes.items() if "neuron" in name)
            count += 1
    return right / count, spikes / count, neuron_spikes / count


@pytest.mark.parametrize("space", ["SNN_1", "SNN_2", "SNN_3", "SNN_4"])
@pytest.mark.parametrize("sizes", [(3,), (40, 40, 7)], ids=["one batch", "chunks and a rest"])
def test_accuracy_and_spikes_are_those_of_a_plain_loop(space: str, sizes: tuple[int, ...]) -> None:
    network, batches = small_network(space), labelled(*sizes)
    result = evaluate(network, batches)
    accuracy, spikes, neuron_spikes = plain_loop(network, space, blocks_for(space), batches)
    assert result.accuracy == accuracy
    assert result.spikes == pytest.approx(spikes, rel=1e-12)
    assert result.neuron_spikes == pytest.approx(neuron_spikes, rel=1e-12)
    assert result.spikes > 0


def test_the_batch_size_changes_nothing() -> None:
    network = small_network()
    pixels, labels = images(70), torch.arange(70) % 3
    results = [
        evaluate(network, list(zip(pixels.split(size), labels.split(size), strict=True)))
        for size in (70, 32, 7, 1)
    ]
    for one in results[1:]:
        assert one.accuracy == results[0].accuracy
        assert one.spikes == pytest.approx(results[0].spikes, rel=1e-12)


def test_layers_add_up() -> None:
    result = evaluate(small_network(), labelled(5))
    assert isinstance(result, Evaluation)
    assert sum(layer.spikes for layer in result.layers) == pytest.approx(result.spikes)
    neurons = [layer for layer in result.layers if layer.kind == "neuron"]
    assert sum(layer.spikes for layer in neurons) == pytest.approx(result.neuron_spikes)
    slots = 3 * sum(layer.neurons for layer in neurons)  # of neurons and timesteps
    assert result.firing_rate == pytest.approx(result.neuron_spikes / slots)


def test_evaluation_leaves_the_network_alone() -> None:
    network = small_network().train()
    before = copy.deepcopy(network.state_dict())
    hooks = [len(module._forward_hooks) for module in network.modules()]
    evaluate(network, labelled(4))
    after = network.state_dict()
    assert network.training
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert [len(module._forward_hooks) for module in network.modules()] == hooks
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_network_in_training_mode_is_evaluated_with_its_running_statistics() -> None:
    network, batches = small_network(), labelled(6)
    assert evaluate(network.train(), batches) == evaluate(network.eval(), batches)


def test_relus_send_no_spikes() -> None:
    result = evaluate(small_network(neuron="ANN"), labelled(4))
    assert (result.spikes, result.neuron_spikes, result.firing_rate) == (0, 0, 0)
    assert 0 <= result.accuracy <= 1


def batch_norms(network: nn.Module) -> dict[str, nn.BatchNorm2d]:
    return {name: one for name, one in network.named_modules() if isinstance(one, nn.BatchNorm2d)}


@pytest.mark.parametrize("kind", STATISTICS)
@pytest.mark.parametrize("space", ["SNN_1", "SNN_3"])
def test_recalibrated_statistics_are_the_means_over_batches_and_timesteps(
    space: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, batches = small_network(space, batch_norm=kind), labelled(6, 6, 4)
    seen: dict[str, list[Batch]] = {name: [] for name in batch_norms(network)}
    plain = copy.deepcopy(network).train()

    def note(name: str) -> Callable[..., None]:
        def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].detach()
            for one in x if x.dim() == 5 and kind != "pooled" else [x]:
                values = one.transpose(-3, 0).flatten(1)  # a row per channel
                seen[name].append((values.mean(1), values.var(1, unbiased=True)))

        return keep

    for name, one in batch_norms(plain).items():
        one.register_forward_pre_hook(note(name))
    with monkeypatch.context() as without_kernels:
        without_kernels.setenv(SWITCH, "0")
        for pixels, _ in batches:
            plain(pixels)

    result = batch_norms(recalibrated(network, batches))
    assert result.keys() == seen.keys()
    for name, statistics in seen.items():
        stem = name == "stem.conv.1"
        assert len(statistics) == 3 * (3 if kind == "timestep" and not stem else 1)
        means, variances = (torch.stack(values).mean(0) for values in zip(*statistics, strict=True))
        torch.testing.assert_close(result[name].running_mean, means, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(result[name].running_var, variances, rtol=1e-9, atol=1e-12)


def test_the_stem_s_statistics_by_hand() -> None:
    network, batches = small_network(), labelled(5, 3)
    weight = network.stem.conv[0].weight.detach()
    currents = [F.conv2d(pixels, weight, padding=1) for pixels, _ in batches]
    mean = sum(current.mean((0, 2, 3)) for current in currents) / 2
    variance = sum(current.var((0, 2, 3)) for current in currents) / 2
    result = recalibrated(network, batches).stem.conv[1]
    torch.testing.assert_close(result.running_mean, mean)
    torch.testing.assert_close(result.running_var, variance)


def test_recalibration_leaves_the_original_untouched() -> None:
    network = small_network().eval()
    before = copy.deepcopy(network.state_dict())
    copied = recalibrated(network, labelled(6))
    assert all(torch.equal(network.state_dict()[key], before[key]) for key in before)
    assert not network.training
    assert {id(one) for one in copied.parameters()}.isdisjoint(map(id, network.parameters()))
    weights = dict(copied.named_parameters())
    assert all(torch.equal(weights[key], value) for key, value in network.named_parameters())


def test_without_batches_the_statistics_of_training_stay() -> None:
    network = small_network()
    copied = recalibrated(network, [])
    assert copied is not network
    before = network.state_dict()
    assert all(torch.equal(copied.state_dict()[key], before[key]) for key in before)


def test_recalibration_is_a_function_of_the_batches_alone() -> None:
    once = recalibrated(small_network(), labelled(6, 4))
    twice = recalibrated(recalibrated(once, labelled(3)), labelled(6, 4))
    key = "stem.conv.1.running_mean"
    assert torch.equal(once.state_dict()[key], twice.state_dict()[key])
    assert evaluate(once, labelled(5)) == evaluate(twice, labelled(5))


@pytest.mark.parametrize(("batches", "images"), [(0, 0), (1, 24), (3, 72), (4, 80), (10**20, 80)])
def test_calibration_takes_as_many_batches_as_asked_for(
    batches: int, images: int, tiny_digits: Splits
) -> None:
    scoring = Scoring(batch_size=24, calibration_batches=batches, device="cpu")
    taken = calibration_batches(tiny_digits, scoring)
    assert sum(len(labels) for _, labels in taken) == images


def test_a_last_calibration_batch_of_one_image_is_left_out(
    make_space: Callable[..., SpikingSpace],
) -> None:
    """SNN_3 ends at 1x1 on digits, where one image has no variance."""
    data = split(load_dataset("digits"), seed=0, images=76)
    training = Training(epochs=1, batch_size=20, device="cpu")
    assert len(data.train) == 61
    assert [len(labels) for _, labels in calibration_batches(data, training.scoring)] == [
        20,
        20,
        20,
    ]
    strategy = AutoSNN(RandomSearch(rounds=1, population=2), Fitness())
    space = make_space("SNN_3")
    RetiariiExperiment(space, SpikingEvaluator(data, training), [], strategy).run()
    assert len(strategy.history) == 2
