"""Test networks with the batch norm statistics that they have."""

from autosnn_nni.data import Batches, DataSet
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.scoring.evaluation import Evaluation, evaluate
from autosnn_nni.search_spaces import SpikingNetwork


def measure(
    network: SpikingNetwork, dataset: DataSet, scoring: Scoring, images: int | None = None
) -> Evaluation:
    """Results of ``network`` on ``images`` test images, by default on all."""
    test = dataset.test
    if images is not None:
        test = test.sample(images)
    device, size = scoring.torch_device, scoring.batch_size
    batches = Batches(test, dataset, batch_size=size, device=device)
    return evaluate(network, batches, operations=True)
