"""Our Swin and the installed mmdet's and mmseg's: equal features, and equal training steps inside their models."""

import copy
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS as DETECTORS
from mmdet.testing import demo_mm_inputs
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.registry import MODELS as SEGMENTORS
from mmseg.structures import SegDataSample

from swin_dense.backbones import SwinTransformer
from tests.backbones.published_swin import arguments, load, random_weights, their_name, their_value

REGISTRIES = {'mmdet': DETECTORS, 'mmseg': SEGMENTORS}
CONFIGS = Path(__file__).parents[2] / 'configs' / '_base_' / 'models'
TINY = {'embed_dims': 12, 'depths': (2, 2, 2, 2), 'num_heads': (1, 2, 4, 8), 'window_size': 7}
CLASSES = 3
TOLERANCE = 1e-4  # of the largest absolute value
pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= TOLERANCE * expected.abs().max()


@pytest.fixture(params=REGISTRIES)
def pair(request):
    """Our backbone, and that of the installed library with the same weights."""
    ours = SwinTransformer(arch=TINY, drop_path_rate=0.0)
    random_weights(ours)
    theirs = REGISTRIES[request.param].build({'type': f'{request.param}.SwinTransformer', **arguments(TINY)})
    load(theirs, ours.state_dict())
    ours.eval(), theirs.eval()
    return ours, theirs


@pytest.mark.parametrize('size', [(31, 33), (75, 101), (224, 224), (65, 8), (800, 1333)], ids=str)
def test_features(pair, size):
    ours, theirs = pair
    images = torch.randn(1 if size[0] == 800 else 2, 3, *size)
    with torch.no_grad():
        in_tiles, expected = ours(images), theirs(images)
    with_grad = ours(images)
    assert len(in_tiles) == len(with_grad) == len(expected) == 4
    for level in range(4):
        assert_close(in_tiles[level], expected[level])
        assert_close(with_grad[level], expected[level])


def test_features_of_swin_tiny():
    ours = SwinTransformer(arch='tiny')
    random_weights(ours)
    theirs = DETECTORS.build({'type': 'mmdet.SwinTransformer'})
    load(theirs, ours.state_dict())
    ours.eval(), theirs.eval()
    images = torch.randn(1, 3, 225, 321)
    with torch.no_grad():
        for actual, expected in zip(ours(images), theirs(images), strict=True):
            assert_close(actual, expected)


def mask_rcnn():
    cfg = Config.fromfile(CONFIGS / 'mask_rcnn_fpn.py').model
    cfg.neck.update(in_channels=[12, 24, 48, 96], out_channels=16)
    cfg.rpn_head.update(in_channels=16, feat_channels=16)
    for part in (cfg.roi_head.bbox_roi_extractor, cfg.roi_head.mask_roi_extractor):
        part.out_channels = 16
    cfg.roi_head.bbox_head.update(in_channels=16, fc_out_channels=32, num_classes=CLASSES)
    cfg.roi_head.mask_head.update(in_channels=16, conv_out_channels=16, num_classes=CLASSES)
    cfg.train_cfg.rpn_proposal.update(nms_pre=200, max_per_img=100)
    return cfg


def upernet(norm=None):
    norm = norm or {'type': 'BN'}
    cfg = Config.fromfile(CONFIGS / 'upernet.py').model
    cfg.data_preprocessor.size = (75, 101)
    cfg.decode_head.update(in_channels=[12, 24, 48, 96], channels=16, num_classes=CLASSES, norm_cfg=norm)
    cfg.auxiliary_head.update(in_channels=48, channels=16, num_classes=CLASSES, norm_cfg=norm)
    return cfg


def upernet_with_group_norm():
    return upernet({'type': 'GN', 'num_groups': 4})


def scenes():
    inputs = demo_mm_inputs(2, [[3, 75, 101], [3, 96, 80]], num_classes=CLASSES, with_mask=True)
    return {'inputs': list(inputs['inputs']), 'data_samples': list(inputs['data_samples'])}


def maps():
    shape = {'img_shape': (75, 101), 'ori_shape': (75, 101)}
    labels = [torch.randint(CLASSES, (1, 75, 101)) for _ in range(2)]
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=shape) for label in labels]
    return {'inputs': [torch.randint(256, (3, 75, 101), dtype=torch.uint8) for _ in range(2)], 'data_samples': samples}


def built(cfg, library, backbone):
    cfg = copy.deepcopy(cfg)
    cfg.backbone = backbone
    with DefaultScope.overwrite_default_scope(library):
        return REGISTRIES[library].build(cfg).train()


def step(model, data):
    """Losses by name, and a gradient for every parameter."""
    torch.manual_seed(1)  # which proposals are sampled and what dropout drops is drawn
    losses = model(**model.data_preprocessor(copy.deepcopy(data), training=True), mode='loss')
    total, log = model.parse_losses(losses)
    total.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    assert all(gradient is not None for gradient in gradients.values())
    return log, gradients


def pair_in(library, make):
    """A detector or segmentor with our backbone, and the same with theirs: one set of weights."""
    ours = built(make(), library, {'type': 'swin_dense.SwinTransformer', 'arch': TINY, 'drop_path_rate': 0.0})
    theirs = built(make(), library, {'type': f'{library}.SwinTransformer', **arguments(TINY)})
    random_weights(ours.backbone)
    load(theirs.backbone, ours.backbone.state_dict())
    rest = {name: value for name, value in ours.state_dict().items() if not name.startswith('backbone.')}
    assert theirs.load_state_dict(rest, strict=False).unexpected_keys == []
    return ours, theirs


def both_steps(ours, theirs, data):
    """Losses and gradients of our step and of theirs, under their names and in their order."""
    log, gradients = step(ours, data)
    for name in [name for name in gradients if name.startswith('backbone.')]:
        gradients[their_name(name)] = their_value(name, gradients.pop(name))
    expected_log, expected = step(theirs, data)
    assert set(log) == set(expected_log)
    assert set(gradients) == set(expected)
    return log, gradients, expected_log, expected


@pytest.mark.parametrize(('library', 'make', 'draw'), [('mmdet', mask_rcnn, scenes), ('mmseg', upernet, maps)])
def test_training_step_in_float64(library, make, draw):
    """Every parameter: no rounding of the heads, which batch norm of 1 x 1 maps amplifies, hides a difference."""
    ours, theirs = (model.double() for model in pair_in(library, make))
    log, gradients, expected_log, expected = both_steps(ours, theirs, draw())
    for name, loss in expected_log.items():
        assert_close(log[name], loss)
    largest = max(gradient.abs().max() for gradient in expected.values())
    for name, gradient in expected.items():
        # a bias before a batch norm has no gradient but rounding
        scale = max(gradient.abs().max(), 1e-8 * largest)
        assert (gradients[name] - gradient).abs().max() <= TOLERANCE * scale, name


@pytest.mark.parametrize(
    ('library', 'make', 'draw'), [('mmdet', mask_rcnn, scenes), ('mmseg', upernet_with_group_norm, maps)]
)
def test_training_step_in_float32(library, make, draw):
    """All gradients as one vector: theirs for single parameters of heads is up to 5e-4 from theirs in float64."""
    log, gradients, expected_log, expected = both_steps(*pair_in(library, make), draw())
    for name, loss in expected_log.items():
        assert_close(log[name], loss)
    actual, wanted = (torch.cat([values[name].flatten() for name in expected]) for values in (gradients, expected))
    assert (actual - wanted).norm() <= TOLERANCE * wanted.norm()
