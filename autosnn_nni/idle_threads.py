"""How long threads wait for each other before they let others have the processor."""

import os

#: Turns of a loop. Fewer cost time when nothing else runs: threads sleep between operations then.
_SPINS = "10000"


def spin_briefly() -> None:
    """Let OpenMP's threads spin briefly when they wait, unless the user has said how they wait.

    By default they spin for milliseconds after each of torch's operations. If any other process
    works on the machine, they spin in each other's way: training took many times as long beside
    one. It has an effect on what is imported later: torch reads it when it is loaded.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
