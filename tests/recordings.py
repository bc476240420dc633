"""Fetches real recordings of event cameras for the tests: those in faery's source distribution.

python tests/recordings.py FOLDER
"""

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

#: With its checksum: no other recordings than those that the tests were written with.
SOURCE = (
    "faery==0.7.1 --hash=sha256:15ddf16d927d6b7c88c1e8b9adb72fe17dc17d08f6ac81f7404ec4d5e9528e56\n"
)
RECORDINGS = ("dvs.es", "davis346.aedat4", "evt2.raw", "gen4.dat")

# Before it saves a source distribution, pip asks its build backend for the package's metadata.
# That of faery needs Rust; nothing is built here, so that this one in its place is enough.
BACKEND = """
from pathlib import Path

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = Path(metadata_directory) / "faery-0.7.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\\nName: faery\\nVersion: 0.7.1\\n")
    return folder.name
"""


def download(folder: Path) -> Path:
    """The source distribution, from wherever pip has its packages."""
    (folder / "maturin.py").write_text(BACKEND)
    (folder / "source.txt").write_text(SOURCE)
    options = ("--quiet", "--no-deps", "--no-binary=faery", "--no-build-isolation")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "-r", "source.txt", "-d", "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=True,
    )
    return next(folder.glob("faery-*.tar.gz"))


def fetch(folder: Path) -> None:
    """Put the recordings into ``folder``, all or none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as temporary:
        whole = Path(temporary) / "recordings"
        whole.mkdir()
        with tarfile.open(download(Path(temporary))) as archive:
            for name in RECORDINGS:
                content = archive.extractfile(f"faery-0.7.1/tests/data/{name}")
                assert content is not None
                (whole / name).write_bytes(content.read())
        whole.replace(folder)


if __name__ == "__main__":
    fetch(Path(sys.argv[1]).resolve())
