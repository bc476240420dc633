"""What fits which chip: by hand, and over random architectures."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from torch import Tensor, nn

from autosnn_nni.chips import CHIPS, Chip, Cores
from autosnn_nni.errors import UserError
from autosnn_nni.mapping import Fit, Fitting, fit_of
from autosnn_nni.search_spaces import BLOCKS, NetworkConfig
from autosnn_nni.strategies import SEARCHES, Choices, Measurements
from autosnn_nni.strategies.generations import run_alone

SCB, SKIP = ("SCB_k3",) * 5, ("skip",) * 5


def config(space: str = "Speck", **options: Any) -> NetworkConfig:
    fields = {"shape": (1, 8, 8), "channels": 8, "timesteps": 4, "neuron": "IF", **options}
    return NetworkConfig(space, classes=10, **fields)


def fit(blocks: tuple[str, ...], chip: str = "speck", pixels: bool = True, **options: Any) -> Fit:
    return fit_of(config(**options), blocks, chip, pixels=pixels)


def test_speck_rounds_sides_and_channels_up_to_powers_of_two() -> None:
    found = fit(SCB, channels=6, shape=(1, 12, 12))
    by_name = {layer.name: layer for layer in found.layers}
    first, wider, last = (
        by_name[f"{name}"] for name in ("tbd1_neuron1", "tbd2_neuron1", "fc_neuron")
    )
    assert (first.neurons, first.padded_neurons) == (6 * 12 * 12, 6 * 16 * 16)
    assert (first.weights, first.padded_weights) == (6 * 6 * 9, 6 * 8 * 16)
    assert (wider.neurons, wider.padded_neurons) == (12 * 6 * 6, 12 * 8 * 8)
    assert (wider.weights, wider.padded_weights) == (12 * 6 * 9, 6 * 16 * 16)
    assert (last.neurons, last.weights) == (10, 10 * 24)
    assert last.padded_weights == 24 * 16  # one neuron of each class, one pixel


def test_the_first_layer_of_pixels_is_the_hosts_and_events_are_spikes() -> None:
    assert fit(SKIP).host == ("stem_conv", "stem_neuron")
    events = fit(SKIP, pixels=False, shape=(2, 8, 8))
    assert events.host == ()
    assert events.layers[0].name == "stem_neuron"


@pytest.mark.parametrize(
    ("blocks", "options", "problem"),
    [
        (SCB, {"neuron": "PLIF"}, "leaky neurons; IF neurons have no leak (tbd1_neuron1, tbd1_"),
        (SKIP, {"space": "SNN_1"}, "a max-pool (pool1, pool2, pool3)"),
        (SKIP, {"space": "SNN_4"}, "neurons without a layer with weights before them (pool1_neu"),
        (("SRB_k3", *SKIP[1:]), {}, "several layers are added up before it, as in a residual bl"),
        (SCB, {}, "11 layers, but 9 cores"),
        (("SCB_k3", *SKIP[1:]), {"shape": (1, 60, 72)}, "inputs of 60x72, but at most 64x64 (tbd1"),
        (SCB[:1] + SKIP[1:], {"channels": 2048}, "2048 channels, but at most 1024 (tbd1_conv1,"),
        (SCB[:1] + SKIP[1:], {"channels": 128}, "tbd1_neuron1: 262,144 weights and 8,192 neurons,"),
    ],
)
def test_why_it_does_not_fit(
    blocks: tuple[str, ...], options: dict[str, Any], problem: str
) -> None:
    found = fit(blocks, **{"candidates": ("skip", "SCB_k3", "SRB_k3"), **options})
    assert not found.fits
    assert any(one.startswith(problem) for one in found.problems), found.problems


def test_pools_behind_each_other_are_a_larger_one() -> None:
    chip = replace(CHIPS["speck"], pools=(1, 2))
    CHIPS.add("smallpools", chip)
    try:
        found = fit(("SCB_k3", "SCB_k3", "SCB_k3", "skip", "skip"), "smallpools")
        assert found.fits  # a wider skip has weights
        narrow = config(candidates=("skip",))
        assert fit_of(narrow, SKIP, "smallpools", pixels=True).fits
    finally:
        CHIPS._items.pop("smallpools")


def test_each_layer_has_room_but_not_all_at_once() -> None:
    """Two large cores and a small one, for three layers that need a large one."""
    large = Cores(count=2, neurons=2_000, weights=20_000)
    small = Cores(count=7, neurons=100, weights=20_000)
    chip = replace(CHIPS["speck"], cores=(large, small))
    CHIPS.add("uneven", chip)
    try:
        two = fit(("SCB_k3", *SKIP[1:]), "uneven", shape=(1, 8, 8))
        assert [layer.padded_neurons for layer in two.layers][:2] == [512, 512]
        assert not fit(SCB[:3] + SKIP[3:], "uneven").fits
        problems = fit(SCB[:2] + SKIP[2:], "uneven").problems
        assert problems == ("each layer has room in some core, but not all of them at once",)
    finally:
        CHIPS._items.pop("uneven")


def test_loihi_holds_a_weight_for_each_connection_others_a_kernel_once() -> None:
    options = {"space": "SNN_1", "channels": 16, "shape": (3, 32, 32), "neuron": "PLIF"}
    loihi, loihi2 = (fit(SCB, chip, **options) for chip in ("loihi", "loihi2"))
    first = loihi.layers[0]
    pixels = 30 * 30 * 9 + 4 * 30 * 6 + 4 * 4  # those at the border meet fewer neurons
    assert first.connections == 16 * 16 * pixels
    assert loihi.cores[0] == -(-first.connections // (128 * 1024)) == 18
    assert loihi2.cores[0] == 16 * 32 * 32 // 8192 == 2
    assert loihi.problems == (f"it needs {sum(loihi.cores)} cores, but there are 128",)
    assert loihi2.fits


def test_max_pools_and_shortcuts_are_neurons_and_connections_there() -> None:
    found = fit(("SRB_k3", *SKIP[1:]), "loihi2", space="SNN_1", neuron="PLIF")
    by_name = {layer.name: layer for layer in found.layers}
    assert by_name["pool1"].neurons == 8 * 4 * 4
    conv = 8 * 8 * (6 * 6 * 9 + 4 * 6 * 6 + 4 * 4)
    assert by_name["tbd1_neuron2"].connections == conv + 8 * 8 * 8  # the shortcut, one to one


def test_what_no_graph_can_express_fits_no_chip() -> None:
    found = fit(SKIP, space="SNN_1", neuron="ANN", candidates=("skip",))
    assert len(found.problems) == 1
    assert "without spiking neurons" in found.problems[0]


@pytest.mark.parametrize("name", sorted(CHIPS))
def test_every_record_has_a_source_and_a_date(name: str) -> None:
    chip: Chip = CHIPS[name]
    assert chip.source
    assert chip.date.startswith("20")
    assert len(chip.cores) == 1 or chip.layer_per_core


def test_a_block_that_cannot_be_mapped_is_tried_once_and_changes_no_answer() -> None:
    space = config("SNN_1", candidates=("skip", "SCB_k3", "SRB_k3"))
    space = replace(space, space="Speck")
    known = Fitting(space, "speck", pixels=True)
    rng = Random(0)
    choices = space.choices.values()
    for _ in range(25):
        blocks = tuple(rng.choice(names) for names in choices)
        assert known(blocks) == fit_of(space, blocks, "speck", pixels=True).fits
    assert {block for _, block in known._illegal} == {"SRB_k3"}


class TwoCurrents(nn.Module):
    """What it adds up gets to the next block's layer."""

    def __init__(self, inputs: int, outputs: int, stride: int, neuron: Any) -> None:
        super().__init__()
        self.one, self.other = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), neuron())
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Any:
        return self.one(x) + self.other(x)


