"""AutoSNN through NNI's Python API: supernet, spike-aware evolution, final model."""

import torch

from autosnn_nni import RetiariiExeConfig, RetiariiExperiment, SpikingEvaluator, Training
from autosnn_nni.data import load_dataset, split
from autosnn_nni.search_spaces import SpikingSpace
from autosnn_nni.strategies import AutoSNN, Evolution, Fitness

torch.manual_seed(0)
data = split(load_dataset("digits"), seed=0)
space = SpikingSpace("SNN_1", shape=(1, 8, 8), classes=10, channels=16, timesteps=4)
evaluator = SpikingEvaluator(data, Training(epochs=120, batch_size=32))
strategy = AutoSNN(Evolution(rounds=5), Fitness(-0.08))

experiment = RetiariiExperiment(space, evaluator, strategy=strategy)
experiment.run(RetiariiExeConfig(execution_engine="oneshot"))

for architecture in experiment.export_top_models(top_k=3, formatter="metrics"):
    print(architecture)
final = experiment.final_model(epochs=15)
print(f"{final.accuracy:.1%} test accuracy, {final.spikes:,.0f} spikes per image")
torch.save(final.network.state_dict(), "final.pt")
