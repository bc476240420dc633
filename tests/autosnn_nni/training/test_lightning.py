import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import Tensor, nn

from autosnn_nni.data import Batches, Splits, load_dataset, split
from autosnn_nni.errors import UserError
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.search_spaces import (
    NetworkConfig,
    SpikeCounter,
    SpikingNetwork,
    SpikingSpace,
    build_network,
)
from autosnn_nni.search_spaces.build import seeded
from autosnn_nni.search_spaces.layers import VotingLayer
from autosnn_nni.strategies import Fitness, SinglePathOneShot
from autosnn_nni.testing.lively import enliven
from autosnn_nni.training.batches import train_batches
from autosnn_nni.training.checkpoints import load_checkpoint
from autosnn_nni.training.from_scratch import train_network
from autosnn_nni.training.hyperparameters import Training
from autosnn_nni.training.lightning import SpikingClassifier, make_trainer, resume_from
from autosnn_nni.training.trained import TrainedNetwork

CONFIG = NetworkConfig("SNN_1", shape=(1, 8, 8), classes=10, channels=4, timesteps=2)
BLOCKS = ("SCB_k3", "SRB_k3", "skip", "SCB_k3", "skip")
SUPERNET = {"kind": "supernet", "settings": {}, "blocks": []}
NETWORK = {"kind": "network", "settings": {}, "blocks": list(BLOCKS)}


def fresh(
    learning_rate: float = 1e-3, spike_regularisation: float = 0.0, **changes: Any
) -> SpikingClassifier:
    """With a new network, whose last layers are silent."""
    with seeded(0):
        network = build_network(replace(CONFIG, **changes), BLOCKS)
    module = SpikingClassifier(learning_rate, spike_regularisation)
    module.set_model(network)
    return module


def classifier(**options: Any) -> SpikingClassifier:
    """With a network that votes."""
    return enliven(fresh(**options))


