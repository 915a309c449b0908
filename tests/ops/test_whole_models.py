"""Models of the installed mmdet and mmseg, maintained forks or originals, train and predict on an uncompiled mmcv."""

from pathlib import Path

import mmdet
import mmseg
import pytest
import torch
from mmdet.registry import MODELS as DETECTORS
from mmdet.testing import demo_mm_inputs
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.registry import MODELS as SEGMENTORS
from mmseg.structures import SegDataSample

CLASSES = 3


def base_model(package, name):
    return Config.fromfile(Path(package.__file__).parent / '.mim' / 'configs' / '_base_' / 'models' / name).model


def mask_rcnn():
    """With operators that the plain one does not use: deformable convolution and soft-NMS."""
    cfg = base_model(mmdet, 'mask-rcnn_r50_fpn.py')
    cfg.backbone.update(
        init_cfg=None, dcn={'type': 'DCNv2', 'deform_groups': 1}, stage_with_dcn=(False, True, True, True)
    )
    cfg.roi_head.bbox_head.num_classes = cfg.roi_head.mask_head.num_classes = CLASSES
    cfg.test_cfg.rcnn.nms = {'type': 'soft_nms', 'iou_threshold': 0.5, 'min_score': 0.05}
    return cfg


def retinanet():
    cfg = base_model(mmdet, 'retinanet_r50_fpn.py')
    cfg.backbone.init_cfg = None
    cfg.bbox_head.num_classes = CLASSES
    return cfg


def upernet():
    cfg = base_model(mmseg, 'upernet_r50.py')
    cfg.pretrained = None
    cfg.backbone.norm_cfg = cfg.decode_head.norm_cfg = cfg.auxiliary_head.norm_cfg = {'type': 'BN'}
    cfg.decode_head.num_classes = cfg.auxiliary_head.num_classes = CLASSES
    cfg.data_preprocessor.size = (64, 96)
    return cfg


def scenes():
    inputs = demo_mm_inputs(2, [[3, 64, 96], [3, 60, 50]], num_classes=CLASSES, with_mask=True)
    return {'inputs': list(inputs['inputs']), 'data_samples': list(inputs['data_samples'])}


def maps():
    generator = torch.Generator().manual_seed(0)
    shape = {'img_shape': (64, 96), 'ori_shape': (64, 96)}
    labels = [torch.randint(CLASSES, (1, 64, 96), generator=generator) for _ in range(2)]
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=shape) for label in labels]
    images = [torch.randint(256, (3, 64, 96), generator=generator, dtype=torch.uint8) for _ in labels]
    return {'inputs': images, 'data_samples': samples}


MODELS = {
    'mask_rcnn': (mask_rcnn, DETECTORS, scenes, 'mmdet'),
    'retinanet': (retinanet, DETECTORS, scenes, 'mmdet'),
    'upernet': (upernet, SEGMENTORS, maps, 'mmseg'),
}


def total_loss(model, data, dtype):
    torch.manual_seed(0)  # which proposals are sampled is drawn
    with torch.autocast('cpu', dtype, enabled=dtype != torch.float32):
        losses = model(**model.data_preprocessor(data, training=True), mode='loss')
    return model.parse_losses(losses)[0]


@pytest.mark.parametrize('name', MODELS)
@pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
def test_train_and_predict(name):
    make, registry, draw, scope = MODELS[name]
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope(scope):
        model = registry.build(make())
    model.train()
    data = draw()
    loss = total_loss(model, data, torch.float32)
    loss.backward()
    without = [key for key, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)
    torch.testing.assert_close(total_loss(model, data, torch.bfloat16), loss, rtol=0.05, atol=0)

    model.eval()
    with torch.no_grad():
        results = model(**model.data_preprocessor(data, training=False), mode='predict')
    assert len(results) == 2
    for result in results:
        if scope == 'mmseg':
            assert result.pred_sem_seg.data.shape == (1, 64, 96)
        else:
            predicted = result.pred_instances
            assert predicted.bboxes.isfinite().all()
            assert len(predicted.scores) == len(predicted.bboxes)
        if name == 'mask_rcnn':
            assert len(predicted) > 0
            assert predicted.masks.shape == (len(predicted), *result.ori_shape[:2])
