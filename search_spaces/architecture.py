"""Architectures: tuples of block names, one per TBD block, in order.

If the timesteps are searched as well, their name comes last: ``T4`` means T = 4.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

Architecture = tuple[str, ...]

#: NNI's label of the timesteps, if they are searched.
TIMESTEPS = "timesteps"

_NAMED = re.compile(r"T([1-9]\d*)")


def labels(tbd_blocks: int) -> tuple[str, ...]:
    """NNI's labels of the TBD blocks: ``tbd1`` to ``tbdN``."""
    return tuple(f"tbd{number}" for number in range(1, tbd_blocks + 1))


def in_order(found: Iterable[str]) -> tuple[str, ...]:
    """Return labels as plain ``str`` in architecture order; NNI's may be a subclass of ``str``."""
    plain = {str(label) for label in found}
    blocks = labels(len(plain - {TIMESTEPS}))
    return (*blocks, TIMESTEPS) if TIMESTEPS in plain else blocks


def timesteps_name(timesteps: int) -> str:
    """``T4`` for 4 timesteps."""
    return f"T{timesteps}"


def split_timesteps(architecture: Sequence[str]) -> tuple[Architecture, int | None]:
    """Split an architecture into its blocks and its timesteps (``None`` if not given)."""
    named = _NAMED.fullmatch(architecture[-1]) if architecture else None
    blocks = tuple(architecture)
    return (blocks[:-1], int(named[1])) if named else (blocks, None)


def to_sample(architecture: Sequence[str]) -> dict[str, str]:
    """Convert an architecture to an NNI sample: ``{"tbd1": "SRB_k5", ..., "timesteps": "T4"}``."""
    blocks, timesteps = split_timesteps(architecture)
    sample = dict(zip(labels(len(blocks)), blocks, strict=True))
    return sample if timesteps is None else {**sample, TIMESTEPS: timesteps_name(timesteps)}


def from_sample(sample: Mapping[str, str]) -> Architecture:
    """Convert an NNI sample to an architecture; NNI's keys may be a subclass of ``str``."""
    plain = {str(label): str(block) for label, block in sample.items()}
    return tuple(plain[label] for label in in_order(plain))


def from_text(text: str) -> Architecture:
    """Parse an architecture such as ``"SRB_k5,SRB_k5,skip,SRB_k3,SRB_k5"``."""
    return tuple(name.strip() for name in text.split(","))


def to_text(blocks: Sequence[str]) -> str:
    """Format an architecture for display."""
    return ", ".join(blocks)
