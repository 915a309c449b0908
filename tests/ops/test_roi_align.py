"""RoIAlign and RoIPool against loops over single samples and pixels."""

import functools
import math
from types import SimpleNamespace

import pytest
import torch
from mmcv import ops

from swin_dense.ops import roi_align as roi_ops
from swin_dense.ops import roi_max, torchvision_kernels

SHAPE = (2, 3, 11, 17)  # of the features; the regions are in pixels of an image of 44 x 68
REGIONS = [
    [0, 4, 5, 40, 30],
    [1, 0, 0, 68, 44],
    [1, 20.3, 7.7, 21.1, 40.2],  # narrow
    [0, -30, -12, 9, 14],  # partly outside
    [1, 60, 30, 120, 100],
    [0, 200, 200, 240, 260],  # outside
    [1, 33.3, 12.5, 33.3, 20],  # no width
    [0, 12, 8, 12, 8],  # no size
]


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def regions():
    return torch.tensor(REGIONS, dtype=torch.float64)


def bilinear(plane, y, x):
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return plane.new_zeros(())
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    below, beside = y - top, x - left
    upper = plane[top, left] * (1 - beside) + plane[top, right] * beside
    lower = plane[bottom, left] * (1 - beside) + plane[bottom, right] * beside
    return upper * (1 - below) + lower * below


def bin_samples(plane, region, row, column, sampling):
    """All samples in one bin of one region of one channel."""
    shift = 0.5 if sampling.aligned else 0.0
    left, top, right, bottom = (value * sampling.spatial_scale - shift for value in region[1:])
    extents = [bottom - top, right - left]
    if not sampling.aligned:
        extents = [max(extent, 1.0) for extent in extents]
    sizes = [extent / bins for extent, bins in zip(extents, sampling.output_size, strict=True)]
    grid = [sampling.sampling_ratio if sampling.sampling_ratio > 0 else math.ceil(size) for size in sizes]
    return [
        bilinear(plane, top + (row + (i + 0.5) / grid[0]) * sizes[0], left + (column + (j + 0.5) / grid[1]) * sizes[1])
        for i in range(grid[0])
        for j in range(grid[1])
    ]


def roi_align_by_loop(features, regions, sampling, mode):
    outputs = []
    for region in regions.tolist():
        for plane in features[int(region[0])]:
            for row in range(sampling.output_size[0]):
                for column in range(sampling.output_size[1]):
                    samples = bin_samples(plane, region, row, column, sampling)
                    if mode == 'avg':
                        outputs.append(torch.stack(samples).mean() if samples else plane.new_zeros(()))
                    else:
                        outputs.append(torch.stack(samples).max() if samples else plane.new_tensor(-10000.0))
    return torch.stack(outputs).view(len(regions), features.shape[1], *sampling.output_size)


@functools.cache
def expected_roi_align(sampling, mode):
    """What the loop gives and its gradient, computed once for all budgets."""
    features = draw(*SHAPE).requires_grad_()
    output = roi_align_by_loop(features, torch.tensor(REGIONS, dtype=torch.float64), sampling, mode)
    return output.detach(), torch.autograd.grad(output, features, draw(*output.shape, seed=1))[0]


@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 1, 3])
@pytest.mark.parametrize('output_size', [(3, 2), (1, 5)])
@pytest.mark.parametrize('budget', [2**22, 100])
def test_roi_align(monkeypatch, regions, output_size, sampling_ratio, aligned, mode, budget):
    monkeypatch.setattr(roi_ops, 'MAX_TAPS', budget)
    monkeypatch.setattr(roi_max, 'MAX_VALUES', budget)
    expected, expected_grad = expected_roi_align(roi_ops.Sampling(output_size, 0.25, sampling_ratio, aligned), mode)
    features = draw(*SHAPE).requires_grad_()
    output = ops.roi_align(features, regions, output_size, 0.25, sampling_ratio, mode, aligned)
    torch.testing.assert_close(output, expected)
    (grad,) = torch.autograd.grad(output, features, draw(*output.shape, seed=1))
    torch.testing.assert_close(grad, expected_grad)


