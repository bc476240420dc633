"""digitsDVS: a simulated camera that does what cameras do."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from autosnn_nni.data import DataSet, camera, load_dataset
from autosnn_nni.data.camera import record
from autosnn_nni.data.events import to_frames

pytestmark = pytest.mark.slow

DIGITS = load_digits().images / 16


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """The data set, with a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pathlib.Path.home", lambda: tmp_path_factory.getbasetemp() / "home")
        return load_dataset("digitsDVS")


def test_fifty_digits_of_each_class_are_split_four_to_one(digits: DataSet) -> None:
    assert (digits.train.images.shape, digits.test.images.shape) == (
        (400, 20, 2, 128, 128),
        (100, 20, 2, 128, 128),
    )
    assert digits.train.labels.bincount().tolist() == [40] * 10
    assert digits.test.labels.bincount().tolist() == [10] * 10
    assert digits.train.images.dtype == torch.uint8
    assert (digits.shape, digits.classes, digits.events) == ((2, 128, 128), 10, True)


def test_a_recording_is_that_of_its_digit(digits: DataSet) -> None:
    sevens = DIGITS[load_digits().target == 7]
    for images, number in ((digits.train, 3), (digits.test, 42)):
        ours = images.images[images.labels == 7][number % 40]
        assert np.array_equal(ours.numpy(), to_frames(record(sevens[number]), 20, "it"))


def test_no_two_recordings_are_alike(digits: DataSet) -> None:
    both = torch.cat([digits.train.images, digits.test.images])
    assert len({one.numpy().tobytes() for one in both}) == 500


def test_the_digit_moves_around_and_comes_back() -> None:
    """On average one frame's events lie where the image is: a diamond, from below to above."""
    frames = to_frames(record(DIGITS[0]), 40, "it").sum(1)
    rows = (frames.sum(2) * np.arange(128)).sum(1) / frames.sum((1, 2))
    columns = (frames.sum(1) * np.arange(128)).sum(1) / frames.sum((1, 2))
    assert rows[0] - rows[20] > 15
    assert abs(rows[0] - rows[-1]) < 5
    assert columns[30] - columns[10] > 15
    assert abs(columns[0] - columns[-1]) < 5


def test_an_edge_that_comes_is_brighter_and_one_that_goes_darker() -> None:
    """In the first quarter the white square moves up and to the left."""
    square = np.zeros((8, 8))
    square[3:5, 3:5] = 1
    darker, brighter = to_frames(record(square), 4, "it")[0]
    rows, columns = np.indices((128, 128))
    for place in (rows, columns):
        assert (brighter * place).sum() / brighter.sum() < (darker * place).sum() / darker.sum() - 9


@given(grey=st.floats(0.05, 1))
@settings(max_examples=20, deadline=None)
def test_a_brighter_image_sends_more_events(grey: float) -> None:
    square = np.zeros((8, 8))
    square[3:5, 3:5] = grey
    fewer, more = (len(record(image)["t"]) for image in (square * 0.8, square))
    assert 0 < fewer < more


@given(st.integers(0, len(DIGITS) - 1))
@settings(max_examples=10, deadline=None)
def test_what_comes_back_has_sent_as_many_of_both(number: int) -> None:
    """A pixel is in the end where it was: its events cancel out, but for one at most."""
    recording = record(DIGITS[number])
    assert (np.diff(recording["t"]) >= 0).all()
    assert 0 <= recording["t"].min() < recording["t"].max() <= 80_000
    frames = to_frames(recording, 20, "it").astype(int).sum(0)
    assert np.abs(frames[1] - frames[0]).max() <= 1
    assert (frames.sum(0) > 0).mean() < 0.7
    assert 10_000 < len(recording["t"]) < 100_000


def test_black_sends_nothing() -> None:
    assert all(len(values) == 0 for values in record(np.zeros((8, 8))).values())


def test_the_same_image_is_recorded_alike() -> None:
    first, second = record(DIGITS[5]), record(DIGITS[5])
    assert all(np.array_equal(first[key], second[key]) for key in "txyp")


@pytest.mark.parametrize("number", [0, 8])
def test_each_pixel_sends_what_a_loop_over_its_steps_sends(number: int) -> None:
    views = np.stack(list(camera._views(camera._levels(DIGITS[number]))))
    recording = record(DIGITS[number])
    where = recording["y"] * 128 + recording["x"]
    for pixel in np.random.default_rng(0).choice(np.unique(where), 200):
        expected = simulate(views[:, pixel], camera._phases()[pixel])
        chosen = where == pixel
        assert (2 * recording["p"][chosen] - 1).tolist() == [sign for _, sign in expected]
        after = recording["t"][chosen] / 2000 - [step for step, _ in expected]
        assert ((after >= -0.001) & (after <= 1)).all()


def simulate(levels: NDArray[np.float64], phase: float) -> list[tuple[int, int]]:
    """One pixel, step by step: steps and signs of its events."""
    sent, out = levels[0] + phase, []
    for step, level in enumerate(levels[1:]):
        while abs(level - sent) >= 1:
            sign = int(np.sign(level - sent))
            sent += sign
            out.append((step, sign))
    return out
