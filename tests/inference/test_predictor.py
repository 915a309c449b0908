"""Predictions against the test steps of mmdet and mmseg, and against themselves in other batches, tiles and views."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from swin_dense.engine.settings import load_config
from swin_dense.inference import Augmentation, Detections, Predictor, Segmentation
from swin_dense.inference.masks import full
from tests.inference.models import (
    CONFIGS,
    DEMO,
    demo_config,
    predicted_by,
    published_prediction,
    scene,
    write_checkpoint,
)

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
SIZES = [(96, 128), (75, 101), (150, 40), (33, 50)]


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp('checkpoints')
    return {task: write_checkpoint(folder / f'{task}.pth', demo_config(task)) for task in DEMO}


def _equal(left: Detections | Segmentation, right: Detections | Segmentation) -> None:
    if isinstance(left, Segmentation):
        assert left.labels.dtype == right.labels.dtype
        assert np.array_equal(left.labels, right.labels)
        return
    assert left.size == right.size
    assert np.array_equal(left.labels, right.labels)
    np.testing.assert_allclose(left.boxes_xyxy, right.boxes_xyxy, atol=1e-3)
    np.testing.assert_allclose(left.scores, right.scores, atol=1e-5)
    for one, other in zip(left.masks or (), right.masks or (), strict=True):
        assert (full(one, left.size) != full(other, left.size)).mean() < 1e-4


@pytest.mark.parametrize('size', SIZES)
def test_segmentation_is_mmsegs(checkpoints: dict, size: tuple, tmp_path: Path) -> None:
    image, cfg = scene(*size), demo_config('segmentation')
    expected = published_prediction(cfg, checkpoints['segmentation'], image, tmp_path / 'image.png')
    found = Predictor(None, checkpoints['segmentation'], device='cpu')(image)
    assert np.array_equal(found.labels, expected.pred_sem_seg.data[0].numpy())
    assert len(np.unique(found.labels)) > 1


@pytest.mark.parametrize('size', SIZES)
def test_detection_is_mmdets(checkpoints: dict, size: tuple, tmp_path: Path) -> None:
    image, cfg = scene(*size), demo_config('detection')
    expected = published_prediction(cfg, checkpoints['detection'], image, tmp_path / 'image.png').pred_instances
    found = Predictor(None, checkpoints['detection'], device='cpu')(image)
    assert len(found.labels) > 5
    assert np.array_equal(found.labels, expected.labels.numpy())
    np.testing.assert_allclose(found.boxes_xyxy, expected.bboxes.numpy(), atol=1e-4)
    np.testing.assert_allclose(found.scores, expected.scores.numpy(), atol=1e-6)
    for mask, pasted in zip(found.masks, expected.masks.numpy(), strict=True):
        assert np.array_equal(full(mask, size), pasted)


def _with_pipeline(cfg: Config, *steps: dict) -> Config:
    pipeline = cfg.test_dataloader.dataset.pipeline
    cfg.test_dataloader.dataset.pipeline = [pipeline[0], *steps, pipeline[-1]]
    return cfg


@pytest.mark.parametrize(
    ('changes', 'steps'),
    [
        ({}, [{'type': 'Resize', 'scale': (64, 48), 'keep_ratio': True}]),  # smaller, and back
        ({'model.test_cfg': {'mode': 'slide', 'crop_size': (48, 40), 'stride': (32, 27)}}, []),
        ({'model.data_preprocessor.test_cfg': {'size_divisor': 64}, 'model.data_preprocessor.size': None}, []),
        ({'model.decode_head.align_corners': True}, [{'type': 'Resize', 'scale': (200, 150), 'keep_ratio': True}]),
        (
            {
                'model.decode_head.num_classes': 2,
                'model.decode_head.out_channels': 1,
                'model.decode_head.threshold': 0.4,
            },
            [],
        ),
    ],
    ids=['resize', 'slide', 'padding', 'align_corners', 'one_channel'],
)
def test_segmentation_of_other_configs_is_mmsegs(changes: dict, steps: list, tmp_path: Path) -> None:
    cfg = _with_pipeline(demo_config('segmentation', **changes), *steps)
    names = {'classes': ('a', 'b') if 'model.decode_head.num_classes' in changes else tuple(cfg.classes)}
    checkpoint = write_checkpoint(tmp_path / 'a.pth', cfg, dataset_meta=names)
    image = scene(90, 125)
    expected = published_prediction(cfg, checkpoint, image, tmp_path / 'image.png')
    found = Predictor(None, checkpoint, device='cpu')(image)
    assert np.array_equal(found.labels, expected.pred_sem_seg.data[0].numpy())
    assert len(np.unique(found.labels)) > 1


@pytest.mark.parametrize('task', ['detection', 'segmentation'])
def test_batches_change_nothing(checkpoints: dict, task: str) -> None:
    predictor = Predictor(None, checkpoints[task], device='cpu')
    images = [scene(*SIZES[number % 3], seed=number) for number in range(13)]
    alone = [predictor(image) for image in images]
    for batch_size, workers in ((1, None), (2, 3), (8, 0), ('auto', 1)):
        together = list(predictor.predict(iter(images), batch_size=batch_size, num_workers=workers))
        assert len(together) == len(images)
        for left, right in zip(alone, together, strict=True):
            _equal(left, right)


@pytest.mark.parametrize('task', ['detection', 'segmentation'])
def test_a_tile_that_is_larger_than_the_image_changes_nothing(checkpoints: dict, task: str) -> None:
    whole, tiled = (Predictor(None, checkpoints[task], device='cpu', tile=tile) for tile in (None, 512))
    for size in SIZES:
        _equal(whole(scene(*size)), tiled(scene(*size)))


def test_tiles_of_segmentation_are_averaged(checkpoints: dict) -> None:
    """Against mmseg's own sliding windows, which are the same here: the pipeline does not resize."""
    size, tile, stride = (150, 131), 64, 48
    predictor = Predictor(None, checkpoints['segmentation'], device='cpu', tile=tile, overlap=tile - stride)
    changes = {'model.test_cfg': {'mode': 'slide', 'crop_size': (tile, tile), 'stride': (stride, stride)}}
    slide = Predictor(CONFIGS / DEMO['segmentation'], checkpoints['segmentation'], device='cpu', cfg_options=None)
    slide.model.test_cfg = Config(changes['model.test_cfg'])
    image = scene(*size)
    expected = slide(image)
    assert np.array_equal(predictor(image).labels, expected.labels)
    whole = Predictor(None, checkpoints['segmentation'], device='cpu')(image)
    assert not np.array_equal(expected.labels, whole.labels)  # windows do make a difference
    # strips do not
    thin = Predictor(None, checkpoints['segmentation'], device='cpu', tile=tile, overlap=tile - stride, budget_bytes=1)
    assert np.array_equal(thin(image).labels, expected.labels)


