"""The compiled library of kernels: load it, and call its functions on several threads."""

import ctypes
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

#: Set this variable to 0 to do without the kernels.
SWITCH = "AUTOSNN_KERNELS"
LIBRARY = Path(__file__).with_name("libkernels.so")
SOURCES = Path(__file__).with_name("c")

_IMPORTED_BY = os.getpid()
_TYPES = {torch.float32: "float", torch.float64: "double"}


class Convolution(ctypes.Structure):
    """The shape of a convolution; see ``c/kernels.h``."""

    _fields_ = [
        (name, ctypes.c_int32)
        for name in (
            *("channels", "height", "width", "outputs", "out_height", "out_width"),
            *("kernel_height", "kernel_width", "stride", "top", "left", "groups"),
        )
    ]


class Pool(ctypes.Structure):
    """The shape of a max-pool; see ``c/kernels.h``."""

    _fields_ = [
        (name, ctypes.c_int32)
        for name in (
            *("channels", "height", "width", "out_height", "out_width"),
            *("kernel", "stride", "padding"),
        )
    ]


class BatchNorm(ctypes.Structure):
    """Batch norm; ``Norm`` in ``c/kernels.h``."""

    _fields_ = [
        ("weight", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("eps", ctypes.c_double),
    ]


class Current(ctypes.Structure):
    """A current and its batch norm; see ``c/kernels.h``."""

    _fields_ = [
        ("x", ctypes.c_void_p),
        ("step", ctypes.c_int64),
        ("together", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("scale", "shift", "mean", "inverse")),
    ]


class Source(ctypes.Structure):
    """A convolution and its batch norm; see ``c/kernels.h``."""

    _fields_ = [
        ("shape", Convolution),
        ("way", ctypes.c_int32),
        *((name, ctypes.c_void_p) for name in ("bits", "weights", "scale", "shift")),
    ]


class Neurons(ctypes.Structure):
    """The shape and the constants of a layer of neurons; see ``c/kernels.h``."""

    _fields_ = [
        *(
            (name, ctypes.c_int32)
            for name in ("timesteps", "samples", "pixels", "channels", "currents", "surrogate")
        ),
        ("decay", ctypes.c_double),
        ("gain", ctypes.c_double),
    ]


@cache
def _library() -> ctypes.CDLL | None:
    """The library; none if it can't be loaded, or was not compiled from ``SOURCES``.

    One of other sources may have other arguments, and would crash.
    """
    try:
        library = ctypes.CDLL(str(LIBRARY))
        library.sources.restype = library.processor.restype = ctypes.c_char_p
        word, words = ctypes.c_int64, ctypes.POINTER(ctypes.c_int64)
        library.share.argtypes = (ctypes.c_void_p, ctypes.c_void_p, words, word, word, word)
        library.share.restype = None
        return library if library.sources().decode() == _digest() else None
    except (OSError, AttributeError):  # missing, broken, for another machine; another library
        return None


def _digest() -> str:
    """As in ``c/build_kernels.py``."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    return hashlib.sha256(b"".join(one.read_bytes() for one in sources)).hexdigest()


@cache
def processor() -> str | None:
    """The build of the kernels for this processor: ``avx512``, ``avx2`` or ``plain``, if any."""
    library = _library()
    return None if library is None else library.processor().decode()


def described() -> str:
    """The build in use, or why there is none."""
    if os.environ.get(SWITCH) == "0":
        return f"off ({SWITCH}=0)"
    if not LIBRARY.exists():
        return "none: no C compiler was found when the package was installed"
    return processor() or f"none: {LIBRARY.name} can't be used here; install the package again"


def supported(like: Tensor) -> bool:
    """Whether the kernels can compute with tensors of this type and device."""
    return (
        like.dtype in _TYPES
        and like.device.type == "cpu"
        and os.environ.get(SWITCH) != "0"
        and not torch.is_autocast_enabled("cpu")  # they have no bf16
        and torch._C._get_tracing_state() is None  # nothing of what they do would be in a trace
        and processor() is not None
    )


def empty(*shape: int, dtype: torch.dtype) -> Tensor:
    """An empty tensor for the kernels to write to, whatever torch's default device is."""
    return torch.empty(shape, dtype=dtype, device="cpu")


def run(name: str, dtype: torch.dtype, *arguments: Any) -> None:
    """Call the kernel ``name`` for values of ``dtype``. Tensors are passed as pointers."""
    function(name, dtype)(*(ctypes.c_int64(_word(one)) for one in arguments))


def share(name: str, dtype: torch.dtype, count: int, *arguments: Any) -> None:
    """Call a kernel for ``range(count)``, a part of it on each of torch's threads.

    Its last two arguments are the bounds of a part. The threads are those that torch has from
    OpenMP. Others would wait for these, which go on spinning for a while after each of torch's
    operations. Without OpenMP they are Python's.
    """
    parts = max(1, min(torch.get_num_threads(), count))
    if parts == 1:  # no thread to start: in a forked process that would take longer than the kernel
        run(name, dtype, *arguments, 0, count)
        return
    start = _start()
    if start is None:
        bounds = pairwise(count * part // parts for part in range(parts + 1))
        with ThreadPoolExecutor(parts) as threads:
            list(threads.map(lambda part: run(name, dtype, *arguments, *part), bounds))
        return
    library = _library()
    assert library is not None
    words = (ctypes.c_int64 * len(arguments))(*map(_word, arguments))
    library.share(start, function(name, dtype), words, len(words), count, parts)


@cache
def function(name: str, dtype: torch.dtype) -> Any:
    """The function of the library, of the build in use; its arguments are words."""
    found = getattr(_library(), f"{name}_{_TYPES[dtype]}_{processor()}")
    found.restype = None
    return found


def _word(value: Any) -> int:
    """An argument as an integer: the address of a tensor's values, or of a structure."""
    if isinstance(value, Tensor):
        return value.data_ptr()
    if isinstance(value, ctypes.Structure | ctypes.Array):
        return ctypes.addressof(value)
    return 0 if value is None else int(value)


@cache
def _start() -> int | None:
    """The address of ``GOMP_parallel``, if torch has brought OpenMP."""
    found = sorted(Path(torch.__file__).parent.glob("lib/libgomp*.so*"))
    if not found or os.getpid() != _IMPORTED_BY:  # OpenMP's threads don't survive a fork
        return None
    start = ctypes.CDLL(str(found[0])).GOMP_parallel
    return ctypes.cast(start, ctypes.c_void_p).value


os.register_at_fork(after_in_child=_start.cache_clear)
