"""Predictions of single images are those of the test."""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from autosnn_nni import Predictor, load
from autosnn_nni.energy import energies
from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.runs.directory import locked
from autosnn_nni.testing.lively import lively

Autosnn = Callable[..., Any]


@pytest.fixture(scope="module")
def predictor(finished: Path) -> Predictor:
    return load(finished)


def normalised(predictor: Predictor, images: Tensor) -> Tensor:
    mean, std = (float(one[0]) for one in (predictor.dataset.mean, predictor.dataset.std))
    return (images.float() / 255 - mean) / std


@pytest.fixture(scope="module")
def voting(predictor: Predictor) -> Predictor:
    """With other weights: the network of the run, trained so briefly, never votes."""
    network = copy.deepcopy(predictor.network)
    images = normalised(predictor, predictor.dataset.test.images[:3])
    return replace(predictor, network=lively(network, images))


def test_over_the_test_split_they_are_the_runs_result(predictor: Predictor, finished: Path) -> None:
    test = predictor.dataset.test
    found = predictor.predict(test.images)
    result = read_json(finished / "result.json")
    hits = [
        (one.label or 0) == label for one, label in zip(found, test.labels.tolist(), strict=True)
    ]
    assert np.mean(hits) == pytest.approx(result["accuracy"])
    assert np.mean([one.spikes for one in found]) == pytest.approx(result["spikes"])
    assert np.mean([one.synops for one in found]) == pytest.approx(result["synops"])
    assert np.mean([one.macs for one in found]) == pytest.approx(result["macs"])


def test_votes_are_means_over_the_timesteps_so_far(voting: Predictor) -> None:
    images = voting.dataset.test.images[:3]
    with torch.no_grad():
        votes = voting.network(normalised(voting, images))
    assert votes.any(1).all()
    for one, expected in zip(voting.predict(images), votes, strict=True):
        assert len(one.votes) == 2
        assert one.votes[-1] == pytest.approx(expected.tolist(), abs=1e-5)
        assert one.label == int(expected.argmax())
        assert one.energy == energies(one.synops, one.macs)


def test_without_votes_there_is_no_class(predictor: Predictor) -> None:
    network = copy.deepcopy(predictor.network)
    torch.nn.init.zeros_(network.fc.linear.weight)
    silent = replace(predictor, network=network)
    (one,) = silent.predict(predictor.dataset.test.images[:1])
    assert (one.label, one.name, sum(one.votes[-1])) == (None, None, 0)


def test_files_are_scaled_to_the_networks_images(voting: Predictor, tmp_path: Path) -> None:
    pixels = voting.dataset.test.images[0, 0].numpy()
    larger = Image.fromarray(pixels.repeat(8, 0).repeat(8, 1)).convert("RGB")
    larger.save(tmp_path / "digit.png")
    Image.fromarray(pixels).save(tmp_path / "small.bmp")
    np.save(tmp_path / "digit.npy", pixels[None])
    paths = [tmp_path / name for name in ("small.bmp", "digit.npy", "digit.png")]
    small, array, large = voting.predict_files(paths)
    assert small == array == voting.predict(voting.dataset.test.images[:1])[0]
    assert large.macs == small.macs  # as many pixels


def test_images_of_another_size_are_an_error(predictor: Predictor) -> None:
    with pytest.raises(UserError, match=r"the shape \(1, 9, 9\), not \(1, 8, 8\)"):
        predictor.predict(torch.zeros(1, 1, 9, 9, dtype=torch.uint8))


def test_images_from_0_to_1_are_refused(voting: Predictor) -> None:
    images = voting.dataset.test.images[:20]
    scaled = images.float() / 255  # as by torchvision's ToTensor
    with pytest.raises(UserError, match="uint8 from 0 to 255; these are float32 from 0 to 1: give"):
        voting.predict(scaled)
    assert voting.predict((255 * scaled).byte()) == voting.predict(images)


@pytest.mark.parametrize("low", [-1, 1])
def test_pixels_below_0_or_above_255_are_refused(predictor: Predictor, low: int) -> None:
    images = predictor.dataset.test.images[:2]
    whole = images.long().numpy()
    assert predictor.predict(whole) == predictor.predict(images)
    with pytest.raises(UserError, match="give them neither scaled nor normalised"):
        predictor.predict(whole * 256 + low)


def test_counts_of_events_may_be_of_any_type(predictor: Predictor) -> None:
    events = replace(predictor, dataset=replace(predictor.dataset, events=True))
    frames = torch.randint(0, 9, (3, 1, 8, 8))
    assert events.predict(frames.float()) == events.predict(frames.short())


def test_a_run_that_is_not_done_says_how_far_it_is(run: Path, autosnn: Autosnn) -> None:
    for name in ("retrained.ckpt", "retrained.csv", "result.json"):
        (run / name).unlink()
    line = f"{run} is not done (training the winner): run its command again to finish it"
    with pytest.raises(UserError, match=re.escape(line)):
        load(run)
    for command in ("evaluate", "export"):
        outcome = autosnn(command, run)
        assert outcome.code == 2
        assert line in outcome.err
    with locked(run), pytest.raises(UserError, match=r"\(training the winner\): wait until it is"):
        load(run)
    (run / "best.json").rename(run / "closest.json")
    settings = {**read_json(run / "settings.json"), "max_spikes": 1.0}
    (run / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match="has no winner: no architecture satisfies --max-spikes 1;"):
        load(run)


def test_a_path_of_the_supernet_predicts_too(finished: Path) -> None:
    predictor = load(str(finished), ("skip",) * 5)
    (one,) = predictor.predict(predictor.dataset.test.images[:1])
    assert len(one.votes[-1]) == 10
