"""Batches and splits of events: as they were recorded, and never copied as a whole."""

import pickle

import pytest
import torch
from torch import Tensor

from autosnn_nni.data import Batches, DataInfo, DataSet, DataSource, Images, split
from autosnn_nni.data.cache import cached
from autosnn_nni.errors import UserError

pytestmark = pytest.mark.usefixtures("home_without_network")

INFO = DataInfo((2, 6, 6), classes=3, timesteps=4, events=True)
FLAGS = {"shuffle": True, "augment": True, "cutout": True}


def counts(recordings: int, timesteps: int = 4, dtype: torch.dtype = torch.uint8) -> Images:
    random = torch.Generator().manual_seed(recordings)
    frames = torch.randint(0, 200, (recordings, timesteps, 2, 6, 6), generator=random)
    return Images(frames.to(dtype), torch.arange(recordings) % 3)


def dataset(dtype: torch.dtype = torch.uint8) -> DataSet:
    return DataSource("events", INFO, lambda _, t: (counts(30, t, dtype), counts(9, t))).load()


def unzip(batches: Batches) -> tuple[Tensor, Tensor]:
    frames, labels = zip(*batches, strict=True)
    return torch.cat(frames), torch.cat(labels)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16])
def test_events_are_counts_as_floats_whatever_the_flags_say(dtype: torch.dtype) -> None:
    data = dataset(dtype)
    plain, labels = unzip(Batches(data.train, data, batch_size=8))
    assert plain.dtype == torch.float32
    assert torch.equal(plain, data.train.images.float())
    assert torch.equal(labels, data.train.labels)
    flagged, _ = unzip(Batches(data.train, data, batch_size=8, **FLAGS))
    assert sorted(flagged.flatten(1).tolist()) == sorted(plain.flatten(1).tolist())


def test_the_seed_and_the_epoch_decide_the_order() -> None:
    data = dataset()
    epochs = []
    for epoch in (0, 1, 0):
        batches = Batches(data.train, data, batch_size=8, seed=3, **FLAGS)
        batches.set_epoch(epoch)
        epochs.append(unzip(batches)[0])
    assert torch.equal(epochs[0], epochs[2])
    assert not torch.equal(epochs[0], epochs[1])


def test_the_shape_is_that_of_a_frame_and_nothing_is_normalised() -> None:
    data = dataset()
    assert data.shape == (2, 6, 6)
    assert (data.mean, data.std) == ((0.0, 0.0), (1.0, 1.0))
    assert data.events


def test_a_split_copies_no_recording() -> None:
    data = dataset()
    splits = split(data, seed=0)
    again = splits.train.subset(torch.tensor([3, 1]))
    for part in (splits.train, splits.val, again):
        assert part.stored is data.train.stored
    assert again.labels.tolist() == splits.train.labels[[3, 1]].tolist()
    assert torch.equal(again.images, splits.train.images[[3, 1]])
    assert torch.equal(again.at(torch.tensor([1])), splits.train.images[[1]])
    assert torch.equal(unzip(Batches(again, data, batch_size=2))[0], again.images.float())


def test_a_split_has_every_recording_once() -> None:
    data = dataset()
    splits = split(data, seed=0)
    assert (len(splits.train), len(splits.val), len(splits.test)) == (24, 6, 9)
    both = torch.cat([splits.train.images, splits.val.images]).flatten(1).tolist()
    assert sorted(both) == sorted(data.train.images.flatten(1).tolist())


def test_another_process_is_sent_a_path_instead_of_recordings() -> None:
    train, _ = cached("events", "T4", None, {}, lambda _: (counts(300), counts(9)))
    part = train.subset(torch.tensor([7, 2]))
    sent = pickle.dumps(part)
    assert len(sent) < 2000 < train.images.nbytes
    assert torch.equal(pickle.loads(sent).images, counts(300).images[[7, 2]])


def test_timesteps_are_the_data_sets_own_unless_named() -> None:
    source = DataSource("events", INFO, lambda _, t: (counts(30, t), counts(9, t)))
    assert source.load().train.shape == (4, 2, 6, 6)
    assert source.load(timesteps=7).train.shape == (7, 2, 6, 6)


def test_static_images_ignore_timesteps() -> None:
    images = Images(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(4).long())
    source = DataSource("static", DataInfo((1, 2, 2), classes=1), lambda _: (images, images))
    assert source.load(timesteps=3).train.images is images.images


@pytest.mark.parametrize("timesteps", [0, -1])
def test_no_timesteps_are_refused(timesteps: int) -> None:
    source = DataSource("events", INFO, lambda _, t: (counts(30, t), counts(9, t)))
    with pytest.raises(UserError, match=f"--timesteps must be at least 1, not {timesteps}"):
        source.load(timesteps=timesteps)


def test_frames_that_are_not_as_asked_for_are_refused() -> None:
    source = DataSource("events", INFO, lambda _, t: (counts(30, t), counts(9, t + 1)))
    with pytest.raises(UserError, match=r"\(5, 2, 6, 6\) instead of \(4, 2, 6, 6\)"):
        source.load()
