from typing import Any

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from torch import Tensor

from autosnn_nni.kernels import convolution
from autosnn_nni.kernels.convolution import convolve
from autosnn_nni.kernels.spikes import Spikes
from tests.autosnn_nni.kernels.builds import BUILDS, built, threads, using

Case = dict[str, Any]
#: Of the largest value. Sums of float32 come in another order, and tiles round more.
TOLERANCE = {torch.float64: 1e-13, torch.float32: 3e-5}
WAYS = ("lookup", "window", "gather", "taps")


def case(**changes: Any) -> Case:
    """A convolution; ``size`` of None is the one that torch gives."""
    return {
        **{"images": (2, 1), "channels": 5, "image": (6, 7), "outputs": 8, "kernel": (3, 3)},
        **{"stride": 1, "padding": 1, "groups": 1, "density": 0.3, "size": None},
        **changes,
    }


@st.composite
def cases(draw: st.DrawFn) -> Case:
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 8]))
    inputs, outputs = (draw(st.sampled_from([1, 2, 3, 4, 8, 9])) for _ in range(2))
    if draw(st.booleans()):
        outputs = draw(st.sampled_from([5, 8, 16, 24, 32, 64, 72]))
    outputs = max(1, outputs // groups)
    side = st.sampled_from([1, 2, 3, 3, 4, 5, 5, 7])
    kernel = draw(st.one_of(st.tuples(side, side), side.map(lambda side: (side, side))))
    image = draw(st.tuples(*[st.integers(1, 9)] * 2))
    padding = draw(st.integers(0, max(kernel)))
    size = None
    if any(side + 2 * padding < k for side, k in zip(image, kernel, strict=True)):
        padding = 0
    if padding == 0:  # as pointwise and fully connected layers call it
        size = draw(st.tuples(*[st.integers(1, 10)] * 2))
    return case(
        images=draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        channels=inputs * groups,
        image=image,
        outputs=outputs * groups,
        kernel=kernel,
        stride=draw(st.sampled_from([1, 1, 2, 3])),
        padding=padding,
        groups=groups,
        density=draw(st.sampled_from([0.0, 0.03, 0.1, 0.5, 1.0])),
        size=size,
    )


def tensors(one: Case, dtype: torch.dtype) -> tuple[Spikes, Tensor]:
    rng = torch.Generator().manual_seed(0)
    shape = (*one["images"], one["channels"], *one["image"])
    values = (torch.rand(shape, generator=rng) < one["density"]).to(dtype)
    inputs = one["channels"] // one["groups"]
    weight = torch.randn(one["outputs"], inputs, *one["kernel"], generator=rng, dtype=dtype)
    return Spikes.of(values), weight


def size_of(one: Case) -> tuple[int, int]:
    if one["size"]:
        return one["size"]
    height, width = (
        (side + 2 * one["padding"] - kernel) // one["stride"] + 1
        for side, kernel in zip(one["image"], one["kernel"], strict=True)
    )
    return height, width


def expected(one: Case, values: Tensor, weight: Tensor) -> Tensor:
    """By torch, on an image padded or cropped so that the outputs have the size asked for."""
    pads: list[int] = []
    for side, kernel, outputs in zip(one["image"], one["kernel"], size_of(one), strict=True):
        seen = (outputs - 1) * one["stride"] + kernel
        pads = [one["padding"], seen - side - one["padding"], *pads]
    images = F.pad(values.flatten(0, 1), pads)
    currents = F.conv2d(images, weight, stride=one["stride"], groups=one["groups"])
    return currents.unflatten(0, values.shape[:2])


def run(one: Case, spikes: Tensor, weight: Tensor) -> Tensor:
    names = ("stride", "padding", "groups")
    return convolve(spikes, weight, size_of(one), **{name: one[name] for name in names}).currents()  # type: ignore[arg-type]


def with_gradients(outputs: Tensor, *inputs: Tensor) -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    gradient = torch.randn(outputs.shape, generator=rng, dtype=outputs.dtype)
    return [outputs.detach(), *torch.autograd.grad(outputs, inputs, gradient)]


def results(one: Case, dtype: torch.dtype) -> list[Tensor]:
    """Currents, and the gradients of spikes and weights."""
    spikes, weight = tensors(one, dtype)
    spikes.requires_grad_()
    weight.requires_grad_()
    return with_gradients(run(one, spikes, weight), spikes, weight)


def expected_results(one: Case, dtype: torch.dtype) -> list[Tensor]:
    spikes, weight = tensors(one, dtype)
    values = spikes.dense().requires_grad_()
    weight.requires_grad_()
    return with_gradients(expected(one, values, weight), values, weight)


def check(found: list[Tensor], wanted: list[Tensor]) -> None:
    for one, other in zip(found, wanted, strict=True):
        bound = TOLERANCE[one.dtype] * other.abs().max().clamp(min=1).item()
        torch.testing.assert_close(one, other, rtol=0, atol=bound)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("build", BUILDS)
@settings(deadline=None, max_examples=150, derandomize=True)
@given(one=cases())
@example(one=case(image=(1, 1), kernel=(7, 7), padding=3))
@example(one=case(image=(3, 2), kernel=(5, 7), padding=0, size=(1, 1)))  # a fully connected layer
@example(one=case(image=(5, 5), kernel=(1, 1), padding=0, stride=2, size=(3, 3)))
@example(one=case(channels=16, outputs=16, groups=16, stride=3, kernel=(5, 5), padding=5))
# Gradients of the input by tiles: inside an image, at its borders, and beside what the kernel sees.
@example(one=case(channels=16, image=(17, 32), outputs=32))
@example(one=case(channels=33, image=(20, 9), outputs=17, kernel=(5, 5), padding=2))
@example(one=case(channels=7, image=(12, 12), outputs=40, kernel=(7, 7), padding=3))
@example(one=case(images=(4, 4), image=(4, 4), channels=8, kernel=(5, 5), padding=4))
@example(one=case(image=(9, 12), kernel=(3, 3), padding=0, size=(3, 20)))
def test_it_equals_torchs(one: Case, build: str, dtype: torch.dtype) -> None:
    with using(build):
        check(results(one, dtype), expected_results(one, dtype))


@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("outputs", [8, 24, 40, 64])
def test_every_way_gives_the_same(
    build: str, way: str, density: float, outputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that measurements choose, and those that they don't."""
    number = WAYS.index(way)
    monkeypatch.setattr(convolution, "_way", lambda *_: number)
    for side in (3, 5, 7):
        one = case(channels=11, outputs=outputs, kernel=(side, side), padding=2, density=density)
        spikes, weight = tensors(one, torch.float64)
        with using(build):
            currents = run(one, spikes, weight)
        torch.testing.assert_close(currents, expected(one, spikes.dense(), weight))


@pytest.mark.parametrize(
    ("changes", "way"),
    [
        ({"density": 0.02}, "lookup"),
        ({"density": 0.3}, "window"),
        ({"density": 0.02, "outputs": 64}, "gather"),
        ({"density": 0.3, "outputs": 64}, "window"),
        ({"density": 0.3, "kernel": (4, 4)}, "lookup"),
        ({"stride": 2}, "gather"),
        ({"channels": 8, "groups": 8}, "taps"),
        ({"channels": 4000, "outputs": 8}, "gather"),  # its table would be too large
    ],
)
@built
def test_the_way_depends_on_the_shape_and_the_spikes(
    changes: Case, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[int] = []
    choose = convolution._way
    monkeypatch.setattr(
        convolution, "_way", lambda *arguments: ways.append(choose(*arguments)) or ways[-1]
    )
    one = case(**changes)
    spikes, weight = tensors(one, torch.float64)
    torch.testing.assert_close(run(one, spikes, weight), expected(one, spikes.dense(), weight))
    assert [WAYS[number] for number in ways] == [way]


@built
def test_weights_in_any_layout_give_the_same() -> None:
    one = case()
    spikes, weight = tensors(one, torch.float64)
    strided = weight.to(memory_format=torch.channels_last)
    sliced = torch.cat([weight, weight], 2)[:, :, :3]
    expanded = weight[:, :1].expand_as(weight)
    assert torch.equal(run(one, spikes, strided), run(one, spikes, weight))
    assert torch.equal(run(one, spikes, sliced), run(one, spikes, weight))
    assert torch.equal(run(one, spikes, expanded), run(one, spikes, expanded.contiguous()))


@built
def test_no_images_give_no_currents() -> None:
    one = case(images=(2, 0))
    currents, of_spikes, of_weight = results(one, torch.float32)
    assert currents.shape == (2, 0, 8, 6, 7)
    assert of_spikes.shape == (2, 0, 5, 6, 7)
    assert not of_weight.any()


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(
    "changes",
    [
        {"density": 0.02},
        {"density": 0.3, "channels": 16, "outputs": 16},
        {"outputs": 64, "density": 0.03},
        {"stride": 2, "density": 0.2, "image": (32, 32)},
        {"groups": 16, "channels": 16, "outputs": 16, "image": (16, 16)},
    ],
)
def test_results_do_not_depend_on_the_number_of_threads(build: str, changes: Case) -> None:
    one = case(**{"images": (3, 7), **changes})
    with using(build), threads(1):
        alone = results(one, torch.float32)
    for count in (2, 3, 5):
        with using(build), threads(count):
            together = results(one, torch.float32)
        assert all(map(torch.equal, alone, together)), count


def test_sums_of_a_table_are_those_of_eight_neurons() -> None:
    """All 256 values of a byte, one image each."""
    values = torch.tensor([[byte >> bit & 1 for bit in range(8)] for byte in range(256)])
    spikes = Spikes.of(values.double()[None, :, :, None, None])
    weight = torch.randn(3, 8, 1, 1, dtype=torch.float64)
    currents = convolve(spikes, weight, (1, 1)).currents()
    torch.testing.assert_close(currents[0, ..., 0, 0], values.double() @ weight[..., 0, 0].T)


def test_weights_of_other_channels_are_refused() -> None:
    spikes = Spikes.of(torch.ones(2, 1, 4, 3, 3))
    with pytest.raises(ValueError, match=r"weights \[5, 8, 3, 3\] in 1 groups don't fit spikes"):
        convolve(spikes, torch.ones(5, 8, 3, 3), (3, 3), padding=1)
