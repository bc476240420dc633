"""A synthetic run directory: small, deterministic, in the form that the command line writes."""

import json
import math
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BLOCKS = ("skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5")
WINNER = ["SRB_k5", "SRB_k5", "skip", "SRB_k3", "SRB_k5"]
SETTINGS = {
    "dataset": "digits",
    "space": "SNN_1",
    "channels": 16,
    "timesteps": 8,
    "neuron": "PLIF",
    "strategy": "evolution",
    "lambda": -0.08,
    "discounting": "exponential",
    "supernet_epochs": 40,
    "retrain_epochs": 40,
    "seed": 0,
    "data_dir": None,
    "resume": True,
}
EPOCH_COLUMNS = ("epoch", "loss", "accuracy", "spikes", "seconds")
MACRO = (
    ("tbd", 16, 8),
    ("pool", 16, 4),
    ("tbd", 32, 4),
    ("tbd", 32, 4),
    ("pool", 32, 2),
    ("tbd", 64, 2),
    ("tbd", 64, 2),
    ("pool", 64, 1),
)


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def epochs(count: int, top: float, spikes: float, seed: int) -> list[tuple[float, ...]]:
    rng = random.Random(seed)
    rows: list[tuple[float, ...]] = []
    for epoch in range(count):
        done = 1 - math.exp(-(epoch + 1) / 8)
        accuracy = 0.1 + (top - 0.1) * done + rng.gauss(0, 0.008)
        rows.append(
            (
                epoch,
                0.09 * (1.02 - done) * rng.uniform(0.9, 1.1),
                accuracy,
                spikes * (0.7 + 0.3 * done),
                4.2,
            )
        )
    return rows


