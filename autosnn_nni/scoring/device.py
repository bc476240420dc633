"""Choose the device that the user asks for."""

import math

import psutil
import torch

from autosnn_nni.errors import UserError

DEVICES = ("auto", "cpu", "cuda")


def torch_device(name: str) -> str:
    """Resolve ``cpu``, ``cuda`` or ``auto`` to ``cpu`` or ``cuda``.

    Raises :class:`UserError` for another name, and if the device is not available.
    """
    found = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in DEVICES:
        raise UserError(f"--device must be auto, cpu or cuda, not {name!r}")
    if name == "cuda" and found != "cuda":
        raise UserError("--device cuda: torch finds no GPU here; use --device cpu")
    return found if name == "auto" else name


def check_memory(needed: float, device: str, what: str) -> None:
    """Raise :class:`UserError` if ``device``, ``cpu`` or ``cuda``, has not so many bytes free.

    ``what`` needs them, and is named in the message.
    """
    if device == "cuda":
        free, _ = torch.cuda.mem_get_info()
    else:
        free = psutil.virtual_memory().available
    if needed > free:
        amount = _bytes(needed) if math.isfinite(needed) else "8 EiB"
        raise UserError(
            f"{what} needs at least {amount} of memory, and {_bytes(free)} are free; use fewer "
            "--channels, --timesteps, or a smaller --batch-size"
        )


def _bytes(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:,.0f} EiB"
