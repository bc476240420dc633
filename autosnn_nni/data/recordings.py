"""Recordings of event cameras, in SpikingJelly's folders or in the archives that it unpacks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autosnn_nni.data.downloads import downloading
from autosnn_nni.data.events import to_frames
from autosnn_nni.data.folders import (
    damage_reported,
    is_hidden,
    look_into,
    natural,
    silence,
    stamp,
)

_PREPARED = "events_np"
_FIX = "restore it"


@dataclass(frozen=True)
class Recordings:
    """The recordings of ``spikingjelly.datasets.<name>`` in ``folder``.

    The folder has either the published ``archives``, directly or in ``download/``, or
    ``events_np/``, which SpikingJelly makes from them.
    """

    name: str
    folder: Path
    archives: tuple[str, ...]

    @property
    def prepared(self) -> bool:
        """Whether SpikingJelly has prepared the folder completely."""
        events = self.folder / _PREPARED
        return events.is_dir() and not events.with_name(f"{_PREPARED}.building").exists()

    def missing(self) -> list[str]:
        """The archives that are missing; raises :class:`UserError` for an unusable folder."""
        if look_into(self.folder, lambda _: self.prepared):
            return []
        return [archive for archive in self.archives if not self._find(archive)]

    def download(self) -> None:
        """Download the missing archives; raises :class:`UserError` if that fails."""
        missing = self.missing()
        if not missing:
            return
        from torchvision.datasets.utils import download_url  # slow to import

        for file, url, md5 in _resources(self.name, missing):
            what = self.name if len(missing) == len(self.archives) else f"{file} of {self.name}"
            with downloading(what, self.folder) as staging:
                download_url(url, staging, file, md5)
                (self.folder / "download").mkdir(parents=True, exist_ok=True)
                (staging / file).replace(self.folder / "download" / file)

    def stamps(self) -> dict[str, list[int]]:
        """Names, sizes in bytes and times of all files that are read."""
        if self.prepared:
            files = (self.folder / _PREPARED).rglob("*.npz")
            return {
                str(file.relative_to(self.folder)): stamp(file.stat())
                for file in files
                if not is_hidden(file.name)
            }
        found = {archive: self._find(archive) for archive in self.archives}
        return {archive: stamp(path.stat()) for archive, path in found.items() if path}

    def unpacked(self, scratch: Path) -> Iterator[Path]:
        """Yield the folder of prepared recordings, or one below ``scratch`` for each archive."""
        if self.prepared:
            yield self.folder / _PREPARED
            return
        for archive in self.archives:
            with TemporaryDirectory(dir=scratch) as staging:
                yield self._convert(self._find(archive) or self.folder / archive, Path(staging))

    def _find(self, archive: str) -> Path | None:
        places = (self.folder / archive, self.folder / "download" / archive)
        return next((path for path in places if path.is_file()), None)

    def _convert(self, archive: Path, staging: Path) -> Path:
        """Let SpikingJelly check and unpack one archive, outside the user's folder."""
        (staging / "download").mkdir()
        (staging / "download" / archive.name).symlink_to(archive.resolve())
        with damage_reported(archive, _FIX), silence(), _fast():
            try:
                _reader(self.name, archive.name)(staging)
            except NotImplementedError:  # it tries to download a file with a wrong checksum again
                raise ValueError("its checksum is not the published one") from None
        return staging / _PREPARED


def recorded(folder: Path) -> list[Path]:
    """The recording files in ``folder``, sorted by number."""
    files = (file for file in folder.glob("*.npz") if not is_hidden(file.name))
    return sorted(files, key=lambda file: natural(file.stem))


def frames_of(files: Sequence[Path], timesteps: int) -> Iterator[NDArray[Any]]:
    """Yield each recording in ``timesteps`` frames; raises :class:`UserError` for a damaged one."""
    for file in files:
        with damage_reported(file, _FIX), np.load(file) as content:
            t, x, y, p = np.stack([content[key] for key in "txyp"])  # fails if lengths differ
        yield to_frames({"t": t, "x": x, "y": y, "p": p}, timesteps, file.stem)


def _resources(name: str, files: Sequence[str]) -> list[tuple[str, str, str]]:
    """Name, address and checksum of the given published ``files``."""
    import spikingjelly.datasets  # slow to import

    published = getattr(spikingjelly.datasets, name).resource_url_md5()
    return [resource for resource in published if resource[0] in files]


def _reader(name: str, archive: str) -> Any:
    """SpikingJelly's data set class with a single archive, so that one is unpacked at a time."""
    import spikingjelly.datasets  # slow to import

    resources = _resources(name, [archive])
    methods = {
        "resource_url_md5": classmethod(lambda cls: resources),
        "downloadable": classmethod(lambda cls: False),
    }
    return type(name, (getattr(spikingjelly.datasets, name),), methods)


@contextmanager
def _fast() -> Iterator[None]:
    """Make SpikingJelly skip compression and use two threads.

    Compressing files that are deleted soon takes longer than all other work. Each thread holds a
    whole recording session in lists, about 100 bytes per event.
    """
    from spikingjelly import configure
    from spikingjelly.datasets import utils

    before = utils.np_savez, configure.max_threads_number_for_datasets_preprocess
    utils.np_savez, configure.max_threads_number_for_datasets_preprocess = np.savez, 2
    try:
        yield
    finally:
        utils.np_savez, configure.max_threads_number_for_datasets_preprocess = before