def recount(network: nn.Module) -> Callable[[], float]:
    """Spikes per image, counted without the package's own counter."""
    sums = {"spikes": 0.0, "images": 0}

    def add(module: nn.Module, inputs: Any, output: Tensor) -> None:
        sums["spikes"] += float(output.detach().double().sum())

    def begin(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        sums["images"] += len(inputs[0])

    for module in network.modules():
        if isinstance(module, neuron.BaseNode | nn.MaxPool2d):
            module.register_forward_hook(add)
    network.stem.conv.register_forward_pre_hook(begin)  # type: ignore[union-attr]
    return lambda: sums["spikes"] / sums["images"]


@pytest.fixture(scope="module")
def batch(tiny_digits: Splits, tiny_training: Training) -> tuple[Tensor, Tensor]:
    batches = train_batches(tiny_digits, replace(tiny_training, batch_size=40))
    return next(iter(batches))


class TestLoss:
    def test_it_is_equation_5_averaged_over_the_images(self, batch: tuple[Tensor, Tensor]) -> None:
        module, (images, labels) = classifier(), batch
        outputs = module.model(images).tolist()
        assert any(map(any, outputs))
        by_hand = 0.0
        for votes, label in zip(outputs, labels.tolist(), strict=True):
            by_hand += sum((vote - (i == label)) ** 2 for i, vote in enumerate(votes)) / 10
        step = classifier().training_step(batch, 0)
        assert step["loss"].item() == pytest.approx(by_hand / 40, rel=1e-6)

    def test_a_perfect_answer_costs_nothing_and_silence_a_tenth(self) -> None:
        labels = torch.tensor([3, 0])
        module = SpikingClassifier()
        module.set_model(nn.Identity())  # the images are the votes
        perfect = torch.nn.functional.one_hot(labels, 10).float()
        assert module.training_step((perfect, labels), 0)["loss"] == 0
        assert module.training_step((perfect * 0, labels), 0)["loss"] == pytest.approx(0.1)
        assert module.training_step((perfect / 2, labels), 0)["loss"] == pytest.approx(0.025)

    def test_right_answers_are_counted(self, batch: tuple[Tensor, Tensor]) -> None:
        module, (images, labels) = classifier(), batch
        right = int((module.model(images).argmax(1) == labels).sum())
        assert int(classifier().training_step(batch, 0)["correct"]) == right

    def test_spike_regularisation_adds_the_mean_firing_rate(
        self, batch: tuple[Tensor, Tensor]
    ) -> None:
        module = classifier()
        with SpikeCounter(module.model) as counter:
            plain = module.training_step(batch, 0)["loss"]
        regularised = classifier(spike_regularisation=0.5).training_step(batch, 0)["loss"]
        assert counter.firing_rate > 0
        assert (regularised - plain).item() == pytest.approx(0.5 * counter.firing_rate, rel=1e-4)

    def test_spike_regularisation_silences(self, batch: tuple[Tensor, Tensor]) -> None:
        rates = []
        for weight in (0.0, 10.0):
            module = fresh(learning_rate=1e-2, spike_regularisation=weight)
            optimizer = module.configure_optimizers()
            for _ in range(20):
                optimizer.zero_grad()
                module.training_step(batch, 0)["loss"].backward()
                optimizer.step()
            with SpikeCounter(module.model) as counter:
                module.model(batch[0])
            rates.append(counter.firing_rate)
        assert rates[1] < rates[0] / 4

    def test_a_network_of_relus_has_no_firing_rate(self, batch: tuple[Tensor, Tensor]) -> None:
        plain = classifier(neuron="ANN").training_step(batch, 0)["loss"]
        module = classifier(neuron="ANN", spike_regularisation=1.0)
        assert module.training_step(batch, 0)["loss"] == plain

    def test_it_goes_down_in_a_few_steps(self, batch: tuple[Tensor, Tensor]) -> None:
        module = fresh(learning_rate=1e-2, channels=8)
        optimizer = module.configure_optimizers()
        losses, right = [], []
        for _ in range(40):
            step = module.training_step(batch, 0)
            optimizer.zero_grad()
            step["loss"].backward()
            optimizer.step()
            losses.append(step["loss"].item())
            right.append(int(step["correct"]))
        assert losses[-1] < 0.6 * losses[0]
        assert sum(right[-5:]) > 2 * sum(right[:5])

    def test_every_parameter_gets_a_gradient(self, batch: tuple[Tensor, Tensor]) -> None:
        module = classifier()
        module.training_step(batch, 0)["loss"].backward()
        for name, parameter in module.model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name

    def test_the_optimizer_is_adam_with_a_fixed_rate(self) -> None:
        optimizer = classifier(learning_rate=0.02).configure_optimizers()
        assert isinstance(optimizer, torch.optim.Adam)
        (group,) = optimizer.param_groups
        assert group["lr"] == 0.02
        assert group["betas"] == (0.9, 0.999)
        assert group["weight_decay"] == 0


Train = Callable[..., Any]


@pytest.fixture
def train_supernet(tiny_digits: Splits, make_space: Callable[..., SpikingSpace]) -> Train:
    """Stage 1 in a real experiment; the space and the evaluator."""

    def train(
        training: Training, checkpoint: Path | None, watch: Any = lambda network: None, **space: Any
    ) -> tuple[SpikingNetwork, SpikingEvaluator, Any]:
        model = enliven(make_space(**space))
        watched = watch(model.network)
        evaluator = SpikingEvaluator(tiny_digits, training, checkpoint=checkpoint, about=SUPERNET)
        RetiariiExperiment(model, evaluator, [], SinglePathOneShot(1)).run()
        return model.network, evaluator, watched

    return train


@pytest.fixture
def train_single(tiny_digits: Splits) -> Train:
    def train(training: Training, checkpoint: Path | None) -> TrainedNetwork:
        return train_network(
            CONFIG, BLOCKS, tiny_digits, training, checkpoint=checkpoint, about=NETWORK
        )

    return train


class TestNAvg:
    """N of Eq. 3's denominator: never typed by hand, always counted."""

    @pytest.mark.parametrize("space", ["SNN_1", "SNN_3"])
    def test_it_is_the_mean_spikes_per_image_over_the_sampled_paths(
        self, space: str, train_supernet: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        checkpoint = tmp_path / "supernet.ckpt"
        _, evaluator, counted = train_supernet(tiny_training, checkpoint, recount, space=space)
        saved = torch.load(checkpoint, weights_only=True)["n_avg"]
        assert saved == pytest.approx(counted(), rel=1e-9)
        assert saved == evaluator.scorer(Fitness()).n_avg == load_checkpoint(checkpoint).n_avg
        assert saved > 0

    def test_a_resumed_run_counts_all_its_epochs(
        self, train_supernet: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        _, _, counted = train_supernet(tiny_training, tmp_path / "whole.ckpt", recount)
        checkpoint = tmp_path / "supernet.ckpt"
        train_supernet(tiny_training.with_epochs(1), checkpoint)
        train_supernet(tiny_training, checkpoint)
        assert load_checkpoint(checkpoint).n_avg == pytest.approx(counted(), rel=1e-9)

    def test_relus_have_none(
        self, train_supernet: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        train_supernet(tiny_training, tmp_path / "supernet.ckpt", neuron="ANN")
        assert load_checkpoint(tmp_path / "supernet.ckpt").n_avg == 0

    def test_counting_ends_with_training(
        self, train_supernet: Train, tiny_training: Training
    ) -> None:
        network, evaluator, _ = train_supernet(tiny_training, None)
        assert not any(module._forward_hooks for module in network.modules())
        n_avg = evaluator.scorer(Fitness()).n_avg
        network(torch.rand(2, 1, 8, 8))
        assert evaluator.scorer(Fitness()).n_avg == n_avg


class TestCurve:
    def test_the_csv_beside_the_checkpoint_has_a_row_per_epoch(
        self, train_single: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        train_single(tiny_training, tmp_path / "retrained.ckpt")
        curve = pd.read_csv(tmp_path / "retrained.csv")
        assert list(curve.columns) == ["epoch", "loss", "accuracy", "spikes", "seconds"]
        assert curve["epoch"].tolist() == [0, 1]
        assert curve["accuracy"].between(0, 1).all()
        assert (curve["spikes"] > 0).all()

    def test_loss_and_accuracy_are_means_over_images(
        self, tiny_digits: Splits, tiny_training: Training, tmp_path: Path
    ) -> None:
        """With a learning rate of almost 0 the weights stay, and every batch can be repeated."""
        training = replace(tiny_training, epochs=1, learning_rate=1e-30)
        batches = train_batches(tiny_digits, training)
        trainer = make_trainer(training, batches, "Training", tmp_path / "one.ckpt", NETWORK)
        trainer.fit(classifier(learning_rate=1e-30), batches)
        steps = [(len(batch[1]), classifier().training_step(batch, 0)) for batch in batches]
        assert [images for images, _ in steps] == [24, 24, 24, 8]
        loss = sum(images * step["loss"].item() for images, step in steps) / 80
        (row,) = pd.read_csv(tmp_path / "one.csv").to_dict("records")
        assert row["loss"] == pytest.approx(loss, rel=1e-5)
        assert row["accuracy"] == sum(int(step["correct"]) for _, step in steps) / 80

    @pytest.mark.parametrize("sampling", ["uniform", "fair"])
    def test_a_silent_supernet_costs_a_tenth_whatever_the_sampling(
        self,
        sampling: str,
        tiny_digits: Splits,
        tiny_training: Training,
        make_space: Callable[..., SpikingSpace],
        tmp_path: Path,
    ) -> None:
        training = replace(tiny_training, epochs=1, learning_rate=1e-30)
        model, checkpoint = make_space(candidates=("skip", "SCB_k3")), tmp_path / "supernet.ckpt"
        model.network.fc.linear.weight.data.zero_()
        evaluator = SpikingEvaluator(tiny_digits, training, checkpoint=checkpoint, about=SUPERNET)
        strategy = SinglePathOneShot(1, sampling=sampling)
        RetiariiExperiment(model, evaluator, [], strategy).run()
        (row,) = pd.read_csv(tmp_path / "supernet.csv").to_dict("records")
        assert row["loss"] == pytest.approx(0.1)

    def test_digits_are_learnt(self, tmp_path: Path) -> None:
        data = split(load_dataset("digits"), seed=0, images=400)
        training = Training(epochs=5, batch_size=16, learning_rate=3e-2, device="cpu")
        config = replace(CONFIG, channels=8, timesteps=4)
        blocks = ("SCB_k3", "skip", "skip", "SCB_k3", "skip")
        checkpoint = tmp_path / "retrained.ckpt"
        trained = train_network(
            config, blocks, data, training, checkpoint=checkpoint, about=NETWORK
        )
        losses = pd.read_csv(tmp_path / "retrained.csv")["loss"]
        assert losses.iloc[-1] < 0.92 * losses.iloc[0]
        assert trained.accuracy > 0.25  # chance: 0.1


class TestPrecision:
    @pytest.mark.parametrize("devices", [("cuda",), ("cuda", "cpu")], ids=["steps", "layers"])
    def test_bf16_is_for_convolutions_and_fully_connected_layers_alone(
        self,
        devices: tuple[str, ...],
        tiny_digits: Splits,
        tiny_training: Training,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("AUTOSNN_KERNELS", "0")  # they have no bf16
        monkeypatch.setattr("autosnn_nni.search_spaces.network.MULTI_STEP_DEVICES", devices)
        module, kinds = classifier(), (nn.Conv2d, nn.Linear, neuron.BaseNode, VotingLayer)
        seen: dict[type[nn.Module], set[torch.dtype]] = {kind: set() for kind in kinds}
        for kind in kinds:
            for layer in (one for one in module.modules() if isinstance(one, kind)):
                layer.register_forward_hook(lambda *call, kind=kind: seen[kind].add(call[-1].dtype))
        training = replace(tiny_training, epochs=1, precision="bf16")
        batches = train_batches(tiny_digits, training)
        make_trainer(training, batches, "Training").fit(module, batches)
        low, full = {torch.bfloat16}, {torch.float32}
        assert list(seen.values()) == [low, low, full, full]
        assert {weights.dtype for weights in module.parameters()} == full
        statistics = {value.dtype for name, value in module.named_buffers() if "running" in name}
        assert statistics == full
        network = module.model
        assert network.multi_step == ("cpu" in devices)
        assert network(torch.rand(2, 1, 8, 8)).dtype == torch.float32  # scoring is not in bf16
        assert seen[nn.Conv2d] == low | full


class TestNotANumber:
    """ReLUs overflow at a mad learning rate; spiking neurons only fall silent, the loss finite."""

    MAD = {"learning_rate": 1e30, "epochs": 2}

    @pytest.mark.parametrize("neuron", ["ANN", "PLIF"])
    def test_it_is_one_line_that_names_the_option(
        self, neuron: str, train_supernet: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        checkpoint = tmp_path / "supernet.ckpt"
        with pytest.raises(UserError, match="--learning-rate") as caught:
            train_supernet(replace(tiny_training, **self.MAD), checkpoint, neuron=neuron)
        assert len(str(caught.value).splitlines()) == 1
        assert "epoch 1" in str(caught.value)
        assert not checkpoint.exists()

    def test_a_broken_epoch_is_not_saved(
        self, train_supernet: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        checkpoint = tmp_path / "supernet.ckpt"
        train_supernet(tiny_training.with_epochs(1), checkpoint, neuron="ANN")
        good = checkpoint.read_bytes()
        evaluators: list[Any] = []

        def poison(network: nn.Module) -> None:
            network.stem.conv.register_forward_hook(  # type: ignore[union-attr]
                lambda module, inputs, output: output * math.nan
            )

        with pytest.raises(UserError, match="epoch 2"):
            evaluators.append(train_supernet(tiny_training, checkpoint, poison, neuron="ANN"))
        assert checkpoint.read_bytes() == good
        assert load_checkpoint(checkpoint).epochs == 1
        assert {path.name for path in tmp_path.iterdir()} == {"supernet.ckpt", "supernet.csv"}


def same(one: Path, other: Path) -> bool:
    """Whether two checkpoints hold the same weights, bit for bit, and the same N_avg."""
    mine, theirs = load_checkpoint(one), load_checkpoint(other)
    assert mine.weights.keys() == theirs.weights.keys()
    return mine.n_avg == theirs.n_avg and all(
        torch.equal(mine.weights[key], theirs.weights[key]) for key in mine.weights
    )


class TestGoingOn:
    """A run that was stopped ends like one that was not."""

    @pytest.fixture(params=["supernet", "single network"])
    def train(self, request: pytest.FixtureRequest) -> Train:
        fixture = "train_supernet" if request.param == "supernet" else "train_single"
        return request.getfixturevalue(fixture)

    def test_an_epoch_and_a_resumed_one_are_two(
        self, train: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        whole, parts = tmp_path / "whole.ckpt", tmp_path / "parts.ckpt"
        train(tiny_training, whole)
        train(tiny_training.with_epochs(1), parts)
        assert not same(whole, parts)
        torch.manual_seed(12345)  # whatever happened in between
        train(tiny_training, parts)
        assert same(whole, parts)
        curves = [pd.read_csv(path.with_suffix(".csv")) for path in (whole, parts)]
        pd.testing.assert_frame_equal(*(curve.drop(columns="seconds") for curve in curves))

    def test_it_is_repeated_bit_for_bit_and_other_seeds_differ(
        self, train: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        one, again, other = (tmp_path / f"{name}.ckpt" for name in ("one", "again", "other"))
        train(tiny_training, one)
        torch.rand(5)
        train(tiny_training, again)
        assert same(one, again)
        train(replace(tiny_training, seed=1), other)
        assert not same(one, other)

    def test_a_finished_run_is_left_alone(
        self, train: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        checkpoint = tmp_path / "done.ckpt"
        train(tiny_training, checkpoint)
        before = checkpoint.read_bytes()
        train(tiny_training, checkpoint)
        assert checkpoint.read_bytes() == before

    def test_without_a_checkpoint_nothing_is_written(
        self,
        train: Train,
        tiny_training: Training,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        train(tiny_training.with_epochs(1), None)
        assert list(tmp_path.iterdir()) == []

    def test_a_broken_checkpoint_is_refused_and_kept(
        self, train: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        checkpoint = tmp_path / "broken.ckpt"
        checkpoint.write_bytes(b"half a file")
        with pytest.raises(UserError, match="broken"):
            train(tiny_training, checkpoint)
        assert checkpoint.read_bytes() == b"half a file"

    def test_there_is_nothing_to_go_on_from_before_the_first_epoch(self, tmp_path: Path) -> None:
        assert resume_from(None, {}) == {}
        assert resume_from(tmp_path / "none.ckpt", {}) == {}


class TestCtrlC:
    def test_it_stops_the_experiment_and_the_last_epoch_can_be_gone_on_from(
        self, train_supernet: Train, tiny_training: Training, tmp_path: Path
    ) -> None:
        whole, parts = tmp_path / "whole.ckpt", tmp_path / "parts.ckpt"
        train_supernet(tiny_training, whole)

        def interrupt_in_the_second_epoch(network: Any) -> None:
            steps = iter(range(6))

            def step(module: nn.Module, inputs: Any) -> None:
                if next(steps) == 5:
                    raise KeyboardInterrupt

            network.stem.conv.register_forward_pre_hook(step)

        with pytest.raises(KeyboardInterrupt):
            train_supernet(tiny_training, parts, interrupt_in_the_second_epoch)
        assert load_checkpoint(parts).epochs == 1
        train_supernet(tiny_training, parts)
        assert same(whole, parts)


class TestEpochs:
    @pytest.fixture
    def seen(self, tiny_digits: Splits, tiny_training: Training) -> list[Tensor]:
        """The labels of every batch of three epochs, in order."""
        labels: list[Tensor] = []

        class Noting(SpikingClassifier):
            def training_step(self, batch: Any, batch_index: int) -> Any:
                labels.append(batch[1])
                return super().training_step(batch, batch_index)

        module = Noting()
        module.set_model(classifier().model)
        batches = Batches(tiny_digits.train, tiny_digits.dataset, batch_size=24, shuffle=True)
        trainer = make_trainer(tiny_training.with_epochs(3), batches, "Training")
        trainer.fit(module, batches)
        return labels

    def test_every_epoch_shows_all_images_in_another_order(
        self, seen: list[Tensor], tiny_digits: Splits
    ) -> None:
        epochs = [torch.cat(seen[start : start + 4]) for start in (0, 4, 8)]
        for one in epochs:
            assert one.sort().values.equal(tiny_digits.train.labels.sort().values)
        assert not epochs[0].equal(epochs[1])
        assert not epochs[1].equal(epochs[2])


class TestSeeded:
    def test_weights_follow_from_the_seed(self) -> None:
        def draw(seed: int) -> Tensor:
            with seeded(seed):
                return torch.rand(3)

        assert draw(1).equal(draw(1))
        assert not draw(1).equal(draw(2))

    def test_the_caller_s_random_numbers_go_on(self) -> None:
        torch.manual_seed(4)
        expected = torch.rand(2)
        torch.manual_seed(4)
        with seeded(1):
            torch.rand(100)
        assert torch.rand(2).equal(expected)


class TestDevice:
    @pytest.mark.parametrize("device", ["tpu", "", "cuda:1", "CPU"])
    def test_an_unknown_device_is_refused(self, device: str) -> None:
        with pytest.raises(UserError, match="auto, cpu or cuda") as caught:
            _ = Training(epochs=1, device=device).torch_device
        assert len(str(caught.value).splitlines()) == 1

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
    def test_a_gpu_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(UserError, match="--device cpu"):
            _ = Training(epochs=1, device="cuda").torch_device

    def test_auto_takes_what_there_is(self) -> None:
        found = "cuda" if torch.cuda.is_available() else "cpu"
        assert Training(epochs=1).torch_device == found
        assert Training(epochs=1, device="cpu").torch_device == "cpu"

    def test_the_defaults_are_the_paper_s(self) -> None:
        training = Training(epochs=600)
        assert (training.batch_size, training.peak_rate) == (96, 1e-3)
        assert training.schedule == "constant"
        assert training.with_epochs(3) == Training(epochs=3)
