"""Classification of images: what the test pipeline makes of an image, and its class scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from PIL import Image

from swin_dense.inference.results import Recognition
from swin_dense.inference.views import test_pipeline

View = dict[str, Any]  # inputs, data_samples, size
_READER = 'swin_dense.ReadImage'


class ClassViews:
    """Turns an RGB image into what a classifier takes, by the test pipeline of its config without the reading.

    Attributes:
        count: of views of an image.
    """

    count = 1

    def __init__(self, cfg: Config) -> None:
        reader, *steps = test_pipeline(cfg)
        if reader['type'] != _READER:
            raise ValueError(f'the test pipeline of a classifier begins with {_READER}; this one with {reader}.')
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            self._pipeline = Compose(steps)

    def __call__(self, image: np.ndarray, name: str = '') -> list[View]:
        """(H, W, 3) uint8 RGB -> the one view of it, with the image's `size`, (height, width)."""
        packed = self._pipeline({'image': Image.fromarray(np.ascontiguousarray(image)), 'path': name})
        return [{**packed, 'size': (image.shape[0], image.shape[1])}]


class Classifier:
    """The part of prediction that is particular to classifiers."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, views: Sequence[list[View]]) -> list[Recognition]:
        """Class scores of images."""
        data = [each[0] for each in views]
        found = self.model.test_step(
            {'inputs': [each['inputs'] for each in data], 'data_samples': [each['data_samples'] for each in data]}
        )
        return [
            Recognition(view['size'], sample.pred_scores.float().cpu().numpy())
            for view, sample in zip(data, found, strict=True)
        ]