def test_tiles_of_detection_lie_where_they_were_cut(checkpoints: dict) -> None:
    """A picture that repeats itself tile by tile, without overlap, has the same objects in each."""
    predictor = Predictor(None, checkpoints['detection'], device='cpu', tile=96, overlap=0)
    once = scene(96, 96)
    alone = Predictor(None, checkpoints['detection'], device='cpu')(once)
    inside = (alone.boxes_xyxy > 5).all(1) & (alone.boxes_xyxy < 91).all(1)
    assert inside.sum() > 2
    found = predictor(np.tile(once, (2, 3, 1)))
    assert found.size == (192, 288)
    for top in (0, 96):
        for left in (0, 96, 192):
            for box, label, mask in zip(
                alone.boxes_xyxy[inside] + [left, top, left, top],
                alone.labels[inside],
                np.array(alone.masks, dtype=object)[inside],
                strict=True,
            ):
                distances = np.abs(found.boxes_xyxy - box).max(1)
                distances[found.labels != label] = np.inf
                nearest = int(distances.argmin())
                assert distances[nearest] < 1e-2
                moved = full(found.masks[nearest], found.size)[top : top + 96, left : left + 96]
                assert (moved != full(mask, (96, 96))).mean() < 1e-3


MS_FLIP = """
_base_ = [{base!r}]
model = dict(_delete_=True, type='SegTTAModel', module=_base_.model)
views = [
    [dict(type='Resize', scale_factor=ratio, keep_ratio=True) for ratio in (0.5, 1.0, 1.5)],
    [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)],
    [dict(type='LoadAnnotations', reduce_zero_label=True)],
    [dict(type='PackSegInputs')],
]
pipeline = [dict(type='LoadImageFromFile'), dict(type='TestTimeAug', transforms=views)]
test_dataloader = dict(dataset=dict(pipeline=pipeline))
"""


def test_multi_scale_flip_of_a_config_is_mmsegs(checkpoints: dict, tmp_path: Path) -> None:
    checkpoint, image = checkpoints['segmentation'], scene(90, 125)
    config = tmp_path / 'ms_flip.py'
    config.write_text(MS_FLIP.format(base=str(CONFIGS / DEMO['segmentation'])))
    expected = _tta_by_mmseg(load_config(config), checkpoint, image, tmp_path / 'image.png')
    found = Predictor(config, checkpoint, device='cpu')
    assert found.num_views == 6
    assert np.array_equal(found(image).labels, expected)
    asked = Predictor(None, checkpoint, device='cpu', augmentation=Augmentation((0.5, 1.0, 1.5)))
    assert np.array_equal(asked(image).labels, expected)
    assert not np.array_equal(Predictor(None, checkpoint, device='cpu')(image).labels, expected)


def _tta_by_mmseg(cfg: Config, checkpoint: Path, image: np.ndarray, path: Path) -> np.ndarray:
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(cfg.model)
    model.module.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    model.module.eval()
    return predicted_by(model, cfg, [path])[0].pred_sem_seg.data.numpy().reshape(image.shape[:2])
