"""The notebooks of ``examples/``, run in a folder of their own.

``make notebooks`` runs them and writes their outputs.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_output

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

#: The programs of this Python, and one thread: sums are rounded alike every time.
_SURROUNDINGS = {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def read(path: Path) -> Any:
    """A notebook as it is in the repository."""
    return nbformat.read(path, as_version=4)


def run(path: Path) -> Any:
    """The notebook with the outputs of a run, in a folder with the programs of ``examples/``.

    Raises :class:`CellExecutionError` if a cell fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        notebook = _run(path, folder)
    notebook.metadata.pop("language_info")  # the version of this Python
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = list(_plain(cell.outputs, folder))
    return notebook


def _run(path: Path, folder: str) -> Any:
    for program in EXAMPLES.glob("*.py"):
        shutil.copy(program, folder)
    notebook = read(path)
    place = {"metadata": {"path": folder}}
    client = NotebookClient(notebook, timeout=300, record_timing=False, resources=place)
    with mock.patch.dict(os.environ, _SURROUNDINGS):
        return client.execute()


def _plain(outputs: list[Any], folder: str) -> Iterator[Any]:
    """Outputs as every run gives them: text in one piece, no colours, no paths of this machine."""
    for name, pieces in groupby(outputs, key=lambda one: one.get("name")):
        if name is None:
            yield from pieces
        else:
            text = _COLOURS.sub("", "".join(one.text for one in pieces))
            yield new_output("stream", name=name, text=text.replace(f"{folder}/", ""))


def main() -> None:
    """Write every notebook with the outputs of a run."""
    for path in NOTEBOOKS:
        nbformat.write(run(path), path)


if __name__ == "__main__":
    main()
