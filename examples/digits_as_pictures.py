"""Write scikit-learn's digits as PNG files by class, to have a folder of pictures to try.

python examples/digits_as_pictures.py pictures
"""

import sys
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits


def main(folder: Path) -> None:
    """Write ``train/CLASS/NUMBER.png``, and every fifth picture to ``test/CLASS/NUMBER.png``."""
    pixels, labels = load_digits(return_X_y=True)
    for number, (row, label) in enumerate(zip(pixels, labels, strict=True)):
        place = folder / ("test" if number % 5 == 0 else "train") / f"digit {label}"
        place.mkdir(parents=True, exist_ok=True)
        grey = (row.reshape(8, 8) * (255 / 16)).round().astype("uint8")
        Image.fromarray(grey).save(place / f"{number}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
