"""What training takes; without torch, as commands check it first."""

#: Training precisions, by what Lightning calls them.
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed"}
#: What is done to training images. The paper's crops and flips them, and cuts a square out of those
#: that networks are trained on from scratch (Section A.1); ``crop`` does not cut, ``flip`` is only
#: that, and nothing for data sets whose images must not be mirrored.
AUGMENTATIONS = ("paper", "crop", "flip", "none")
#: Adam's first step divides the learning rate by 0.1, and the result has to be a float32.
MAX_LEARNING_RATE = 1e37
