"""Spike-aware evolution with NNI trials, shown in NNI's web UI.

Every trial scores one architecture with the weights of the supernet trained by `make search`.
Resume after Ctrl-C or a crash with
`RetiariiExperiment(space, evaluator, strategy=strategy, id=...).resume(8081)`; the id is printed
next to the web UI's address.
"""

from autosnn_nni import RetiariiExeConfig, RetiariiExperiment, TrialEvaluator
from autosnn_nni.search_spaces import SpikingSpace
from autosnn_nni.strategies import Evolution, TrialSearch

space = SpikingSpace("SNN_1", shape=(1, 8, 8), classes=10)
evaluator = TrialEvaluator("runs/digits")
strategy = TrialSearch(Evolution(rounds=3, population=6, mutated=3, crossed=3))

experiment = RetiariiExperiment(space, evaluator, strategy=strategy)
experiment.run(RetiariiExeConfig("local", trial_concurrency=2), port=8081)

for architecture in experiment.export_top_models(top_k=3, formatter="metrics"):
    print(architecture)
input("Press Enter to close NNI's web UI ")
experiment.stop()