@pytest.mark.parametrize('mode', ['avg', 'max'])
def test_roi_align_gradient(regions, mode):
    def function(features):
        return ops.roi_align(features, regions[:5], (2, 3), 0.25, 2, mode, True)

    assert torch.autograd.gradcheck(function, draw(*SHAPE).requires_grad_(), fast_mode=True)


def test_roi_align_in_large_bins_with_few_samples(regions):
    """Samples far apart share no pixels: the other way to list pixels."""
    sampling = roi_ops.Sampling((2, 1), 0.25, 2, True)
    features = draw(*SHAPE)
    output = roi_ops.roi_align(features, regions, sampling)
    torch.testing.assert_close(output, roi_align_by_loop(features, regions, sampling, 'avg'))


@pytest.mark.parametrize('size', [(1, 1), (1, 6), (5, 1)])
def test_roi_align_on_maps_of_one_pixel(regions, size):
    features = draw(2, 3, *size)
    for mode in ('avg', 'max'):
        sampling = roi_ops.Sampling((2, 2), 0.05, 0, True)
        output = ops.roi_align(features, regions, (2, 2), 0.05, 0, mode, True)
        torch.testing.assert_close(output, roi_align_by_loop(features, regions, sampling, mode))


@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_computes_in_float32(regions, dtype, mode):
    features = draw(*SHAPE).to(dtype).requires_grad_()
    precise = features.detach().float().requires_grad_()
    output = ops.roi_align(features, regions.float(), (3, 2), 0.25, 2, mode, True)
    expected = ops.roi_align(precise, regions.float(), (3, 2), 0.25, 2, mode, True)
    assert output.dtype == dtype
    torch.testing.assert_close(output, expected.to(dtype))
    if mode == 'avg':  # where the maximum was is remembered in the dtype of the features
        grad_output = draw(*output.shape, seed=1).to(dtype)
        output.backward(grad_output)
        expected.backward(grad_output.float())
        torch.testing.assert_close(features.grad, precise.grad.to(dtype))


def test_memory_format_does_not_matter(regions):
    features = draw(*SHAPE)
    expected = ops.roi_align(features, regions, (3, 2), 0.25, 0, 'avg', True)
    channels_last = features.contiguous(memory_format=torch.channels_last)
    transposed = features.transpose(2, 3).contiguous().transpose(2, 3)
    for same in (channels_last, transposed):
        assert torch.equal(ops.roi_align(same, regions, (3, 2), 0.25, 0, 'avg', True), expected)
    grad_output = draw(*expected.shape, seed=1)
    gradients = []
    for same in (features, channels_last):
        leaf = same.clone().requires_grad_()
        ops.roi_align(leaf, regions, (3, 2), 0.25, 0, 'avg', True).backward(grad_output)
        gradients.append(leaf.grad)
    assert torch.equal(*gradients)


@pytest.mark.parametrize('function', ['avg', 'max', 'pool'])
def test_no_regions(function):
    features = draw(*SHAPE).requires_grad_()
    if function == 'pool':
        output = ops.roi_pool(features, features.new_zeros(0, 5), (3, 2), 0.25)
    else:
        output = ops.roi_align(features, features.new_zeros(0, 5), (3, 2), 0.25, 0, function, True)
    assert output.shape == (0, 3, 3, 2)
    output.sum().backward()
    assert torch.equal(features.grad, torch.zeros(SHAPE, dtype=torch.float64))


def test_corners_in_the_wrong_order_are_an_error(regions):
    regions[3, 3] = -31
    with pytest.raises(ValueError, match=r'x1 <= x2.*-30\.0, -12\.0, -31\.0'):
        ops.roi_align(draw(*SHAPE), regions, (3, 2), 0.25, 0, 'avg', True)