def test_a_block_fits_or_not_whatever_was_before_it_in_another_architecture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(BLOCKS._items, "two", TwoCurrents)
    space = config(candidates=("skip", "SCB_k3", "two"))
    known = Fitting(space, "speck", pixels=True)
    fitting = ("skip", "skip", "SCB_k3", "skip", "skip")
    assert not known(("skip", "two", "SCB_k3", "skip", "skip"))
    assert known(fitting)
    assert fit_of(space, fitting, "speck", pixels=True).fits


def test_cores_of_several_kinds_have_a_layer_each() -> None:
    cores = (Cores(count=1, neurons=8, weights=8), Cores(count=1, neurons=9, weights=9))
    named = {"title": "mine", "source": "me", "date": "2026-01"}
    assert Chip(**named, cores=cores, layer_per_core=True).core_count == 2
    with pytest.raises(UserError, match="chip 'mine' has 2 kinds of cores; without layer_per_core"):
        Chip(**named, cores=cores)


def test_a_space_in_which_nothing_fits_is_an_error_with_a_reason() -> None:
    space = config("SNN_1", candidates=("skip",), neuron="PLIF")
    with pytest.raises(UserError, match="none of the 1 architectures fits speck: a max-pool"):
        Fitting(space, "speck", pixels=True).share()


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_a_search_evaluates_only_what_may_be_proposed(name: str) -> None:
    def allowed(blocks: tuple[str, ...]) -> bool:
        return blocks.count("skip") == 2

    choices = Choices([("skip", "SCB_k3", "SRB_k3")] * 5)
    search = SEARCHES[name](seed=0).only(allowed)
    measured = Measurements(accuracy=0.5, spikes=1.0).measured
    history = run_alone(search, choices, lambda blocks: {"default": 1.0, **measured})
    assert all(allowed(one.blocks) for one in history)
    assert len(history) == 10 * 8  # all of them: two skips in five places, two blocks elsewhere
