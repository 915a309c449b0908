"""mmcv.ops, served by swin_dense.ops, against what the compiled mmcv computed (tests/golden/mmcv_ops.npz).

Thresholds, scales and the like are not in the file. Those below were found by a search over the usual values; each is
the only one (or equivalent to those) for which all of its arrays agree.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv import ops

GOLDEN = Path(__file__).parents[1] / 'golden' / 'mmcv_ops.npz'
TOLERANCE = 1e-4
USED: set[str] = {'meta'}


@pytest.fixture(scope='module')
def golden():
    arrays = np.load(GOLDEN)

    def get(name):
        USED.add(name)
        return torch.from_numpy(arrays[name])

    return get


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= TOLERANCE * expected.abs().max()


def ties_by_index(keep, scores):
    """Kept indices with those of equal score in ascending order: mmcv's sort is not stable, it depends on the CPU."""
    return keep[np.lexsort((keep.numpy(), -scores[keep].numpy()))]


@pytest.mark.parametrize('offset', [0, 1])
def test_nms(golden, offset):
    boxes, scores = golden('nms_boxes'), golden('nms_scores')
    dets, keep = ops.nms(boxes, scores, iou_threshold=0.5, offset=offset)
    expected = golden(f'nms_keep_offset{offset}')
    torch.testing.assert_close(ties_by_index(keep, scores), ties_by_index(expected, scores))
    torch.testing.assert_close(dets, torch.cat([boxes[keep], scores[keep, None]], dim=1))


def test_batched_nms(golden):
    boxes, scores, labels = golden('nms_boxes'), golden('nms_scores'), golden('nms_labels')
    dets, keep = ops.batched_nms(boxes, scores, labels, {'type': 'nms', 'iou_threshold': 0.6})
    torch.testing.assert_close(ties_by_index(keep, scores), ties_by_index(golden('batched_nms_keep'), scores))
    assert_close(dets[:, 4], golden('batched_nms_dets')[:, 4])
    assert_close(dets[ties_by_index(torch.arange(len(keep)), dets[:, 4])].sum(0), golden('batched_nms_dets').sum(0))


@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms(golden, method):
    dets, keep = ops.soft_nms(
        golden('nms_boxes'), golden('nms_scores'), iou_threshold=0.4, sigma=0.5, min_score=1e-3, method=method
    )
    torch.testing.assert_close(keep, golden(f'soft_nms_{method}_keep'))
    assert_close(dets, golden(f'soft_nms_{method}_dets'))


@pytest.mark.parametrize(
    ('name', 'sampling_ratio', 'pool_mode', 'aligned'),
    [
        ('default', 0, 'avg', True),
        ('ratio2', 2, 'avg', True),
        ('unaligned', 0, 'avg', False),
        ('maxpool', 2, 'max', True),
    ],
)
def test_roi_align(golden, name, sampling_ratio, pool_mode, aligned):
    features = golden('roi_input').requires_grad_()
    expected = golden(f'roi_align_{name}_out')
    layer = ops.RoIAlign(tuple(expected.shape[2:]), 1 / 8, sampling_ratio, pool_mode, aligned)
    output = layer(features, golden('roi_rois'))
    assert_close(output.detach(), expected)
    output.backward(golden(f'roi_align_{name}_grad_out'))
    assert_close(features.grad, golden(f'roi_align_{name}_grad_in'))


def test_deform_conv(golden):
    inputs = {name: golden(f'dcn_{name}').requires_grad_() for name in ('input', 'offset', 'weight')}
    output = ops.deform_conv2d(inputs['input'], inputs['offset'], inputs['weight'], 1, 1)
    assert_close(output.detach(), golden('deform_out'))
    output.backward(golden('deform_grad_out'))
    for name, tensor in inputs.items():
        assert_close(tensor.grad, golden(f'deform_grad_{name}'))


def test_modulated_deform_conv(golden):
    inputs = {name: golden(f'dcn_{name}').requires_grad_() for name in ('input', 'offset', 'mask', 'weight', 'bias')}
    output = ops.modulated_deform_conv2d(*inputs.values(), 1, 1)
    assert_close(output.detach(), golden('modulated_out'))
    output.backward(golden('modulated_grad_out'))
    for name in ('input', 'offset', 'weight'):
        assert_close(inputs[name].grad, golden(f'modulated_grad_{name}'))


def test_every_array_was_used(request):
    """Last in the file; where only some tests were picked it has nothing to say."""
    here = [item for item in request.session.items if item.path == Path(__file__)]
    if len(here) < 12:
        pytest.skip('needs all tests of this file')
    assert set(np.load(GOLDEN).files) == USED
