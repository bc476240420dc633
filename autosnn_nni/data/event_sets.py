"""The paper's neuromorphic data sets (A.2.2): each is a reader, registered by its decorator."""

from dataclasses import replace
from pathlib import Path

from autosnn_nni.data.cache import cached
from autosnn_nni.data.camera import VERSION, record
from autosnn_nni.data.collection import Collection
from autosnn_nni.data.dataset import DataInfo, register_dataset
from autosnn_nni.data.events import SIDE, to_frames
from autosnn_nni.data.folders import check_unused, own_folder
from autosnn_nni.data.images import Images
from autosnn_nni.data.recordings import Recordings, frames_of, recorded
from autosnn_nni.errors import UserError

_CIFAR10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_GESTURES = tuple(str(gesture) for gesture in range(11))
_DIGITS = tuple(str(digit) for digit in range(10))

# A.1 augments static images only.
_CIFAR10_INFO = DataInfo(
    (2, SIDE, SIDE),
    classes=10,
    padding=0,
    flip=False,
    timesteps=20,
    events=True,
    sensor=(SIDE, SIDE),
)
_DIGITS_INFO = replace(_CIFAR10_INFO, batch_size=32, supernet_epochs=60, retrain_epochs=20)


@register_dataset("CIFAR10DVS", _CIFAR10_INFO)
def cifar10_dvs(folder: Path | None, timesteps: int) -> tuple[Images, Images]:
    """CIFAR10-DVS; the first nine tenths of each class, by number, are for training.

    All 10,000 recordings give the paper's 9,000 and 1,000; there is no official split.
    """
    archives = tuple(f"{name}.zip" for name in _CIFAR10)
    source = Recordings("CIFAR10DVS", folder or own_folder("CIFAR10DVS"), archives)
    source.download()

    def build(scratch: Path) -> tuple[Images, Images]:
        train, test = Collection(scratch, _CIFAR10), Collection(scratch, _CIFAR10)
        for unpacked in source.unpacked(scratch):
            for label, name in enumerate(_CIFAR10):
                files = recorded(unpacked / name)
                first = len(files) * 9 // 10
                for number, frames in enumerate(frames_of(files, timesteps)):
                    (train if number < first else test).add(frames, label)
        return train.images(), test.images()

    return cached(source.name, f"T{timesteps}", source.folder, source.stamps(), build)


@register_dataset("DVS128Gesture", replace(_CIFAR10_INFO, classes=11))
def dvs128_gesture(folder: Path | None, timesteps: int) -> tuple[Images, Images]:
    """DVS128-Gesture with its official split; its archive has to be downloaded by hand.

    SpikingJelly extracts 1,176 and 288 recordings from it. The paper's 1,342 for training is about
    what other readers extract for training and testing together.
    """
    source = Recordings(
        "DVS128Gesture", folder or own_folder("DVS128Gesture"), ("DvsGesture.tar.gz",)
    )
    if source.missing():
        raise UserError(
            f"DVS128Gesture is not in {source.folder}; put DvsGesture.tar.gz there or give its "
            "folder with --data-dir"
        )

    def build(scratch: Path) -> tuple[Images, Images]:
        train, test = Collection(scratch, _GESTURES), Collection(scratch, _GESTURES)
        for unpacked in source.unpacked(scratch):
            for part, images in (("train", train), ("test", test)):
                for label, name in enumerate(_GESTURES):
                    for frames in frames_of(recorded(unpacked / part / name), timesteps):
                        images.add(frames, label)
        return train.images(), test.images()

    return cached(source.name, f"T{timesteps}", source.folder, source.stamps(), build)


@register_dataset("digitsDVS", _DIGITS_INFO)
def digits_dvs(folder: Path | None, timesteps: int) -> tuple[Images, Images]:
    """Simulated event data: digits that move in front of a simulated event camera.

    For trying out networks and searches on events offline: 50 digits per class, 40 for training and
    10 for testing. Results say nothing about real cameras. ``folder`` is not used.
    """
    check_unused(folder)

    def build(scratch: Path) -> tuple[Images, Images]:
        from sklearn.datasets import load_digits  # here, because it is slow to import

        content = load_digits()
        train, test = Collection(scratch, _DIGITS), Collection(scratch, _DIGITS)
        for label in range(10):
            for number, image in enumerate(content.images[content.target == label][:50]):
                frames = to_frames(record(image / 16), timesteps, f"digit {label}_{number}")
                (train if number < 40 else test).add(frames, label)
        return train.images(), test.images()

    return cached("digitsDVS", f"T{timesteps}", None, {"version": VERSION}, build)