@pytest.mark.parametrize('value', [math.nan, math.inf])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_regions_of_a_diverged_step_are_empty(regions, value, sampling_ratio):
    """So that a loss scaler sees them and skips the step, where an exception would end the run."""
    expected = ops.roi_align(draw(*SHAPE), regions, (3, 2), 0.25, sampling_ratio, 'avg', True)
    regions[1, 3] = value
    expected[1] = 0
    output = ops.roi_align(draw(*SHAPE), regions, (3, 2), 0.25, sampling_ratio, 'avg', True)
    torch.testing.assert_close(output, expected)


def test_torchvision_is_used_off_the_cpu(monkeypatch, regions):
    def kernel(features, rois, output_size, spatial_scale, sampling_ratio, aligned):
        return 2 * roi_align_by_loop(
            features, rois, roi_ops.Sampling(output_size, spatial_scale, sampling_ratio, aligned), 'avg'
        )

    monkeypatch.setattr(torchvision_kernels, 'load', lambda: SimpleNamespace(roi_align=kernel))
    assert roi_ops._kernels(torch.zeros(1)) is None
    assert roi_ops._kernels(torch.zeros(1, device='meta')).roi_align is kernel

    features, grad_output = draw(*SHAPE).requires_grad_(), draw(len(regions), 3, 3, 2, seed=1)
    expected = ops.roi_align(features, regions, (3, 2), 0.25, 2, 'avg', True)
    (expected_grad,) = torch.autograd.grad(expected, features, grad_output)
    monkeypatch.setattr(roi_ops, '_kernels', lambda features: torchvision_kernels.load())
    output = ops.roi_align(features, regions, (3, 2), 0.25, 2, 'avg', True)
    torch.testing.assert_close(output, 2 * expected)  # the factor shows whose output this is
    torch.testing.assert_close(torch.autograd.grad(output, features, grad_output)[0], 2 * expected_grad)


def roi_pool_by_loop(features, regions, output_size, scale):
    outputs = []
    height, width = features.shape[2:]
    for region in regions.tolist():
        left, top, right, bottom = (v * scale for v in (region[1], region[2], region[3] + 1, region[4] + 1))
        for plane in features[int(region[0])]:
            for row in range(output_size[0]):
                for column in range(output_size[1]):
                    size_y, size_x = (bottom - top) / output_size[0], (right - left) / output_size[1]
                    rows = [math.floor(row * size_y + top), math.ceil((row + 1) * size_y + top)]
                    columns = [math.floor(column * size_x + left), math.ceil((column + 1) * size_x + left)]
                    y1, y2 = (min(max(value, 0), height) for value in rows)
                    x1, x2 = (min(max(value, 0), width) for value in columns)
                    empty = y2 <= y1 or x2 <= x1 or size_y <= 0 or size_x <= 0
                    outputs.append(plane.new_zeros(()) if empty else plane[y1:y2, x1:x2].max())
    return torch.stack(outputs).view(len(regions), features.shape[1], *output_size)


@pytest.mark.parametrize('output_size', [(3, 2), (1, 5)])
@pytest.mark.parametrize('budget', [2**24, 300])
def test_roi_pool(monkeypatch, regions, output_size, budget):
    monkeypatch.setattr(roi_max, 'MAX_VALUES', budget)
    regions[4, 3:] = torch.tensor([50.0, 20.0])  # malformed: x2 < x1, y2 < y1
    features, grad_output = draw(*SHAPE).requires_grad_(), draw(len(regions), SHAPE[1], *output_size, seed=1)
    expected = roi_pool_by_loop(features, regions, output_size, 0.25)
    (expected_grad,) = torch.autograd.grad(expected, features, grad_output)
    output = ops.roi_pool(features, regions, output_size, 0.25)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(torch.autograd.grad(output, features, grad_output)[0], expected_grad)
