"""``autosnn --version``."""

import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

from autosnn_nni import __version__
from autosnn_nni.cli import versions
from autosnn_nni.kernels import library
from autosnn_nni.runs import surroundings

Autosnn = Callable[..., Any]


def test_the_version_is_one_line(autosnn: Autosnn) -> None:
    outcome = autosnn("--version")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"autosnn-nni {__version__}\n", "")


def test_it_imports_neither_torch_nor_nni() -> None:
    code = (
        "import sys; from autosnn_nni.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, "--version"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line, modules = out.splitlines()
    assert line == f"autosnn-nni {__version__}"
    assert not {"torch", "nni", "numpy", "pandas"} & set(modules.split())


@pytest.mark.parametrize("options", [("--version", "--verbose"), ("--verbose", "--version")])
def test_verbose_shows_what_it_runs_on(options: tuple[str, ...], autosnn: Autosnn) -> None:
    outcome = autosnn(*options)
    assert outcome.code == 0, outcome.err
    first, *lines = outcome.out.splitlines()
    assert first == f"autosnn-nni {__version__}"
    told = dict(line.split(" ", 1) for line in lines)
    assert told["torch"] == torch.__version__
    for name in ("torchvision", "nni", "spikingjelly", "pytorch-lightning"):
        assert told[name] == version(name)
    assert told["Python"] == platform.python_version()
    assert told["kernels"] == library.described()
    assert told["devices"] == "none"  # no test sees a GPU
    assert told["processor"].endswith(")")


@pytest.mark.parametrize(
    ("capability", "shown"),
    [
        ("AVX512", "(AVX2, AVX-512)"),
        ("AVX2", "(AVX2)"),
        ("DEFAULT", "(no AVX2: DEFAULT)"),
    ],
)
def test_the_processor_is_named_with_its_vector_extensions(
    capability: str,
    shown: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    autosnn: Autosnn,
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Fast 9000 @ 3 GHz\n" * 2)
    monkeypatch.setattr(surroundings, "_CPUINFO", cpuinfo)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert f"processor Fast 9000 @ 3 GHz {shown}\n" in autosnn("--version", "--verbose").out
    monkeypatch.setattr(surroundings, "_CPUINFO", tmp_path / "nowhere")
    assert f" {shown}\n" in autosnn("--version", "--verbose").out


def test_gpus_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")
    versions.show_versions(verbose=True)
    assert capsys.readouterr().out.endswith("devices cuda:0 GPU 0, cuda:1 GPU 1\n")


@pytest.mark.parametrize("command", [("--verbose",), ("--verbose", "list", "blocks")])
def test_verbose_alone_is_refused(command: tuple[str, ...], autosnn: Autosnn) -> None:
    outcome = autosnn(*command)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "autosnn: --verbose goes with --version\n"
