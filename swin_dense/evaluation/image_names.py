"""Names of images that are the same wherever the data lies."""

import os
from collections.abc import Sequence


def image_names(paths: Sequence[str]) -> list[str]:
    """Paths below the folder that all of them share: wherever the data lies, an image has one name."""
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    return [os.path.relpath(path, folder) for path in paths]
