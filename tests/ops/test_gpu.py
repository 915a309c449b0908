"""The operators on a GPU against themselves on the CPU, where the other tests hold them to their references."""

import pytest
import torch
from mmcv import ops
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

from swin_dense.ops import torchvision_kernels

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device'),
]


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def draw_boxes(count, seed=0):
    corners = 200 * torch.rand(count, 2, generator=torch.Generator().manual_seed(seed))
    return torch.cat([corners, corners + 4 + draw(count, 2, seed=seed + 1).abs() * 40], dim=1)


def regions():
    image = torch.arange(30) % 2
    return torch.cat([image[:, None].float(), draw_boxes(30)], dim=1)


def attention(value, locations, weights):
    shapes = torch.tensor([[6, 9], [3, 5]], device=value.device)
    starts = torch.tensor([0, 54], device=value.device)
    return MultiScaleDeformableAttnFunction.apply(value, shapes, starts, locations, weights.softmax(-1), 64)


TARGET = torch.arange(12) % 5
DIFFERENTIABLE = {
    'roi_align': (lambda x: ops.roi_align(x, regions().to(x.device), (7, 5), 0.125, 0), [draw(2, 8, 27, 31)]),
    'roi_align_2': (lambda x: ops.roi_align(x, regions().to(x.device), (7, 5), 0.125, 2), [draw(2, 8, 27, 31)]),
    'roi_align_max': (
        lambda x: ops.roi_align(x, regions().to(x.device), (3, 2), 0.125, 2, 'max'),
        [draw(2, 8, 27, 31)],
    ),
    'roi_pool': (lambda x: ops.roi_pool(x, regions().to(x.device), (3, 2), 0.125), [draw(2, 8, 27, 31)]),
    'sigmoid_focal_loss': (lambda x: ops.sigmoid_focal_loss(x, TARGET.to(x.device)), [draw(12, 5)]),
    'softmax_focal_loss': (lambda x: ops.softmax_focal_loss(x, TARGET.to(x.device)), [draw(12, 5)]),
    'deform_conv': (
        lambda x, o, w: ops.deform_conv2d(x, o, w, 1, 1, 1, 2, 2),
        [draw(2, 8, 11, 13), draw(2, 36, 11, 13, seed=1), draw(6, 4, 3, 3, seed=2)],
    ),
    'modulated_deform_conv': (
        lambda x, o, m, w, b: ops.modulated_deform_conv2d(x, o, m, w, b, 1, 1),
        [draw(2, 8, 11, 13), draw(2, 18, 11, 13, seed=1), draw(2, 9, 11, 13, seed=2), draw(6, 8, 3, 3), draw(6)],
    ),
    'ms_deform_attn': (
        attention,
        [draw(2, 69, 4, 8), 0.5 + 0.3 * draw(2, 7, 4, 2, 3, 2, seed=1), draw(2, 7, 4, 2, 3, seed=2)],
    ),
}


@pytest.mark.parametrize('kernels', ['torch', 'torchvision'])
@pytest.mark.parametrize('name', DIFFERENTIABLE)
def test_outputs_and_gradients(monkeypatch, name, kernels):
    if kernels == 'torch':
        monkeypatch.setattr(torchvision_kernels, 'load', lambda: None)
    elif torchvision_kernels.load() is None:
        pytest.skip('torchvision does not import')
    function, inputs = DIFFERENTIABLE[name]
    results = []
    for device in ('cpu', 'cuda'):
        leaves = [tensor.clone().to(device).requires_grad_() for tensor in inputs]
        output = function(*leaves)
        output.backward(draw(*output.shape, seed=5).to(device))
        results.append([output.detach().cpu(), *(leaf.grad.cpu() for leaf in leaves)])
    torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('kernels', ['torch', 'torchvision'])
@pytest.mark.parametrize('offset', [0, 1])
def test_nms(monkeypatch, offset, kernels):
    if kernels == 'torch':
        monkeypatch.setattr(torchvision_kernels, 'load', lambda: None)
    boxes = draw_boxes(3000)
    scores = torch.randperm(3000, generator=torch.Generator().manual_seed(1)) / 3000
    expected = ops.nms(boxes, scores, 0.5, offset)[1]
    assert torch.equal(ops.nms(boxes.cuda(), scores.cuda(), 0.5, offset)[1].cpu(), expected)
    soft, keep = ops.soft_nms(boxes.cuda(), scores.cuda(), 0.5)
    assert soft.is_cuda
    assert keep.is_cuda
