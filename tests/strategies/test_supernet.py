import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from autosnn_nni.data import Splits
from autosnn_nni.errors import UserError
from autosnn_nni.nas.evaluators import SpikingEvaluator
from autosnn_nni.nas.experiment import RetiariiExperiment
from autosnn_nni.search_spaces import PAPER_CANDIDATES, SpikingSpace, labels
from autosnn_nni.strategies import SAMPLINGS, SinglePathOneShot
from autosnn_nni.training.checkpoints import load_checkpoint
from autosnn_nni.training.hyperparameters import Training

Blocks = tuple[str, ...]
Record = Callable[..., list[Blocks]]


class PathRecorder:
    """Which candidate blocks really run, seen from the blocks themselves."""

    def __init__(self, space: SpikingSpace) -> None:
        self.steps: list[dict[str, set[str]]] = []
        network = space.network
        network.stem.conv.register_forward_pre_hook(self._begin)
        for label in labels(space.config.macro.tbd_blocks):
            for name in space.config.candidates:
                block = network.stages[label][name]
                block.register_forward_pre_hook(partial(self._note, label, name))

    def _begin(self, module: nn.Module, inputs: Any) -> None:
        self.steps.append({})

    def _note(self, label: str, name: str, module: nn.Module, inputs: Any) -> None:
        self.steps[-1].setdefault(label, set()).add(name)

    @property
    def paths(self) -> list[Blocks]:
        """One path per mini-batch."""
        return [
            tuple(",".join(sorted(step[label])) for label in sorted(step)) for step in self.steps
        ]


@pytest.fixture(scope="session")
def record(tiny_digits: Splits, make_space: Callable[..., SpikingSpace]) -> Record:
    """Trains a supernet in a real experiment; the paths, epoch after epoch."""

    def run(
        seed: int,
        epochs: int,
        *,
        batch_size: int = 8,
        training_seed: int = 0,
        checkpoint: Path | None = None,
        sampling: str = "uniform",
    ) -> list[Blocks]:
        training = Training(epochs=epochs, batch_size=batch_size, seed=training_seed, device="cpu")
        about = {"kind": "supernet", "settings": {}, "blocks": []}
        space = make_space(timesteps=1)
        recorder = PathRecorder(space)
        evaluator = SpikingEvaluator(tiny_digits, training, checkpoint=checkpoint, about=about)
        RetiariiExperiment(space, evaluator, [], SinglePathOneShot(seed, sampling)).run()
        return recorder.paths

    return run


def test_the_paths_follow_from_the_seed(record: Record) -> None:
    paths = record(seed=3, epochs=2)
    assert len(paths) == 20
    assert record(seed=3, epochs=2) == paths
    assert record(seed=4, epochs=2) != paths


def test_the_paths_do_not_depend_on_python_s_random_state(record: Record) -> None:
    random.seed(0)
    first = record(seed=3, epochs=1)
    random.seed(1)
    assert record(seed=3, epochs=1) == first


def test_the_paths_do_not_depend_on_the_training_s_seed(record: Record) -> None:
    assert record(seed=3, epochs=1, training_seed=9) == record(seed=3, epochs=1)


def test_every_epoch_has_other_paths(record: Record) -> None:
    paths = record(seed=0, epochs=3)
    epochs = [tuple(paths[start : start + 10]) for start in (0, 10, 20)]
    assert len(set(epochs)) == 3


def test_a_resumed_run_goes_on_with_the_same_paths(record: Record, tmp_path: Path) -> None:
    whole = record(seed=1, epochs=3)
    first = record(seed=1, epochs=1, checkpoint=tmp_path / "supernet.ckpt")
    rest = record(seed=1, epochs=3, checkpoint=tmp_path / "supernet.ckpt")
    assert first + rest == whole


@pytest.fixture(scope="module")
def many(record: Record) -> list[Blocks]:
    """200 paths."""
    return record(seed=0, epochs=5, batch_size=2)


def test_every_mini_batch_trains_one_path(many: list[Blocks]) -> None:
    assert len(many) == 200
    assert all(len(path) == 5 and set(path) <= set(PAPER_CANDIDATES) for path in many)


def test_all_candidates_are_trained_about_equally_often(many: list[Blocks]) -> None:
    for slot in range(5):
        counts = Counter(path[slot] for path in many)
        chi_square = sum((counts[name] - 40) ** 2 / 40 for name in PAPER_CANDIDATES)
        assert chi_square < 18.5  # 4 degrees of freedom, p = 0.001


def test_the_slots_are_drawn_independently(many: list[Blocks]) -> None:
    for one in range(5):
        for other in range(one):
            agree = sum(path[one] == path[other] for path in many) / len(many)
            assert agree == pytest.approx(0.2, abs=0.12)  # 4 sigma
    assert len(set(many)) > 180


