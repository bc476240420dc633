"""Choose the device that the user asks for."""

import torch

from autosnn_nni.errors import UserError


def torch_device(name: str) -> str:
    """Resolve ``cpu``, ``cuda`` or ``auto`` to ``cpu`` or ``cuda``.

    Raises :class:`UserError` for another name, and if the device is not available.
    """
    found = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device must be auto, cpu or cuda, not {name!r}")
    if name == "cuda" and found != "cuda":
        raise UserError("--device cuda: torch finds no GPU here; use --device cpu")
    return found if name == "auto" else name
