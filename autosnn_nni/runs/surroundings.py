"""What numbers depend on beside the settings: packages, processor, kernels and devices."""

import platform
from importlib.metadata import version
from pathlib import Path

import torch

from autosnn_nni.kernels import library

_PACKAGES = ("torchvision", "nni", "spikingjelly", "pytorch-lightning")

#: The vector extensions that torch's kernels differ in, by torch's name for the best of them.
_EXTENSIONS = {"AVX2": "AVX2", "AVX512": "AVX2, AVX-512"}

_CPUINFO = Path("/proc/cpuinfo")


def surroundings() -> dict[str, str]:
    """Versions of packages and of Python, the processor, the kernels, the devices, by name."""
    capability = torch.backends.cpu.get_cpu_capability()
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices = [f"cuda:{one} {torch.cuda.get_device_name(one)}" for one in range(count)]
    return {
        "torch": str(torch.__version__),
        **{name: version(name) for name in _PACKAGES},
        "Python": platform.python_version(),
        "processor": f"{_processor()} ({_EXTENSIONS.get(capability, f'no AVX2: {capability}')})",
        "kernels": library.described(),
        "devices": ", ".join(devices) or "none",
    }


def _processor() -> str:
    """The processor's name, or that of its architecture."""
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
