"""A copy of SpikeNAS-Bench with a few networks, written as its authors write them."""

import math
from pathlib import Path

import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.strategies import Fitness
from autosnn_nni.table.judge import own_searches
from autosnn_nni.table.scores import Scores, Truth
from autosnn_nni.table.spikenas_bench import SpikeNASBench


def write(folder: Path, number: int, epochs: int = 3) -> None:
    lines = [
        f"architecture id: {number}",
        f"model parameters: {1000 + number}",
        "epoch, train_acc, train_loss, val_acc, val_loss",
        *(
            f"{epoch}.000, 9.604, 2.303, {epoch + number % 50}.250, 2.303"
            for epoch in range(epochs)
        ),
        f"test accuracy: {number % 97}.500",
        f"firing rate of layers: -1.000, 0.242, 0.{1 + number % 9}",
        "Elapsed time: 1.0hour2.0minute3.5second",
    ]
    (folder / str(number)).mkdir()
    (folder / str(number) / "train_process.txt").write_text("\r\n".join(lines) + "\r\n")


@pytest.fixture
def copy(tmp_path: Path) -> SpikeNASBench:
    for number in (0, 7, 10, 15624, 15625):  # the last one is no network of it
        write(tmp_path, number)
    return SpikeNASBench(tmp_path)


def test_numbers_are_those_of_the_file(copy: SpikeNASBench) -> None:
    blocks = "zeroize, conv_low, zeroize, zeroize, zeroize, zeroize"  # 2 x 5
    entry = copy.query(blocks)
    assert entry.test is not None
    assert (entry.val.accuracy, entry.test.accuracy) == pytest.approx((0.1225, 0.105))
    assert entry.val.spikes == entry.test.spikes == 0.2
    assert (entry.parameters, entry.seconds, entry.seeds) == (1010, 3723.5, (0,))
    early = copy.query(blocks, 0, 1)
    assert (early.val.accuracy, early.test) == (pytest.approx(0.1025), None)
    assert early.seconds == pytest.approx(3723.5 / 3)


def test_the_lowest_digit_is_the_first_edge(copy: SpikeNASBench) -> None:
    seven = ("conv_low", "skip", "zeroize", "zeroize", "zeroize", "zeroize")  # 2 + 1 x 5
    assert copy.architectures == [
        ("zeroize",) * 6,
        seven,
        copy.architectures[2],
        ("conv_high",) * 6,
    ]
    assert copy.query(seven).parameters == 1007


def test_it_is_asked_like_a_table(copy: SpikeNASBench) -> None:
    assert copy.choices.size == 15_625
    best = max(copy.architectures, key=lambda one: copy.tested(one).accuracy)
    assert copy.optimum(0) == best
    assert best in copy.front()
    assert Truth(copy, Fitness(0)).regret(best) == 0
    assert Truth(copy, Fitness(0), seen=0).regret(best) == 0  # it has no other seed
    assert all(math.isnan(tau) for tau in copy.seeds_tau().values())
    with pytest.raises(UserError, match="4 of 15,625 architectures"):
        copy.check_whole()


@pytest.mark.parametrize(
    ("blocks", "asked", "wrong"),
    [
        ("skip,skip", {}, "give 6 of zeroize"),
        ("zeroize,zeroize,zeroize,zeroize,zeroize,SRB_k3", {}, "give 6 of zeroize"),
        ("skip,skip,skip,skip,skip,skip", {}, "is no network of SpikeNAS-Bench"),
        (("zeroize",) * 6, {"seed": 1}, "has one seed"),
        (("zeroize",) * 6, {"timesteps": 4}, "has one seed and one number of timesteps"),
        (("zeroize",) * 6, {"epoch": 4}, "has epochs 1 to 3, not 4"),
        (("zeroize",) * 6, {"epoch": 0.5}, "has epochs 1 to 3, not 0.5"),
    ],
)
def test_what_is_not_there_raises(
    copy: SpikeNASBench, blocks: str, asked: dict[str, int], wrong: str
) -> None:
    with pytest.raises(UserError, match=wrong):
        copy.query(blocks, **asked)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no SpikeNAS-Bench"):
        SpikeNASBench(tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, 0)
    (tmp_path / "0" / "train_process.txt").write_text("architecture id: 0\n")
    with pytest.raises(UserError, match=r"0/train_process\.txt is no network"):
        SpikeNASBench(tmp_path).query(("zeroize",) * 6)


def test_searches_take_its_space(copy: SpikeNASBench) -> None:
    scores = Scores(copy, Fitness(0), 0)
    assert "random" in own_searches(copy)
    assert "snasnet" not in own_searches(copy)  # it needs scores of untrained networks
    with pytest.raises(UserError, match="is no network of SpikeNAS-Bench"):
        own_searches(copy)["random"](scores, copy.choices, 0, 5)  # they are not all there
