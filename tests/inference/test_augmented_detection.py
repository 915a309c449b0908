"""Several views of each image in detection: boxes against mmdet, masks against what symmetry demands."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.models.test_time_augs import DetTTAModel
from mmengine.config import Config

from swin_dense.costs.models import build_model
from swin_dense.inference import Augmentation, Predictor
from swin_dense.inference.masks import full
from tests.inference.models import demo_config, predicted_by, scene, write_checkpoint

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
SIZE = (96, 131)


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp('checkpoint') / 'detection.pth', demo_config('detection'))


def _boxes_alone() -> Config:
    cfg = demo_config('detection')
    cfg.model.roi_head.mask_head = None
    cfg.model.roi_head.mask_roi_extractor = None
    return cfg


def test_boxes_are_merged_as_by_mmdet(tmp_path: Path) -> None:
    cfg, image = _boxes_alone(), scene(*SIZE)
    checkpoint = write_checkpoint(tmp_path / 'boxes.pth', cfg)
    scales = (1.0, 0.75, 1.5)
    found = Predictor(None, checkpoint, device='cpu', augmentation=Augmentation(scales))(image)
    assert found.masks is None
    cv2.imwrite(str(tmp_path / 'image.png'), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    views = [
        [
            {'type': 'Resize', 'scale': (int(192 * scale), int(144 * scale)), 'keep_ratio': True}
            for scale in sorted(scales, key=lambda scale: abs(scale - 1))
        ],
        [{'type': 'RandomFlip', 'prob': prob} for prob in (0.0, 1.0)],
        [{'type': 'PackDetInputs'}],
    ]
    cfg.test_dataloader.dataset.pipeline = [{'type': 'LoadImageFromFile'}, {'type': 'TestTimeAug', 'transforms': views}]
    model = build_model(cfg, 'cpu')
    model.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    test_cfg = cfg.model.test_cfg.rcnn
    tta = DetTTAModel(tta_cfg=Config({'nms': test_cfg.nms, 'max_per_img': test_cfg.max_per_img}), module=model)
    expected = predicted_by(tta, cfg, [tmp_path / 'image.png'])[0].pred_instances
    assert len(found.labels) > 5
    assert np.array_equal(found.labels, expected.labels.numpy())
    np.testing.assert_allclose(found.boxes_xyxy, expected.bboxes.numpy(), atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores.numpy(), atol=1e-5)


def test_one_view_as_it_is_changes_nothing_but_the_nms(checkpoint: Path) -> None:
    image = scene(*SIZE)
    plain = Predictor(None, checkpoint, device='cpu')(image)
    single = Predictor(None, checkpoint, device='cpu', augmentation=Augmentation((1.0,), flip=False))(image)
    assert np.array_equal(plain.labels, single.labels)
    assert np.array_equal(plain.boxes_xyxy, single.boxes_xyxy)
    for left, right in zip(plain.masks, single.masks, strict=True):
        assert np.array_equal(full(left, SIZE), full(right, SIZE))


@pytest.mark.parametrize('scales', [(1.0,), (1.0, 1.5)])
def test_the_mirror_image_has_mirrored_objects(checkpoint: Path, scales: tuple) -> None:
    """Both images are seen both ways, so that what is found can differ by rounding alone."""
    predictor = Predictor(None, checkpoint, device='cpu', augmentation=Augmentation(scales))
    image = scene(96, 128)
    straight, mirrored = predictor(image), predictor(np.ascontiguousarray(image[:, ::-1]))
    assert len(straight.labels) == len(mirrored.labels) > 5
    boxes = mirrored.boxes_xyxy[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [128, 0, 128, 0]
    some_mask = False
    for box, label, score, mask in zip(
        straight.boxes_xyxy, straight.labels, straight.scores, straight.masks, strict=True
    ):
        distances = np.abs(boxes - box).max(1)
        distances[mirrored.labels != label] = np.inf
        nearest = int(distances.argmin())
        assert distances[nearest] < 1e-2
        assert abs(mirrored.scores[nearest] - score) < 1e-4
        turned = full(mirrored.masks[nearest], (96, 128))[:, ::-1]
        assert (turned != full(mask, (96, 128))).mean() < 2e-3
        some_mask |= bool(turned.any())
    assert some_mask


def test_masks_are_the_mean_over_views(checkpoint: Path) -> None:
    """Against mmdet's mask head asked view by view, whose probabilities are averaged here."""
    image = scene(96, 128)
    predictor = Predictor(None, checkpoint, device='cpu', augmentation=Augmentation((1.0, 1.5)))
    results = predictor.run([predictor.prepared(image)])[0]
    model = predictor.model
    expected = torch.zeros(len(results.labels), *results.masks[0].probabilities.shape)
    with torch.inference_mode():
        for view in predictor.prepared(image).views:
            data = model.data_preprocessor({'inputs': [view['inputs']], 'data_samples': [view['data_samples']]}, False)
            meta = data['data_samples'][0].metainfo
            boxes = results.boxes_xyxy.clone()
            if meta['flip']:
                boxes = torch.stack([128 - boxes[:, 2], boxes[:, 1], 128 - boxes[:, 0], boxes[:, 3]], 1)
            boxes *= torch.tensor(meta['scale_factor']).repeat(2)
            rois = torch.cat([torch.zeros(len(boxes), 1), boxes], 1)
            logits = model.roi_head._mask_forward(model.extract_feat(data['inputs']), rois)['mask_preds']
            maps = logits[range(len(boxes)), results.labels].sigmoid()
            expected += maps.flip(2) if meta['flip'] else maps
    expected /= 4
    found = torch.stack([mask.probabilities for mask in results.masks])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert torch.equal(torch.stack([mask.box_xyxy for mask in results.masks]), results.boxes_xyxy)
