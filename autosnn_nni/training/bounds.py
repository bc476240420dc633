"""What training takes; without torch, as commands check it first."""

#: Training precisions, by what Lightning calls them.
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed"}
#: Adam's first step divides the learning rate by 0.1, and the result has to be a float32.
MAX_LEARNING_RATE = 1e37
