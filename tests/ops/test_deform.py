"""Deformable convolution against loops over single pixels, deformable attention against mmcv's version in Python."""

import math

import pytest
import torch
from mmcv import ops
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction, multi_scale_deformable_attn_pytorch
from torch.nn.functional import conv2d

from swin_dense.ops import deform


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


GEOMETRIES = [
    {'stride': (1, 1), 'padding': (1, 1), 'dilation': (1, 1), 'groups': 1, 'deform_groups': 1},
    {'stride': (2, 1), 'padding': (0, 2), 'dilation': (1, 2), 'groups': 2, 'deform_groups': 1},
    {'stride': (1, 2), 'padding': (2, 1), 'dilation': (2, 1), 'groups': 1, 'deform_groups': 4},
    {'stride': (2, 2), 'padding': (1, 0), 'dilation': (1, 1), 'groups': 4, 'deform_groups': 2},
]


def make_inputs(geometry, reach=1.5):
    """Images 7 x 9 with 8 channels and a kernel 3 x 2; offsets of some pixels."""
    images, weight = draw(2, 8, 7, 9), draw(12, 8 // geometry['groups'], 3, 2, seed=1)
    height, width = (
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for size, kernel, stride, padding, dilation in zip(
            (7, 9), (3, 2), geometry['stride'], geometry['padding'], geometry['dilation'], strict=True
        )
    )
    offset = reach * draw(2, geometry['deform_groups'] * 2 * 6, height, width, seed=2)
    mask = draw(2, geometry['deform_groups'] * 6, height, width, seed=3).sigmoid()
    return images, offset, mask, weight, draw(12, seed=4)


def bilinear(plane, y, x):
    """A neighbour outside of the plane counts as 0."""
    total = plane.new_zeros(())
    top, left = math.floor(y), math.floor(x)
    for row, share_y in ((top, top + 1 - y), (top + 1, y - top)):
        for column, share_x in ((left, left + 1 - x), (left + 1, x - left)):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                total = total + plane[row, column] * share_y * share_x
    return total


def deform_conv_by_loop(images, offset, mask, weight, bias, geometry):
    """Built on conv2d: for each output place a patch of moved pixels, as the one place of an image without padding."""
    kernel_h, kernel_w = weight.shape[2:]
    batch, channels = images.shape[:2]
    output = images.new_zeros(batch, weight.shape[0], *offset.shape[2:])
    for n in range(batch):
        for p in range(offset.shape[2]):
            for q in range(offset.shape[3]):
                patch = images.new_zeros(channels, kernel_h, kernel_w)
                for c in range(channels):
                    group = c * geometry['deform_groups'] // channels
                    for k in range(kernel_h * kernel_w):
                        i, j = divmod(k, kernel_w)
                        move = offset[n, (group * kernel_h * kernel_w + k) * 2 :][:2, p, q]
                        y = p * geometry['stride'][0] - geometry['padding'][0] + i * geometry['dilation'][0] + move[0]
                        x = q * geometry['stride'][1] - geometry['padding'][1] + j * geometry['dilation'][1] + move[1]
                        scale = mask[n, group * kernel_h * kernel_w + k, p, q]
                        patch[c, i, j] = scale * bilinear(images[n, c], float(y), float(x))
                output[n, :, p, q] = conv2d(patch[None], weight, bias, groups=geometry['groups'])[0, :, 0, 0]
    return output


def as_arguments(geometry):
    return tuple(geometry.values())


@pytest.mark.parametrize('geometry', GEOMETRIES)
def test_deform_conv_by_loop(geometry):
    images, offset, mask, weight, bias = make_inputs(geometry)
    output = ops.modulated_deform_conv2d(images, offset, mask, weight, bias, *as_arguments(geometry))
    torch.testing.assert_close(output, deform_conv_by_loop(images, offset, mask, weight, bias, geometry))
    ones = torch.ones_like(mask)
    output = ops.deform_conv2d(images, offset, weight, *as_arguments(geometry))
    torch.testing.assert_close(output, deform_conv_by_loop(images, offset, ones, weight, None, geometry))


@pytest.mark.parametrize('geometry', GEOMETRIES)
def test_without_offsets_it_is_a_convolution(geometry):
    images, offset, mask, weight, bias = make_inputs(geometry, reach=0)
    plain = {key: value for key, value in geometry.items() if key != 'deform_groups'}
    output = ops.deform_conv2d(images, offset, weight, *as_arguments(geometry))
    torch.testing.assert_close(output, conv2d(images, weight, **plain))
    half = torch.full_like(mask, 0.5)
    output = ops.modulated_deform_conv2d(images, offset, half, weight, bias, *as_arguments(geometry))
    torch.testing.assert_close(output, conv2d(images, weight / 2, bias, **plain))


@pytest.mark.parametrize('geometry', GEOMETRIES[1:3])
def test_gradients(geometry):
    images, offset, mask, weight, bias = (tensor.requires_grad_() for tensor in make_inputs(geometry))

    def plain(images, offset, weight):
        return ops.deform_conv2d(images, offset, weight, *as_arguments(geometry))

    def modulated(images, offset, mask, weight, bias):
        return ops.modulated_deform_conv2d(images, offset, mask, weight, bias, *as_arguments(geometry))

    fast = {'fast_mode': True}
    assert torch.autograd.gradcheck(plain, (images, offset, weight), **fast)
    assert torch.autograd.gradcheck(modulated, (images, offset, mask, weight, bias), **fast)
    assert torch.autograd.gradcheck(lambda *xs: modulated(*xs, None), (images, offset, mask, weight), **fast)


def test_pieces_of_a_batch_are_the_batch(monkeypatch):
    geometry = GEOMETRIES[1]
    images, offset, mask, weight, bias = make_inputs(geometry)
    expected = deform.deform_conv2d(images, offset, mask, weight, bias, **geometry)
    monkeypatch.setattr(deform, 'MAX_VALUES', 1)
    torch.testing.assert_close(deform.deform_conv2d(images, offset, mask, weight, bias, **geometry), expected)


@pytest.mark.parametrize('value', [1e9, -1e9, math.inf, math.nan])
def test_far_offsets_read_nothing(value):
    geometry = GEOMETRIES[0]
    images, offset, _, weight, _ = make_inputs(geometry)
    output = ops.deform_conv2d(images, torch.full_like(offset, value), weight, *as_arguments(geometry))
    assert torch.equal(output, torch.zeros_like(output))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_computes_in_float32(dtype):
    geometry = GEOMETRIES[0]
    inputs = [tensor.to(dtype) for tensor in make_inputs(geometry)]
    output = ops.modulated_deform_conv2d(*inputs, *as_arguments(geometry))
    assert output.dtype == dtype
    expected = ops.modulated_deform_conv2d(*(tensor.float() for tensor in inputs), *as_arguments(geometry))
    assert torch.equal(output, expected.to(dtype))
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(ops.modulated_deform_conv2d(*inputs, *as_arguments(geometry)), output)


def test_wrong_offsets_are_an_error():
    geometry = GEOMETRIES[0]
    images, offset, _, weight, _ = make_inputs(geometry)
    with pytest.raises(ValueError, match=r'offsets of shape \(2, 12, 7, 10\)'):
        ops.deform_conv2d(images, offset[..., :1, :1], weight, *as_arguments(geometry))


def make_attention(dtype=torch.float64):
    shapes = torch.tensor([[6, 9], [3, 5], [1, 2]])
    starts = torch.tensor([0, 54, 69])
    value = draw(2, 71, 4, 3).to(dtype)
    locations = (0.5 + 0.4 * draw(2, 7, 4, 3, 5, 2, seed=1)).to(dtype)  # some lie outside
    attention = draw(2, 7, 4, 3, 5, seed=2).flatten(3).softmax(-1).view(2, 7, 4, 3, 5).to(dtype)
    return value, shapes, starts, locations, attention


def test_ms_deform_attn():
    value, shapes, starts, locations, attention = make_attention()
    leaves = [tensor.clone().requires_grad_() for tensor in (value, locations, attention)]
    copies = [tensor.clone().requires_grad_() for tensor in (value, locations, attention)]
    output = MultiScaleDeformableAttnFunction.apply(leaves[0], shapes, starts, *leaves[1:], 64)
    expected = multi_scale_deformable_attn_pytorch(copies[0], shapes, *copies[1:])
    torch.testing.assert_close(output, expected)
    grad_output = draw(*expected.shape, seed=3)
    output.backward(grad_output)
    expected.backward(grad_output)
    for leaf, copy in zip(leaves, copies, strict=True):
        torch.testing.assert_close(leaf.grad, copy.grad)


def test_ms_deform_attn_half_precision():
    value, shapes, starts, locations, attention = make_attention(torch.bfloat16)
    output = MultiScaleDeformableAttnFunction.apply(value, shapes, starts, locations, attention, 64)
    expected = MultiScaleDeformableAttnFunction.apply(
        value.float(), shapes, starts, locations.float(), attention.float(), 64
    )
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output, expected.bfloat16())
