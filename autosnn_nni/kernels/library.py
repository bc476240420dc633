"""The compiled library of kernels: load it, and call its functions on several threads."""

import ctypes
import hashlib
import os
from collections.abc import Callable
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
_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
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


class Current(ctypes.Structure):
    """A current and its batch norm; see ``c/kernels.h``."""

    _fields_ = [
        ("x", ctypes.c_void_p),
        ("step", ctypes.c_int64),
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
        and processor() is not None
    )


@cache
def kernel(name: str, dtype: torch.dtype) -> Callable[..., None]:
    """The function ``name`` of the library, for values of ``dtype``.

    Tensors are passed as pointers to their first value.
    """
    function = getattr(_library(), f"{name}_{_TYPES[dtype]}_{processor()}")
    function.restype = None
    return lambda *arguments: function(*map(_argument, arguments))


def _argument(value: Any) -> Any:
    if isinstance(value, Tensor):
        return ctypes.c_void_p(value.data_ptr())
    if isinstance(value, ctypes.Structure | ctypes.Array):
        return ctypes.byref(value)
    return ctypes.c_int64(value) if isinstance(value, int) else value


def parallel(call: Callable[[int, int], None], count: int) -> None:
    """Call ``call(first, last)`` for parts of ``range(count)``, one on each of torch's threads."""
    parts = min(torch.get_num_threads(), count)
    if parts < 2:
        call(0, count)
        return
    bounds = [count * part // parts for part in range(parts + 1)]
    ranges, mistakes = pairwise(bounds), list[Exception]()

    def part() -> None:
        try:
            call(*next(ranges))
        except Exception as error:  # raised by the caller's thread
            mistakes.append(error)

    _team()(part, parts)
    if mistakes:
        raise mistakes[0]


@cache
def _team() -> Callable[[Callable[[], None], int], None]:
    """A function that makes a call on several threads.

    They are those that torch has from OpenMP. Others would wait for these, which go on spinning for
    a while after each of torch's operations. Without OpenMP they are Python's.
    """
    found = sorted(Path(torch.__file__).parent.glob("lib/libgomp*.so*"))
    if not found or os.getpid() != _IMPORTED_BY:  # OpenMP's threads don't survive a fork
        return _on_threads_of_python
    start = ctypes.CDLL(str(found[0])).GOMP_parallel
    start.argtypes = (_CALLBACK, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
    start.restype = None
    return lambda call, count: start(_CALLBACK(lambda _: call()), None, count, 0)


def _on_threads_of_python(call: Callable[[], None], count: int) -> None:
    with ThreadPoolExecutor(count) as threads:
        for done in [threads.submit(call) for _ in range(count)]:
            done.result()


os.register_at_fork(after_in_child=_team.cache_clear)
