"""Setuptools' build backend, which compiles the kernels first.

They are compiled by the system's C compiler, or by the one in PyPI's ``ziglang``, which pip brings
if there is no other. If neither works, the package is built without them.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (  # noqa: F401  # hooks that need no compiler
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

SOURCES = Path(__file__).parent
LIBRARY = SOURCES.parent / "libkernels.so"

_OPTIONS = ("-std=gnu11", "-O3", "-fPIC", "-ffp-contract=off", "-Wall", "-Wno-psabi")
_AVX2 = ("-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mpopcnt")
_AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mprefer-vector-width=512")
#: Bytes of a vector and the compiler's options, by name. One of them is chosen at run time.
_PROCESSORS: dict[str, tuple[int, tuple[str, ...]]] = {"plain": (16, ())}
if platform.machine() in ("x86_64", "AMD64"):
    _PROCESSORS |= {"avx2": (32, _AVX2), "avx512": (64, (*_AVX2, *_AVX512))}


def compile_kernels(library: Path, compiler: list[str], *options: str) -> None:
    """Compile the kernels of all processors into one shared library.

    Raises :class:`subprocess.CalledProcessError` or :class:`OSError` if the compiler fails.
    """
    options = (*_OPTIONS, *options)
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for name, (vector, own) in _PROCESSORS.items():
            objects.append(str(Path(folder, f"{name}.o")))
            definitions = f"-DPROCESSOR={name}", f"-DVECTOR={vector}"
            source = SOURCES / "kernels.c"
            _run([*compiler, *options, *own, *definitions, "-c", str(source), "-o", objects[-1]])
        made = library.with_name(f"{library.name}.new")  # half a library would end Python
        sources = [str(SOURCES / name) for name in ("processor.c", "threads.c")]
        digest = f'-DSOURCES="{_digest()}"'
        _run([*compiler, *options, digest, "-shared", *sources, *objects, "-lm", "-o", str(made)])
        made.replace(library)


def _digest() -> str:
    """Of the sources: a library of others is not loaded."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    return hashlib.sha256(b"".join(one.read_bytes() for one in sources)).hexdigest()


def compilers() -> Iterator[list[str]]:
    """The commands of C compilers that work here, the best one first."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and _works(command := shlex.split(name)):
            yield command
    if find_spec("ziglang"):
        yield [sys.executable, "-m", "ziglang", "cc"]


def _works(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "test.c")
        source.write_text("#include <stdlib.h>\nvoid *test(void) { return malloc(1); }\n")
        try:
            _run([*command, "-shared", "-fPIC", str(source), "-o", f"{source}.so"])
        except (subprocess.CalledProcessError, OSError):
            return False
    return True


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _build() -> bool:
    """Compile the kernels next to their sources; whether that worked."""
    LIBRARY.unlink(missing_ok=True)
    for compiler in compilers():
        try:
            compile_kernels(LIBRARY, compiler)
        except (subprocess.CalledProcessError, OSError) as error:
            detail = (getattr(error, "stderr", None) or b"").decode(errors="replace")
            print(f"{shlex.join(compiler)} failed: {error}\n{detail}", file=sys.stderr)  # noqa: T201
        else:
            return True
    print("no C compiler works: the package is built without its kernels", file=sys.stderr)  # noqa: T201
    return False


def _ziglang() -> list[str]:
    return [] if any(True for _ in compilers()) else ["ziglang>=0.13"]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """PEP 517: what pip installs first."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_ziglang()]


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    """PEP 660: what pip installs first."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *_ziglang()]


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    """PEP 517: build a wheel, for this platform if it has kernels."""
    settings = dict(config_settings or {})
    if _build():
        tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        settings["--build-option"] = [*settings.get("--build-option", []), f"--plat-name={tag}"]
    return build_meta.build_wheel(wheel_directory, settings, metadata_directory)


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    """PEP 660: build the wheel of an editable installation."""
    _build()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)
