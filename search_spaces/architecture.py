"""An architecture is the tuple of block names, one per TBD block, in order."""

from collections.abc import Mapping, Sequence

Architecture = tuple[str, ...]


def labels(tbd_blocks: int) -> tuple[str, ...]:
    """NNI's labels of the TBD blocks: ``tbd1`` to ``tbdN``."""
    return tuple(f"tbd{number}" for number in range(1, tbd_blocks + 1))


def to_sample(blocks: Sequence[str]) -> dict[str, str]:
    """NNI's form of an architecture: ``{"tbd1": "SRB_k5", ...}``."""
    return dict(zip(labels(len(blocks)), blocks, strict=True))


def from_sample(sample: Mapping[str, str]) -> Architecture:
    """The architecture of an NNI sample; NNI's keys may be a subclass of ``str``."""
    plain = {str(label): str(block) for label, block in sample.items()}
    return tuple(plain[label] for label in labels(len(plain)))


def from_text(text: str) -> Architecture:
    """The architecture written as ``"SRB_k5,SRB_k5,skip,SRB_k3,SRB_k5"``."""
    return tuple(name.strip() for name in text.split(","))


def to_text(blocks: Sequence[str]) -> str:
    """An architecture as a person reads it."""
    return ", ".join(blocks)
