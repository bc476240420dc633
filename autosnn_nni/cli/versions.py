"""``autosnn --version``: the package, and what it runs on."""

import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import typer

from autosnn_nni.version import __version__

#: What every number depends on, by the names of the packages.
_PACKAGES = ("torchvision", "nni", "spikingjelly", "pytorch-lightning")

#: The vector extensions that torch's kernels differ in, by torch's name for the best of them.
_EXTENSIONS = {"AVX2": "AVX2", "AVX512": "AVX2, AVX-512"}

_CPUINFO = Path("/proc/cpuinfo")


def show_versions(*, verbose: bool) -> None:
    """Print the package's version; if ``verbose``, also those of all that its numbers depend on.

    Without ``verbose``, torch is not imported.
    """
    typer.echo(f"autosnn-nni {__version__}")
    for line in _surroundings() if verbose else ():
        typer.echo(line)


def _surroundings() -> Iterator[str]:
    """One line each: packages, Python, the processor, the kernels, the devices."""
    import torch

    from autosnn_nni.kernels import library

    yield f"torch {torch.__version__}"
    yield from (f"{name} {version(name)}" for name in _PACKAGES)
    yield f"Python {platform.python_version()}"
    capability = torch.backends.cpu.get_cpu_capability()
    yield f"processor {_processor()} ({_EXTENSIONS.get(capability, f'no AVX2: {capability}')})"
    yield f"kernels {library.described()}"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices = [f"cuda:{one} {torch.cuda.get_device_name(one)}" for one in range(count)]
    yield f"devices {', '.join(devices) or 'none'}"


def _processor() -> str:
    """The processor's name, or that of its architecture."""
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
