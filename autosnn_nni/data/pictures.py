"""Single pictures and recordings from files, in the form of a data set's images."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autosnn_nni.errors import UserError

_ARRAYS = (".npy",)


def read_picture(path: Path, shape: tuple[int, ...]) -> Tensor:
    """A picture as uint8 ``[C, H, W]``, grey or coloured and as large as ``shape`` says.

    A recording, whose ``shape`` is ``(T, 2, H, W)``, is a file of numpy with numbers of events.
    Such a file with an image of the right shape is taken as it is.
    Raises :class:`UserError` for files that can't be read, or have another shape.
    """
    if path.suffix in _ARRAYS or len(shape) > 3:
        return _read_array(path, shape)
    from PIL import Image  # here, because most commands read no pictures

    channels, height, width = shape
    if channels not in (1, 3):
        raise UserError(f"{path}: pictures have 1 or 3 channels, not {channels}; give a .npy file")
    try:
        with Image.open(path) as picture:
            fitting = picture.convert("L" if channels == 1 else "RGB")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} is no picture that can be read ({error}); check it") from error
    resized = fitting.resize((width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized)).view(height, width, channels).permute(2, 0, 1)


def _read_array(path: Path, shape: tuple[int, ...]) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is no array of numpy; save it with numpy.save") from error
    if not isinstance(array, np.ndarray) or array.shape != shape:
        found = getattr(array, "shape", "several arrays")
        raise UserError(f"{path} has the shape {found}; save an array of the shape {shape}")
    if array.dtype.kind not in "iu" or array.min(initial=0) < 0:
        raise UserError(f"{path} must hold whole numbers from 0 on, not {array.dtype}")
    return torch.from_numpy(array.astype(np.uint8 if len(shape) == 3 else np.int16))