def candidates(count: int = 200) -> list[tuple[Any, ...]]:
    rng = random.Random(1)
    rows = []
    for order in range(count):
        blocks = [rng.choice(BLOCKS) for _ in range(5)]
        convolutions = sum(block != "skip" for block in blocks)
        spikes = 900 + 650 * convolutions + rng.gauss(0, 260)
        reached = 0.97 - 0.33 * math.exp(-convolutions / 1.5) + order / 20000
        accuracy = min(0.977, reached + rng.gauss(0, 0.012))
        fitness = accuracy * (spikes / 3000) ** -0.08
        rows.append((*blocks, accuracy, spikes, fitness, 1 + order // 20))
    best = (*WINNER, 0.981, 2300.0, 0.981 * (2300 / 3000) ** -0.08, 8)
    rows[150] = best
    return rows


def judged(count: int = 30) -> list[tuple[Any, ...]]:
    """Of the sample that has been trained from scratch, scored by the supernet too."""
    rng = random.Random(7)
    rows = []
    for *blocks, accuracy, spikes, _, _ in candidates()[:count]:
        scratch = (accuracy + rng.gauss(0.01, 0.02), spikes * rng.uniform(0.9, 1.3))
        rows.append((*blocks, accuracy, spikes, *scratch))
    return rows


#: Of layers with weights, per image.
OPERATIONS = [
    {"name": "stem.conv", "synops": 0.0, "macs": 1000.0, "dense": 1000.0, "parameters": 36},
    {"name": "fc.linear", "synops": 7666.7, "macs": 0.0, "dense": 51200.0, "parameters": 6400},
]


def result(blocks: list[str], accuracy: float, scale: float, seed: int) -> dict[str, Any]:
    rng = random.Random(seed)
    layers: list[dict[str, Any]] = []
    stages = [_stage("stem", "stem", "conv 3x3", 16, 8)]
    _layer(layers, "stem", "neuron", 1024, scale, rng)
    names = {"tbd": 0, "pool": 0}
    for kind, channels, size in MACRO:
        names[kind] += 1
        name = f"{kind}{names[kind]}"
        block = blocks[names["tbd"] - 1] if kind == "tbd" else "MaxPool"
        stages.append(_stage(name, kind, block, channels, size))
        neurons = channels * size * size
        if kind == "pool":
            _layer(layers, name, "pool", neurons, scale, rng)
        elif block != "skip":
            _layer(layers, f"{name}.neuron1", "neuron", neurons, scale, rng)
            _layer(layers, f"{name}.neuron2", "neuron", neurons, scale, rng)
    stages.append(_stage("fc", "head", "fully connected", 100, 1))
    stages.append(_stage("vote", "head", "voting", 10, 1))
    _layer(layers, "fc", "neuron", 100, scale, rng)
    spiking = [layer for layer in layers if layer["kind"] == "neuron"]
    neurons = sum(layer["neurons"] for layer in spiking)
    neuron_spikes = sum(layer["spikes"] for layer in spiking)
    return {
        "accuracy": accuracy,
        "spikes": sum(layer["spikes"] for layer in layers),
        "neuron_spikes": neuron_spikes,
        "firing_rate": neuron_spikes / neurons / 8,
        "parameters": 157_584,
        "neurons": neurons,
        "blocks": blocks,
        "space": "SNN_1",
        "channels": 16,
        "timesteps": 8,
        "epochs": 40,
        "layers": layers,
        "stages": stages,
        "operations": OPERATIONS,
        "energy": {"cmos45": 1.15e-8, "mychip": 3e-9},
    }


def _stage(name: str, kind: str, block: str, channels: int, size: int) -> dict[str, Any]:
    return {"name": name, "kind": kind, "block": block, "out_channels": channels, "size": size}


def _layer(
    layers: list[dict[str, Any]],
    name: str,
    kind: str,
    neurons: int,
    scale: float,
    rng: random.Random,
) -> None:
    rate = scale * rng.uniform(0.03, 0.16)
    spikes = 8 * neurons * rate
    row = {"name": name, "kind": kind, "neurons": neurons, "spikes": spikes, "firing_rate": rate}
    layers.append(row)


def write_run(path: Path) -> Path:
    """A finished ``autosnn search`` with both baselines."""
    write_json(path / "settings.json", SETTINGS)
    write_csv(path / "supernet.csv", EPOCH_COLUMNS, epochs(40, 0.93, 3000, 2))
    columns = (*(f"tbd{i}" for i in range(1, 6)), "accuracy", "spikes", "fitness", "generation")
    write_csv(path / "candidates.csv", columns, candidates())
    by_both = ("supernet_accuracy", "supernet_spikes", "accuracy", "spikes")
    write_csv(path / "trust.csv", (*columns[:5], *by_both), judged())
    best = {"space": "SNN_1", "channels": 16, "timesteps": 8, "blocks": WINNER}
    scores = {"accuracy": 0.981, "spikes": 2300.0, "fitness": 1.0021}
    write_json(path / "best.json", best | scores)
    write_json(path / "result.json", result(WINNER, 0.972, 0.9, 3))
    write_csv(path / "retrained.csv", EPOCH_COLUMNS, epochs(40, 0.99, 3400, 4))
    for seed, block in enumerate(("SCB_k3", "SRB_k3"), start=5):
        folder = path / "baselines" / block
        write_json(folder / "result.json", result([block] * 5, 0.94 + seed / 500, 1.3, seed))
        write_csv(folder / "retrained.csv", EPOCH_COLUMNS, epochs(40, 0.97, 4700, seed))
    return path


def add_seeds(run: Path, **stds: float) -> Path:
    """The same run with results of three seeds: the winner is ahead, or within the spread."""
    for folder in (run, *(run / "baselines").iterdir()):
        found = json.loads((folder / "result.json").read_text())
        more: dict[str, Any] = {"seeds": 3}
        for name in ("accuracy", "spikes", "firing_rate"):
            more |= {f"{name}_mean": found[name], f"{name}_std": stds.get(name, found[name] / 500)}
        write_json(folder / "result.json", found | more)
    return run


def keep_only(run: Path, *names: str) -> Path:
    """The same run with nothing but the named files at its top."""
    for path in run.iterdir():
        if path.name not in names:
            path.rename(run.parent / f"dropped-{path.name}")
    return run
