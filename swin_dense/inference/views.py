"""What a model sees of an image: the test pipeline of its config, once, or for each scale and flip of a larger test.

The transforms are those of the config, so that predictions are those of `tools/test.py`. Loading is left out, since the
image is there; so are annotations.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope

Transform = dict[str, Any]

# those of the papers' multi-scale results on ADE20K; for detection there are no usual ones
USUAL_SCALES = {'segmentation': (0.5, 0.75, 1.0, 1.25, 1.5, 1.75), 'detection': (0.75, 1.0, 1.25)}
_PLAIN_LOADER = {'type', 'to_float32', 'backend_args', 'file_client_args', 'imdecode_backend', 'color_type'}
_META = ('img_path', 'ori_shape', 'img_shape', 'pad_shape', 'scale_factor', 'flip', 'flip_direction')


@dataclass(frozen=True)
class Augmentation:
    """Test-time augmentation: each image is seen at each scale.

    Attributes:
        scales: factors on the size that the config's `Resize` gives (or on the image's own where it has none); None
            takes the usual ones of the task.
        flip: as well as it is, also mirrored horizontally.
    """

    scales: tuple[float, ...] | None = None
    flip: bool = True


class Views:
    """Turns an RGB image into what the model takes, one `dict(inputs, data_samples)` for each view.

    Args:
        cfg: with the pipeline of `test_dataloader`.
        augmentation: None takes what the config says, which is one view, or several in files named *_ms_flip.
        task: 'detection' or 'segmentation'.
    """

    def __init__(self, cfg: Config, augmentation: Augmentation | None = None, *, task: str) -> None:
        loader, *steps = _image_pipeline(cfg)
        self.to_float32 = bool(loader.get('to_float32', False))
        pipelines = _unrolled(steps)
        if augmentation is not None:
            scales = augmentation.scales or USUAL_SCALES[task]
            pipelines = _augmented(_plain_view(pipelines), scales, augmentation.flip)
        self.count = len(pipelines)
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            self._pipelines = [Compose([_kept(step) for step in each if _is_kept(step)]) for each in pipelines]

    def __call__(self, image: np.ndarray, name: str = '') -> list[dict[str, Any]]:
        """(H, W, 3) uint8 RGB -> the views of it."""
        height, width = image.shape[:2]
        # OpenCV's order, which pipelines and the means of the configs are written for
        bgr = np.ascontiguousarray(image[..., ::-1])
        views = []
        for pipeline in self._pipelines:
            content = {
                'img': bgr.astype(np.float32) if self.to_float32 else bgr.copy(),
                'img_path': name,
                'img_shape': (height, width),
                'ori_shape': (height, width),
                'scale_factor': (1.0, 1.0),
                'flip': False,
                'flip_direction': None,
            }
            views.append(_run(pipeline, content, (height, width)))
        return views


class EmptyViewError(ValueError):
    """The pipeline leaves nothing of an image."""


def _run(pipeline: Compose, content: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    try:
        return pipeline(content)
    except Exception as error:
        if min(size) * 100 < max(size):  # OpenCV cannot resize to no rows or columns
            raise EmptyViewError(
                f'{size[0]} x {size[1]} pixels: the Resize of the config leaves no rows or no columns of it; '
                'with tiles it works'
            ) from error
        raise


def test_pipeline(cfg: Config) -> list[Transform]:
    """The steps that the config tests with."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and ('dataset' in dataset or 'datasets' in dataset):
        dataset = dataset['dataset'] if 'dataset' in dataset else dataset['datasets'][0]
    pipeline = [dict(step) for step in dataset.get('pipeline') or ()]
    if not pipeline:
        raise ValueError(
            'the config has no test_dataloader.dataset.pipeline: it says how an image is prepared for the model.'
        )
    return pipeline


def _image_pipeline(cfg: Config) -> list[Transform]:
    pipeline = test_pipeline(cfg)
    if _kind(pipeline[0]) == 'ForEachFrame':
        pipeline = [dict(step) for step in pipeline[0]['transforms']]
    loader = pipeline[0]
    unknown = set(loader) - _PLAIN_LOADER
    if _kind(loader) != 'LoadImageFromFile' or unknown or loader.get('color_type', 'color') != 'color':
        raise ValueError(
            f'the test pipeline begins with {loader}; prediction reads 8-bit colour images, as LoadImageFromFile does.'
        )
    return pipeline


def _kind(step: Transform) -> str:
    return str(step['type']).rsplit('.', 1)[-1]


def _unrolled(pipeline: Sequence[Transform]) -> list[list[Transform]]:
    """One pipeline for each combination of a `TestTimeAug`."""
    for number, step in enumerate(pipeline):
        if _kind(step) == 'TestTimeAug':
            combinations = itertools.product(*step['transforms'])
            before, after = list(pipeline[:number]), list(pipeline[number + 1 :])
            return [[*before, *map(dict, combination), *after] for combination in combinations]
    return [list(pipeline)]


def _plain_view(pipelines: Sequence[Sequence[Transform]]) -> list[Transform]:
    """Of the views of a `TestTimeAug`, the one at the middle scale, not flipped."""
    still = [each for each in pipelines if not any(_kind(s) == 'RandomFlip' and s.get('prob') for s in each)]
    return list((still or pipelines)[len(still or pipelines) // 2])


def _augmented(pipeline: Sequence[Transform], scales: Sequence[float], flip: bool) -> list[list[Transform]]:
    """The first view is the one that is nearest to the image as it is."""
    steps = [step for step in pipeline if _kind(step) != 'RandomFlip']
    pipelines = []
    flips = (False, True) if flip else (False,)
    for scale, flipped in itertools.product(sorted(scales, key=lambda each: abs(each - 1)), flips):
        scaled = [_scaled(step, scale) for step in steps]
        if not any(_kind(step) == 'Resize' for step in steps) and scale != 1:
            scaled.insert(0, {'type': 'Resize', 'scale_factor': scale, 'keep_ratio': True})
        packing = next(i for i, step in enumerate(scaled) if _kind(step).startswith('Pack'))
        scaled.insert(packing, {'type': 'RandomFlip', 'prob': 1.0 if flipped else 0.0, 'direction': 'horizontal'})
        pipelines.append(scaled)
    return pipelines


def _scaled(step: Transform, factor: float) -> Transform:
    if _kind(step) != 'Resize':
        return step
    if step.get('scale') is None:
        return {**step, 'scale_factor': step['scale_factor'] * factor}
    scale = step['scale']
    sides = (scale, scale) if isinstance(scale, (int, float)) else scale
    return {**step, 'scale': tuple(int(side * factor) for side in sides)}


def _is_kept(step: Transform) -> bool:
    return _kind(step) not in ('LoadAnnotations', 'LoadPanopticAnnotations', 'FilterAnnotations')


def _kept(step: Transform) -> Transform:
    return {**step, 'meta_keys': _META} if _kind(step).startswith('Pack') else step
