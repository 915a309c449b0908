"""Images of a test set with their ground truth, in the form of predictions: drawn by the same code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmdet.datasets.transforms import LoadAnnotations
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from swin_dense.checks.dataset_configs import dataset_configs
from swin_dense.checks.isolation import silent
from swin_dense.comparison.measured_images import image_path
from swin_dense.comparison.predictions import with_classes
from swin_dense.comparison.tasks import SEGMENTATION
from swin_dense.datasets.palettes import checked_palette
from swin_dense.engine.pipelines import annotation_loaders
from swin_dense.evaluation.image_names import image_names
from swin_dense.inference.decoding import MAX_PIXELS, read_image
from swin_dense.inference.masks import cropped
from swin_dense.inference.results import Detections, Prediction, Segmentation

UNLABELLED = 'not labelled'


@dataclass(frozen=True)
class TruthImage:
    """An image, (H, W, 3) uint8 RGB, its file, and what is to be found in it."""

    path: str
    pixels: np.ndarray
    truth: Prediction


class TestImages:
    """The images of a test set by what the runs called them.

    Args:
        cfg: of any of the models; not changed.
        task: `detection` or `segmentation`.

    Attributes:
        classes: names, in the order of the labels; of a segmentation one more, of pixels that do not count.
        palette: (classes, 3) uint8 RGB.
    """

    __test__ = False  # for pytest: this is no test

    def __init__(self, cfg: Config, task: str) -> None:
        cfg = with_classes(cfg)
        self._is_segmentation = task == SEGMENTATION
        self._scope = cfg.default_scope
        with DefaultScope.overwrite_default_scope(self._scope), silent():
            self._datasets = [DATASETS.build(leaf.cfg) for leaf in dataset_configs(cfg, ['test'])]
            self._infos = [(each, each.get_data_info(n)) for each in self._datasets for n in range(len(each))]
        metainfo = self._datasets[0].metainfo
        self.classes = tuple(map(str, metainfo['classes']))
        self.palette = checked_palette(metainfo.get('palette'), len(self.classes))
        if self._is_segmentation:
            self.classes += (UNLABELLED,)
            self.palette = np.concatenate([self.palette, np.zeros((1, 3), np.uint8)])
        names: Sequence[Any] = [info.get('img_id') for _, info in self._infos]
        if self._is_segmentation:
            names = image_names([image_path(info) for _, info in self._infos])
        self._places = {name: place for place, name in enumerate(names)}

    def load(self, name: Any) -> TruthImage:
        """Read an image and its truth.

        Args:
            name: as in the files of each image: the id of a COCO file, or the name of a segmentation's image.

        Raises:
            ValueError: the test set has no such image.
        """
        name = name.item() if isinstance(name, np.generic) else name
        if name not in self._places:
            raise ValueError(
                f'the test set has no image {name!r}, on which the runs were tested. Give the data set of the runs.'
            )
        dataset, info = self._infos[self._places[name]]
        pixels = read_image(info['img_path'], max_pixels=MAX_PIXELS)
        with DefaultScope.overwrite_default_scope(self._scope), silent():
            truth = self._segmentation(dataset, info) if self._is_segmentation else _detections(info, pixels)
        return TruthImage(info['img_path'], pixels, truth)

    def _segmentation(self, dataset: Any, info: Mapping[str, Any]) -> Segmentation:
        """As the test's own pipeline loads it."""
        steps, place = next(annotation_loaders(dataset.pipeline))
        results = dict(info)
        results.setdefault('seg_fields', [])
        for number, step in enumerate(steps[place:]):
            if number and not getattr(step, 'completes_loading', False):
                break
            results = step(results)
        labels = results['gt_seg_map'].astype(np.int64)
        count = len(self.classes) - 1
        labels[(labels < 0) | (labels >= count)] = count
        return Segmentation(labels.astype(np.uint8 if count < 256 else np.uint16))


def _detections(info: Mapping[str, Any], pixels: np.ndarray) -> Detections:
    """Objects that count: no crowds."""
    size = pixels.shape[0], pixels.shape[1]
    instances = [each for each in info['instances'] if not each.get('ignore_flag')]
    has_masks = bool(instances) and all(each.get('mask') for each in instances)
    loaded = LoadAnnotations(with_bbox=True, with_mask=has_masks)(
        {**info, 'instances': instances, 'height': size[0], 'width': size[1], 'ori_shape': size, 'img_shape': size}
    )
    masks = None
    if has_masks:
        masks = tuple(cropped(mask.astype(bool)) for mask in loaded['gt_masks'].to_ndarray())
    return Detections(
        size=size,
        boxes_xyxy=loaded['gt_bboxes'].tensor.numpy().astype(np.float32).reshape(-1, 4),
        scores=np.ones(len(instances), np.float32),
        labels=np.asarray(loaded['gt_bboxes_labels'], np.int64),
        masks=masks,
    )
