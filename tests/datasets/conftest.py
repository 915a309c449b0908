import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Write arrays as images and masks: folder({'images/a.jpg': array, 'masks/a.png': array or PIL image})."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = content if isinstance(content, Image.Image) else Image.fromarray(np.asarray(content))
            image.save(path)
        return tmp_path

    return write
