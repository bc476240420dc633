"""Events into frames: nothing is lost, and nothing is in another place."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosnn_nni.data.events import to_frames
from autosnn_nni.errors import UserError
from tests.autosnn_nni.data.recorded import counted, events


@given(count=st.integers(1, 400), timesteps=st.integers(1, 30), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_frames_have_all_events_in_equal_shares(count: int, timesteps: int, seed: int) -> None:
    if count < timesteps:
        with pytest.raises(UserError, match=f"has {count} events for {timesteps} frames"):
            to_frames(events(count, seed), timesteps, "it")
        return
    recording = events(count, seed)
    frames = to_frames(recording, timesteps, "it")
    assert frames.shape == (timesteps, 2, 128, 128)
    shares = frames.sum((1, 2, 3))
    assert shares.sum() == count
    assert set(shares[:-1]) <= {count // timesteps}
    assert frames.sum((0, 2, 3))[1] == recording["p"].sum()
    assert np.array_equal(frames, counted(recording, timesteps))


@given(most=st.integers(200, 400))
@settings(max_examples=20, deadline=None)
def test_counts_have_the_smallest_type_that_holds_them(most: int) -> None:
    frames = to_frames(events(most, x=0, y=0, p=0), 1, "it")
    assert frames.max() == most
    assert frames.dtype == (np.uint8 if most < 256 else np.int16)


def test_counts_that_no_type_holds_are_refused() -> None:
    assert to_frames(events(32767, x=0, y=0, p=0), 1, "it").max() == 32767
    with pytest.raises(UserError, match="32768 events at one pixel of a frame; choose more"):
        to_frames(events(32768, x=0, y=0, p=0), 1, "it")


@given(seed=st.integers(0, 999))
@settings(max_examples=10, deadline=None)
def test_events_are_sorted_by_time(seed: int) -> None:
    recording = events(60, seed)
    recording["t"] = np.arange(60)  # no two at once, which could change places
    shuffle = np.random.default_rng(seed).permutation(60)
    shuffled = {key: column[shuffle] for key, column in recording.items()}
    assert np.array_equal(to_frames(shuffled, 7, "it"), counted(recording, 7))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8])
def test_whole_numbers_of_any_type_are_counted(kind: type) -> None:
    recording = events(60, 1)
    typed = {**recording, **{key: recording[key].astype(kind) for key in "xyp"}}
    assert np.array_equal(to_frames(typed, 3, "it"), counted(recording, 3))


def with_nan(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(np.arange(len(column)) == 3, np.nan, column)


@pytest.mark.parametrize("key", "txyp")
@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda column: column[:, None], r"of shape \[30, 1\] instead of \[events\]"),
        (with_nan, "that are not numbers"),
        (lambda column: column.astype(str), "of type <U21 instead of numbers"),
    ],
    ids=["columns", "nan", "text"],
)
def test_columns_that_are_not_numbers_are_named(key: str, change: Any, wrong: str) -> None:
    recording = events(30)
    recording[key] = change(recording[key])
    with pytest.raises(UserError, match=f"^it has events with {key} {wrong}; restore it$"):
        to_frames(recording, 3, "it")


def test_half_pixels_are_refused() -> None:
    recording = events(30)
    with pytest.raises(UserError, match="x that are not whole numbers"):
        to_frames({**recording, "x": recording["x"] / 2}, 3, "it")
