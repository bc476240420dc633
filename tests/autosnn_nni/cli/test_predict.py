"""``autosnn predict``: files in, classes out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from autosnn_nni import load

Autosnn = Callable[..., Any]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a picture.png"
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(ramp).save(path)
    return path


def test_a_person_reads_the_class_and_what_it_took(
    finished: Path, picture: Path, autosnn: Autosnn
) -> None:
    predictor = load(finished)
    test = predictor.dataset.test.images
    classified = (one for one in test if predictor.predict(one[None])[0].name)
    Image.fromarray(next(classified)[0].numpy()).save(picture)
    (expected,) = predictor.predict_files([picture])
    outcome = autosnn("predict", finished, picture)
    assert (outcome.code, outcome.err) == (0, "")
    said = " ".join(outcome.out.split())
    assert f"a picture.png: class {expected.label}" in said
    assert "t = 1" in said
    assert f"{expected.spikes:,.0f} spikes" in said
    assert "(45 nm CMOS, 32 bits, good to 40 % at best)" in said


def test_a_program_reads_all_votes(finished: Path, picture: Path, autosnn: Autosnn) -> None:
    outcome = autosnn("predict", finished / "retrained.ckpt", picture, picture, "--json")
    first, second = json.loads(outcome.out)
    assert first == second
    assert first["image"] == str(picture)
    assert [len(votes) for votes in first["votes"]] == [10, 10]


@pytest.fixture
def dead(run: Path) -> Path:
    """A run whose voting neurons never fire."""
    checkpoint = torch.load(run / "retrained.ckpt", weights_only=True)
    (name,) = (one for one in checkpoint["state_dict"] if one.endswith("fc.linear.weight"))
    checkpoint["state_dict"][name].zero_()
    torch.save(checkpoint, run / "retrained.ckpt")
    return run


def test_a_dead_network_names_no_class(dead: Path, picture: Path, autosnn: Autosnn) -> None:
    said = " ".join(autosnn("predict", dead, picture).out.split())
    assert "a picture.png: no class: no voting neuron fired" in said
    (told,) = json.loads(autosnn("predict", dead, picture, "--json").out)
    assert (told["label"], told["name"]) == (None, None)


def test_a_dead_network_is_called_that_when_it_is_tested(dead: Path, autosnn: Autosnn) -> None:
    line = (
        "no voting neuron fired on the test images: the network has learnt nothing; train it longer"
    )
    assert line not in autosnn("search", "--output", dead).out
    assert line in autosnn("evaluate", dead).out
    (dead / "result.json").unlink()
    outcome = autosnn("search", "--output", dead)  # which tests it again
    assert outcome.code == 0
    assert line in outcome.out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.png", None, "missing.png does not exist; check the path"),
        ("missing.npy", None, "missing.npy does not exist; check the path"),
        ("text.png", b"hello", "text.png is no picture that can be read"),
        ("text.npy", b"hello", "text.npy is no array of numpy"),
        ("large.npy", np.zeros((1, 9, 9), np.uint8), "(1, 9, 9); save an array of the shape (1, 8"),
        ("real.npy", np.zeros((1, 8, 8)), "must hold whole numbers from 0 on, not float64"),
        ("low.npy", np.full((1, 8, 8), -1), "must hold whole numbers from 0 on, not int64"),
        ("high.npy", np.full((1, 8, 8), 300), "must hold numbers up to 255, and has 300"),
    ],
)
def test_what_is_no_picture_is_named(
    name: str, content: Any, message: str, finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content is not None:
        np.save(tmp_path / name, content)
    outcome = autosnn("predict", finished, tmp_path / name)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert message in line


def test_recordings_are_arrays_of_numbers_of_events(
    make_run: Callable[..., Path], tiny: tuple[str, ...], tmp_path: Path, autosnn: Autosnn
) -> None:
    options = ("--dataset", "digitsDVS", "--blocks", "skip,skip,skip,skip,skip")
    run = make_run("train", *tiny, *options)
    predictor = load(run)
    events = predictor.dataset.test.images[0].numpy()
    np.save(tmp_path / "events.npy", events)
    outcome = autosnn("predict", run, tmp_path / "events.npy", "--json")
    (told,) = json.loads(outcome.out)
    (expected,) = predictor.predict(events[None])
    assert (told["label"], told["spikes"]) == (expected.label, expected.spikes)
    assert len(told["votes"]) == len(events)
