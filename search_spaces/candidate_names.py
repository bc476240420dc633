"""Names that candidates can't have: torch, NNI and architectures use them otherwise."""

from torch import nn

from autosnn_nni.search_spaces.architecture import split_timesteps

#: Public attributes of NNI's ``LayerChoice``, of which each candidate becomes one too. NNI is slow
#: to import.
_OF_LAYER_CHOICE = (
    *("add_mutable", "as_legacy_dict", "candidates", "check_contains"),
    *("choice", "contains", "create_fixed_module", "default"),
    *("equals", "freeze", "grid", "label"),
    *("leaf_mutables", "mutable_descendants", "mutables", "named_mutable_descendants"),
    *("names", "random", "robust_default", "should_invoke_fixed_module"),
    *("simplify", "validate"),
)


def is_reserved(name: str) -> bool:
    """Whether ``name`` is an attribute of every choice, or reads as timesteps, as ``T4``."""
    _, timesteps = split_timesteps([name])
    return timesteps is not None or name in _OF_LAYER_CHOICE or hasattr(nn.Module(), name)
