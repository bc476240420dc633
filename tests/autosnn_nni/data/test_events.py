"""Events into frames: nothing is lost, and nothing is in another place."""

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
