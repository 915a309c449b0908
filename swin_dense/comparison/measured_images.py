"""The image that models of a comparison are measured with: one of their test set, as their test pipeline gives it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from torch import nn

from swin_dense.checks.dataset_configs import dataset_configs
from swin_dense.checks.isolation import silent
from swin_dense.comparison import tasks
from swin_dense.comparison.tasks import CLASSIFICATION
from swin_dense.costs.models import build_part, model_config, takes_clips, usual_size
from swin_dense.inference.classification import ClassViews
from swin_dense.inference.decoding import MAX_PIXELS, UnreadableImage, read_image
from swin_dense.inference.views import Augmentation, Views
from swin_dense.layers.windows import Size

FIRST_IMAGES = 32
_OF_CLIPS = (
    'samples are clips, or in a tar file, and only models of single images in files are measured and drawn here; '
    'tools/describe.py counts parameters and multiply-adds of other models'
)
_AS_IT_IS = Augmentation(scales=(1.0,), flip=False)  # of a config with several views, the one in the middle


@dataclass(frozen=True)
class MeasuredImage:
    """What `test_step` gets, one image.

    Attributes:
        view: `inputs` (3, H, W) uint8, BGR or of classifiers RGB, and `data_samples`, as packed by the test pipeline.
        source: of the image, in words.
    """

    view: dict[str, Any]
    source: str

    @property
    def size(self) -> Size:
        """(height, width) as the pipeline gives it; models may pad it (`padded_to`)."""
        height, width = self.view['inputs'].shape[-2:]
        return height, width

    def batch(self, count: int) -> dict[str, list[Any]]:
        """The image `count` times, each with a sample of its own: predictions are written into it."""
        view = self.view
        return {
            'inputs': [view['inputs']] * count,
            'data_samples': [view['data_samples'].clone() for _ in range(count)],
        }


def common_images(configs: Mapping[str, Config]) -> dict[str, MeasuredImage]:
    """One image for all models of a task, of the size that most of the first images of the test set have.

    Where the test sets or pipelines of a task differ, it is the largest of theirs, for all of them.
    """
    found = {name: _usual_image(cfg) for name, cfg in configs.items()}
    chosen = {}
    for task in {task_of(cfg) for cfg in configs.values()}:
        names = [name for name, cfg in configs.items() if task_of(cfg) == task]
        largest = max(names, key=lambda name: found[name].size[0] * found[name].size[1])
        image = found[largest]
        if any(found[name].size != image.size for name in names):
            others = ', '.join(f'{name}: {_shown(found[name].size)}' for name in names)
            image = MeasuredImage(image.view, f'{image.source}; the largest of the sizes of the tests ({others})')
        chosen.update(dict.fromkeys(names, image))
    return {name: chosen[name] for name in configs}


def padded_to(cfg: Config, image: MeasuredImage) -> Size:
    """(height, width) of what the network of `cfg` sees of the image: padded as its preprocessor does."""
    height, width = prepared_inputs(preprocessor_of(cfg), image).shape[-2:]
    return height, width


def prepared_inputs(preprocessor: nn.Module, image: MeasuredImage) -> torch.Tensor:
    """(1, 3, H, W), normalised and padded."""
    return preprocessor(image.batch(1), False)['inputs']


def preprocessor_of(cfg: Config) -> nn.Module:
    return build_part(model_config(cfg)['data_preprocessor'], cfg.get('default_scope', 'mmdet'), 'cpu')


def task_of(cfg: Config) -> str:
    return tasks.task_of(model_config(cfg))


def usual_images(cfg: Config, count: int) -> list[MeasuredImage]:
    """The first images of the test set that have the size most have, at most `count`; none where it is not there."""
    found, views, source = _of_usual_size(cfg)
    return [MeasuredImage(views(image)[0], source) for image in found[:count]]


def _usual_image(cfg: Config) -> MeasuredImage:
    found, views, source = _of_usual_size(cfg)
    if found:
        return MeasuredImage(views(found[0])[0], f'the first image of the test set with {source}')
    size = _scale_of(cfg.to_dict().get('test_dataloader')) or cast(Size, usual_size(cfg))
    blank = np.full((*size, 3), 128, np.uint8)
    return MeasuredImage(views(blank)[0], f'a grey image of {_shown(size)}: the test set is not there')


def _of_usual_size(cfg: Config) -> tuple[list[np.ndarray], Views | ClassViews, str]:
    """Images of the most frequent size after the test pipeline, that pipeline, and the size in words."""
    cfg = Config(cfg.to_dict(), filename=cfg.filename)
    cfg.setdefault('default_scope', 'mmdet')
    task = task_of(cfg)
    if task == CLASSIFICATION and takes_clips(cfg):
        raise ValueError(_OF_CLIPS)
    views: Views | ClassViews = ClassViews(cfg) if task == CLASSIFICATION else Views(cfg, _AS_IT_IS, task=task)
    images = list(islice(_test_images(cfg), FIRST_IMAGES))
    sizes: dict[Size, Size] = {}  # of an image -> of what the pipeline makes of it
    for size in {image.shape[:2] for image in images}:
        height, width = views(np.zeros((*size, 3), np.uint8))[0]['inputs'].shape[-2:]
        sizes[size] = height, width
    counted = Counter(sizes[image.shape[:2]] for image in images)
    if not counted:
        return [], views, ''
    # of two that are as frequent, the larger
    usual, count = max(counted.items(), key=lambda item: (item[1], item[0][0] * item[0][1]))
    found = [image for image in images if sizes[image.shape[:2]] == usual]
    return found, views, f'the size that {count} of its first {len(images)} have'


def _test_images(cfg: Config) -> Iterator[np.ndarray]:
    """(H, W, 3) uint8 RGB, in the order of the test set; none where it is not there."""
    with DefaultScope.overwrite_default_scope(cfg.default_scope), silent():
        for leaf in dataset_configs(cfg, ['test']):
            try:
                dataset = DATASETS.build(leaf.cfg)
                paths = [image_path(dataset.get_data_info(number)) for number in range(min(len(dataset), FIRST_IMAGES))]
                yield from [read_image(path, max_pixels=MAX_PIXELS) for path in paths]
            except (OSError, UnreadableImage):
                return


def image_path(info: Mapping[str, Any]) -> str:
    """Of a sample of a data set.

    Raises:
        ValueError: it is a clip. Its models are compared by their scores alone.
    """
    if 'img_path' in info:
        return info['img_path']
    if 'path' in info and 'slice' not in info:
        return info['path']
    raise ValueError(_OF_CLIPS)


def _scale_of(node: Any) -> Size | None:
    """(height, width) of the first `scale` of the steps of a pipeline, which is (width, height)."""
    if isinstance(node, dict):
        scale = node.get('scale')
        if scale is not None:
            sides = (scale, scale) if isinstance(scale, (int, float)) else scale
            return int(sides[1]), int(sides[0])
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        return next((found for each in node if (found := _scale_of(each))), None)
    return None


def _shown(size: Size) -> str:
    return f'{size[0]} x {size[1]}'