@pytest.mark.parametrize("sampling", ["fair", "sandwich"])
def test_a_step_trains_several_paths_on_the_same_images(
    sampling: str, tiny_digits: Splits, tiny_training: Training, make_space: Callable[..., Any]
) -> None:
    space = make_space()
    evaluator = SpikingEvaluator(tiny_digits, tiny_training)
    seen: list[torch.Tensor] = []
    space.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    weights: list[torch.Tensor] = []
    space.network.register_forward_pre_hook(
        lambda module, inputs: weights.append(module.stem.conv[0].weight.detach().clone())
    )
    RetiariiExperiment(space, evaluator, [], SinglePathOneShot(0, sampling)).run()
    per_step = SAMPLINGS[sampling](space).per_step
    groups = [range(start, start + per_step) for start in range(0, len(seen), per_step)]
    assert len(groups) > 2
    for group in groups:
        assert all(torch.equal(seen[one], seen[group[0]]) for one in group)
        assert all(torch.equal(weights[one], weights[group[0]]) for one in group)
    assert not torch.equal(weights[groups[0][0]], weights[groups[1][0]])


def test_strict_fairness_trains_every_candidate_in_every_step(record: Record) -> None:
    paths = record(seed=0, epochs=1, sampling="fair")
    assert len(paths) == 50
    for start in range(0, 50, 5):
        columns = zip(*paths[start : start + 5], strict=True)
        assert all(sorted(column) == sorted(PAPER_CANDIDATES) for column in columns)


def test_fair_paths_go_on_after_a_restart(record: Record, tmp_path: Path) -> None:
    whole = record(seed=1, epochs=2, sampling="fair")
    first = record(seed=1, epochs=1, checkpoint=tmp_path / "one.ckpt", sampling="fair")
    rest = record(seed=1, epochs=2, checkpoint=tmp_path / "one.ckpt", sampling="fair")
    assert first + rest == whole


def test_several_paths_a_step_need_a_process_alone(
    tiny_digits: Splits, tiny_training: Training, make_space: Callable[..., Any]
) -> None:
    evaluator = SpikingEvaluator(tiny_digits, replace(tiny_training, devices=2, device="cpu"))
    experiment = RetiariiExperiment(make_space(), evaluator, [], SinglePathOneShot(0, "fair"))
    with pytest.raises(UserError, match="several processes need --sampling uniform"):
        experiment.run()


def test_timesteps_are_drawn_with_the_path_and_gone_on_with(
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
    tmp_path: Path,
) -> None:
    def draw(epochs: int, checkpoint: Path | None = None) -> list[int]:
        space = make_space(timesteps=(1, 2, 3))
        training = replace(tiny_training, epochs=epochs, batch_size=8)
        about = {"kind": "supernet", "settings": {}, "blocks": []}
        drawn: list[int] = []
        for count in (1, 2, 3):
            module = space.network.timesteps[f"T{count}"]
            module.register_forward_hook(lambda *_, count=count: drawn.append(count))
        evaluator = SpikingEvaluator(tiny_digits, training, checkpoint=checkpoint, about=about)
        RetiariiExperiment(space, evaluator, [], SinglePathOneShot()).run()
        return drawn

    whole = draw(4)
    counts = Counter(whole)
    assert counts.keys() == {1, 2, 3}
    assert sum((counts[t] - 40 / 3) ** 2 / (40 / 3) for t in counts) < 13.8  # p = 0.001
    checkpoint = tmp_path / "supernet.ckpt"
    assert draw(1, checkpoint) + draw(4, checkpoint) == whole


def test_training_changes_the_weights_of_the_space_itself(
    tiny_digits: Splits,
    tiny_training: Training,
    make_space: Callable[..., SpikingSpace],
    tmp_path: Path,
) -> None:
    checkpoint = tmp_path / "supernet.ckpt"
    about = {"kind": "supernet", "settings": {"seed": 0}, "blocks": []}
    before, space = make_space().network.state_dict(), make_space()
    RetiariiExperiment(
        space,
        SpikingEvaluator(tiny_digits, tiny_training, checkpoint=checkpoint, about=about),
        [],
        SinglePathOneShot(),
    ).run()
    after = space.network.state_dict()
    assert before.keys() == after.keys()
    changed = {key for key in after if not torch.equal(before[key], after[key])}
    assert "stem.conv.0.weight" in changed
    assert "fc.linear.weight" in changed
    saved = load_checkpoint(checkpoint)
    assert (saved.kind, saved.settings, saved.blocks) == ("supernet", {"seed": 0}, ())
    assert saved.epochs == 2
    assert saved.weights.keys() == after.keys()
    assert all(torch.equal(saved.weights[key], after[key]) for key in after)
