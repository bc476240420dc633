"""Which of the paper's networks fit which chip: the table of docs/chips.md.

python -m tests.benchmarks.chips
"""

from autosnn_nni.chips import CHIPS
from autosnn_nni.mapping import Fit, fit_of
from autosnn_nni.search_spaces import NETWORKS, NetworkConfig

#: Fashion-MNIST, and CIFAR10 with the paper's sizes.
IMAGES = {"28x28, C = 8, T = 4": ((1, 28, 28), 8, 4), "32x32, C = 16, T = 8": ((3, 32, 32), 16, 8)}
PAPERS = (
    *("AutoSNN-0", "AutoSNN-0.08", "AutoSNN-0.16", "AutoSNN-0.24"),
    *("CIFARNet-Wu", "CIFARNet-Fang", "ResNet11-Lee", "ResNet19-Zheng"),
)
#: With IF neurons, which all chips have.
OTHERS = {
    "Speck space, conv 3x3": ("Speck", ("SCB_k3", "SCB_k3", "skip", "SCB_k3", "SCB_k3")),
    "Speck space, skips": ("Speck", ("SCB_k3", "skip", "SCB_k3", "skip", "skip")),
}


def main() -> None:
    """Print it in Markdown."""
    found = {name: (NETWORKS[name].space, NETWORKS[name].blocks) for name in PAPERS}
    for title, (shape, channels, timesteps) in IMAGES.items():
        print(f"\n{title}\n")
        print("| network | " + " | ".join(CHIPS) + " |")
        print("|---|" + "---|" * len(CHIPS))
        for name, (space, blocks) in {**found, **OTHERS}.items():
            neuron = "IF" if name in OTHERS else "PLIF"
            config = NetworkConfig(
                space,
                shape=shape,
                classes=10,
                channels=channels,
                timesteps=timesteps,
                neuron=neuron,
                candidates=("skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5"),
            )
            fits = (fit_of(config, blocks, chip, pixels=True) for chip in CHIPS)
            print(f"| {name} | " + " | ".join(map(_cell, fits)) + " |", flush=True)


def _cell(fit: Fit) -> str:
    if fit.fits:
        return f"{sum(fit.cores)} cores"
    return f"no: {fit.problems[0].partition(' (')[0]}"


if __name__ == "__main__":
    main()
