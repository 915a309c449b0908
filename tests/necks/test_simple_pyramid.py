"""The simple feature pyramid against its layers written out."""

import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS as DETECTORS

from swin_dense.backbones import VisionTransformer
from swin_dense.necks import SimpleFeaturePyramid

# of facebookresearch/detectron2@0818132, modeling/backbone/vit.py
PROJECTIONS = ('{}.weight', '{}.norm.weight', '{}.norm.bias')


def official_names():
    doubling = ('weight', 'bias')
    names = {f'simfp_2.{i}.{part}' for i in (0, 1, 3) for part in doubling} | {f'simfp_3.0.{part}' for part in doubling}
    for scale, first in ((2, 4), (3, 1), (4, 0), (5, 1)):
        names |= {name.format(f'simfp_{scale}.{i}') for i in (first, first + 1) for name in PROJECTIONS}
    return names


def randomized(**options):
    neck = SimpleFeaturePyramid(**options).double()
    with torch.no_grad():
        for parameter in neck.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return neck


def normed(x, weight, bias):
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    return (x - mean) / (variance + 1e-6).sqrt() * weight[:, None, None] + bias[:, None, None]


def doubled(x, weight, bias):
    """Each pixel becomes 2 x 2 pixels."""
    batch, _, height, width = x.shape
    pixels = torch.einsum('bchw,cdyx->bdhywx', x, weight)
    return pixels.reshape(batch, -1, 2 * height, 2 * width) + bias[:, None, None]


def halved(x):
    """The largest of each 2 x 2 pixels, of what there is of them at the border."""
    height, width = x.shape[2:]
    rows = [[x[:, :, y : y + 2, z : z + 2].amax((2, 3)) for z in range(0, width, 2)] for y in range(0, height, 2)]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def expected_pyramid(state, x, num_outs):
    def projected(x, scale, first):
        for number, padding in ((first, 0), (first + 1, 1)):
            name = f'simfp_{scale}.{number}'
            x = F.conv2d(x, state[f'{name}.weight'], padding=padding)
            x = normed(x, state[f'{name}.norm.weight'], state[f'{name}.norm.bias'])
        return x

    def at(name):
        return state[f'{name}.weight'], state[f'{name}.bias']

    finest = F.gelu(normed(doubled(x, *at('simfp_2.0')), *at('simfp_2.1')))
    outputs = [
        projected(doubled(finest, *at('simfp_2.3')), 2, 4),
        projected(doubled(x, *at('simfp_3.0')), 3, 1),
        projected(x, 4, 0),
        projected(halved(x), 5, 1),
    ]
    while len(outputs) < num_outs:
        outputs.append(outputs[-1][:, :, ::2, ::2])
    return outputs


@pytest.mark.parametrize('size', [(1, 1), (3, 4), (5, 2)])
@pytest.mark.parametrize('num_outs', [4, 6])
def test_layers_written_out(size, num_outs):
    neck = randomized(in_channels=8, out_channels=6, num_outs=num_outs)
    x = torch.randn(2, 8, *size, dtype=torch.float64)
    outputs = neck((torch.zeros(2, 8, 1, 1), x))
    expected = expected_pyramid(neck.state_dict(), x, num_outs)
    assert isinstance(outputs, tuple)
    for output, wanted in zip(outputs, expected, strict=True):
        torch.testing.assert_close(output, wanted, rtol=0, atol=1e-10)


def test_names_are_official():
    assert set(SimpleFeaturePyramid(in_channels=8).state_dict()) == official_names()


@pytest.mark.filterwarnings('ignore')  # of mmdet and mmcv
def test_takes_the_levels_of_a_backbone_in_a_config():
    backbone = VisionTransformer(arch={'embed_dims': 16, 'depth': 4, 'num_heads': 2}, image_size=64)
    neck = DETECTORS.build({'type': 'swin_dense.SimpleFeaturePyramid', 'in_channels': list(backbone.out_channels)})
    assert len(neck.state_dict()) == len(official_names())
    outputs = neck(backbone(torch.randn(2, 3, 96, 64)))
    assert [output.shape for output in outputs] == [
        (2, 256, 24, 16), (2, 256, 12, 8), (2, 256, 6, 4), (2, 256, 3, 2), (2, 256, 2, 1),
    ]  # fmt: skip
    sum(output.square().sum() for output in outputs).backward()
    assert all(parameter.grad is not None for parameter in neck.parameters())


@pytest.mark.filterwarnings('ignore')  # of mmcv
def test_norm_of_channels_in_a_config():
    layer = ConvModule(4, 6, 3, norm_cfg={'type': 'swin_dense.ChannelNorm', 'eps': 1e-6}, act_cfg=None).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter))
    x = torch.randn(2, 4, 5, 3, dtype=torch.float64)
    expected = normed(F.conv2d(x, layer.conv.weight), layer.norm.weight, layer.norm.bias)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ('options', 'message'),
    [({'in_channels': 8, 'num_outs': 3}, '4 scales, .* got 3'), ({'in_channels': [8, 10]}, 'multiple of 4; got 10')],
)
def test_faults_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        SimpleFeaturePyramid(**options)
