"""The kernels' own tests, with every access to memory checked by the compiler's sanitisers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autosnn_nni.kernels.c.build_kernels import compile_kernels

ROOT = Path(__file__).parents[4]
TESTS = ("test_convolution.py", "test_pooling.py", "test_firing.py", "test_layers.py")
OPTIONS = (
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O0"),
    # These take a third of the compiler's time, and the first one finds what they find.
    *("-fno-sanitize=null", "-fno-sanitize=object-size", "-fno-sanitize=pointer-overflow"),
)
RUN = """
import sys
from pathlib import Path
import pytest
from autosnn_nni.kernels import library
library.LIBRARY = Path(sys.argv[1])
assert library.processor()
sys.exit(pytest.main(["-q", "-s", "-p", "no:faulthandler", *sys.argv[2:]]))
"""


def path_of(library: str) -> str:
    """Where gcc has it."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    command = ["gcc", f"-print-file-name={library}"]
    path = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    if not path.is_absolute():
        pytest.skip(f"gcc has no {library}")
    return str(path)


@pytest.mark.long
def test_no_kernel_touches_memory_that_is_not_its_own(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        # Before all others; that of C++ because torch throws exceptions.
        "LD_PRELOAD": f"{path_of('libasan.so')} {path_of('libstdc++.so.6')}",
        "ASAN_OPTIONS": "detect_leaks=0",  # Python's own
        "OMP_NUM_THREADS": "1",
    }
    library = tmp_path / "libkernels.so"
    compile_kernels(library, ["gcc"], *OPTIONS)
    tests = [
        *(str(Path(__file__).parents[1] / name) for name in TESTS),
        "-k",
        "equal or way or far",
    ]
    outcome = subprocess.run(
        [sys.executable, "-c", RUN, str(library), *tests],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
