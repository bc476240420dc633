import _ctypes
import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from autosnn_nni.kernels import library
from autosnn_nni.kernels.spikes import Spikes
from autosnn_nni.search_spaces import NetworkConfig, build_network
from tests.autosnn_nni.kernels.builds import BUILDS, built, threads, using

NONE = "none: libkernels.so can't be used here; install the package again"


def load_again() -> None:
    for cached in (library._library, library.processor, library.function):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    load_again()


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is loaded in place of the library."""
    monkeypatch.setattr(library, "LIBRARY", tmp_path / "libkernels.so")
    load_again()
    return library.LIBRARY


def test_without_the_library_networks_are_torchs(other: Path) -> None:
    assert library.processor() is None
    assert not library.supported(torch.zeros(1))
    assert library.described() == "none: no C compiler was found when the package was installed"
    network = build_network(
        NetworkConfig("SNN_1", (1, 8, 8), classes=2, channels=2, timesteps=2), ("skip",) * 5
    )
    assert not network.multi_step
    outputs: list[object] = []
    network.stem.neuron.register_forward_hook(lambda *call: outputs.append(call[-1]))
    network(torch.zeros(1, 1, 8, 8))
    assert not isinstance(outputs[0], Spikes)


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF" + bytes(60)])
def test_a_broken_library_is_not_loaded(content: bytes, other: Path) -> None:
    other.write_bytes(content)
    assert library.processor() is None
    assert library.described() == NONE


def test_another_library_is_not_loaded(other: Path) -> None:
    shutil.copy(_ctypes.__file__, other)
    assert library.described() == NONE


@built
def test_a_library_of_other_sources_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = shutil.copytree(library.SOURCES, tmp_path / "c")
    monkeypatch.setattr(library, "SOURCES", sources)
    load_again()
    assert library.described() in BUILDS
    with (sources / "kernels.h").open("a") as file:
        file.write("/* changed */\n")
    load_again()
    assert library.described() == NONE


@built
def test_the_variable_switches_the_kernels_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert library.supported(torch.zeros(1))
    assert library.described() == library.processor()
    monkeypatch.setenv("AUTOSNN_KERNELS", "0")
    assert not library.supported(torch.zeros(1))
    assert library.described() == "off (AUTOSNN_KERNELS=0)"


@built
@pytest.mark.parametrize(
    ("like", "supported"),
    [
        (torch.zeros(1), True),
        (torch.zeros(1, dtype=torch.float64), True),
        (torch.zeros(1, dtype=torch.bfloat16), False),
        (torch.zeros(1, dtype=torch.int32), False),
        (torch.zeros(1, device="meta"), False),
    ],
)
def test_kernels_are_for_floats_on_the_cpu(like: torch.Tensor, supported: bool) -> None:
    assert library.supported(like) == supported


@built
@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have one build")
def test_the_build_is_the_best_for_the_processor() -> None:
    flags = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text()))
    avx2 = {"avx2", "fma", "bmi1", "bmi2", "popcnt"} <= flags
    avx512 = avx2 and {"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= flags
    assert library.processor() == ("avx512" if avx512 else "avx2" if avx2 else "plain")


@pytest.mark.parametrize("build", BUILDS)
def test_every_build_can_be_chosen(build: str) -> None:
    with using(build):
        assert library.processor() == build
        assert Spikes.of(torch.ones(1, 1, 3)).count() == 3


@built
@settings(deadline=None, derandomize=True)
@given(rows=st.integers(0, 40), of=st.integers(1, 5), has_openmp=st.booleans())
def test_every_part_is_done(rows: int, of: int, has_openmp: bool) -> None:
    values = torch.arange(rows * 3).view(1, rows, 3) % 2.0
    start = library._start() if has_openmp else None
    with threads(of), mock.patch.object(library, "_start", return_value=start):
        assert torch.equal(Spikes.of(values).dense(), values)


@built
def test_a_forked_process_has_threads_of_its_own() -> None:
    values = torch.ones(4, 2, 3)
    with threads(2):
        Spikes.of(values)  # starts the parent's
        child = os.fork()
        if child == 0:
            os._exit(0 if Spikes.of(values).count() == 24 else 1)
        assert os.waitpid(child, 0)[1] == 0


@built
@pytest.mark.parametrize("has_openmp", [True, False])
def test_a_single_thread_is_the_callers_own(has_openmp: bool) -> None:
    """A table's networks are trained in forked processes: threads for every call took most time."""
    start = library._start() if has_openmp else None
    with (
        threads(1),
        mock.patch.object(library, "_start", return_value=start),
        mock.patch.object(library, "ThreadPoolExecutor") as pool,
    ):
        assert Spikes.of(torch.ones(4, 2, 3)).count() == 24
    pool.assert_not_called()


def test_a_trace_is_of_torchs_operations() -> None:
    config = NetworkConfig("SNN_1", shape=(1, 8, 8), classes=3, channels=2, timesteps=2)
    network = build_network(config, ("skip",) * 5).eval()
    batch, other = torch.rand(2, 2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        trace = torch.jit.trace(network, batch, check_trace=False)
        torch.testing.assert_close(trace(other), network(other))


@pytest.mark.skipif(not BUILDS, reason="the kernels were not built")
@pytest.mark.parametrize("surrogate", ["atan", "triangle"])
def test_torchs_default_device_makes_no_difference(surrogate: str) -> None:
    """As of a user whose other networks are on a GPU."""
    config = NetworkConfig(
        "SNN_1", (1, 8, 8), classes=2, channels=2, timesteps=2, surrogate=surrogate
    )
    blocks = ("SCB_k3", "skip", "SRB_k5", "skip", "skip")
    network = build_network(config, blocks)
    images = torch.rand(4, 1, 8, 8)

    def trained() -> list[torch.Tensor]:
        network.zero_grad()
        votes = network(images)
        votes.square().sum().backward()
        return [votes.detach(), *(one.grad.clone() for one in network.parameters())]

    expected = trained()
    with torch.device("meta"):
        found = trained()
    assert all(map(torch.equal, found, expected))
