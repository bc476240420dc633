"""A search by trials as a user's script runs it; the last argument names what is asked as JSON.

Prints a line of JSON after every generation and at the end, then waits for the file ``stop``.
"""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from autosnn_nni import RetiariiExeConfig, RetiariiExperiment, TrialEvaluator
from autosnn_nni.runs.directory import load_run
from autosnn_nni.search_spaces import SpikingSpace
from autosnn_nni.strategies import Evolution, History, TrialSearch


def main(
    port: int,
    id: str,
    stop: str,
    resume: bool = False,
    generations: int = 3,
    final: bool = False,
    device: str = "auto",
    **fields: Any,
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may run in the background
    space = SpikingSpace(**vars(load_run(Path("run")).settings.network))
    search = Evolution(rounds=3, population=3, mutated=1, crossed=1, seed=5)

    def show(history: History) -> None:
        say(generation=history.generations, top=experiment.export_top_models(2))
        if history.generations == generations:
            experiment.stop()

    strategy = TrialSearch(search, on_generation=show)
    evaluator = TrialEvaluator("run", device=device)
    experiment = RetiariiExperiment(space, evaluator, strategy=strategy, id=id)
    if resume:
        experiment.resume(port)
    else:
        experiment.run(RetiariiExeConfig("local", **fields), port)
    say(history=strategy.history.to_json(), top=experiment.export_top_models(2))
    while not Path(stop).exists():
        time.sleep(0.1)
    if final:
        say(final=experiment.final_model(epochs=1).description.blocks)
    experiment.stop()


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
