"""Single pictures and recordings from files, in the form of a data set's images."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autosnn_nni.data.event_files import RECORDINGS, frames_of_file
from autosnn_nni.errors import UserError

Shape = tuple[int, int, int]

#: Formats whose pictures of Pillow's mode ``I`` have 16 bits; Pillow scales fewer up to 16.
_16_BITS = ("PNG", "PPM")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A picture of Pillow; raises :class:`UserError` if the file can't be read as one.

    A grey one of 32 bits is refused, because nothing says which of its values is white.
    """
    from PIL import Image  # here, because most commands read no pictures

    try:
        with Image.open(path) as picture:
            _check_bits(path, picture)
            yield picture
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} is no picture that can be read ({error}); check it") from error


def _check_bits(path: Path, picture: Any) -> None:
    if picture.mode == "F" or (picture.mode == "I" and picture.format not in _16_BITS):
        raise UserError(f"{path} has 32 bits per pixel; save it with 8 or 16")


def pixels_of(picture: Any, shape: Shape) -> NDArray[np.uint8]:
    """A picture of Pillow as uint8 ``[C, H, W]``, grey or coloured.

    It is scaled until it covers ``shape``; what is too much on two sides is cut off.
    """
    from PIL import Image, ImageOps

    channels, height, width = shape
    if picture.mode.startswith("I"):  # 16 bits, of which Pillow would clip what is above 255
        picture = Image.fromarray((np.array(picture) >> 8).astype(np.uint8))
    converted = picture.convert("L" if channels == 1 else "RGB")
    fitting = ImageOps.fit(converted, (width, height), Image.Resampling.BILINEAR)
    return np.array(fitting).reshape(height, width, channels).transpose(2, 0, 1)


def read_picture(
    path: Path, shape: tuple[int, ...], sensor: tuple[int, int] | None = None
) -> Tensor:
    """A picture as uint8 ``[C, H, W]``, as large as ``shape`` says.

    A recording, whose ``shape`` is ``(T, 2, H, W)``, is one of a camera with this ``sensor``, or an
    array of numpy with numbers of events. An array with an image of the right shape is taken as it
    is, too. Raises :class:`UserError` for files that can't be read, or have another shape.
    """
    if len(shape) > 3 and sensor is not None and not _is_array(path):
        timesteps, _, height, width = shape
        frames = frames_of_file(path, timesteps, sensor, (height, width))
        return torch.from_numpy(frames.astype(np.int16))
    if path.suffix == ".npy" or len(shape) > 3:
        return _read_array(path, shape)
    channels, height, width = shape
    if channels not in (1, 3):
        raise UserError(f"{path}: pictures have 1 or 3 channels, not {channels}; give a .npy file")
    with opened(path) as picture:
        return torch.from_numpy(pixels_of(picture, (channels, height, width)).copy())


def _is_array(path: Path) -> bool:
    """Whether a file of numpy has frames, and not the events themselves."""
    if path.suffix != ".npy":
        return path.suffix.lower() not in RECORDINGS
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False).dtype.names is None
    except (OSError, ValueError, EOFError):
        return True


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
    kind = np.uint8 if len(shape) == 3 else np.int16
    most, limit = array.max(initial=0), np.iinfo(kind).max
    if most > limit:
        raise UserError(f"{path} must hold numbers up to {limit}, and has {most}")
    return torch.from_numpy(array.astype(kind))
