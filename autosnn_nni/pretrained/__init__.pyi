from .index import Entry, Measured, find_entry, read_index
from .weights import Pretrained, load_pretrained

__all__ = ["Entry", "Measured", "Pretrained", "find_entry", "load_pretrained", "read_index"]
