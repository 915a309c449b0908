"""What of a model is run and counted, on small models whose products are worked out by hand."""

import pytest
import torch
from mmengine.config import Config
from torch import nn

from swin_dense.costs import build_model, count_costs, count_macs

BACKBONE = {
    'type': 'swin_dense.SwinTransformer',
    'arch': {'embed_dims': 8, 'depths': (1, 1, 1, 1), 'num_heads': (1, 1, 1, 1)},
}
CHANNELS = [8, 16, 32, 64]
BOXES = {'type': 'DeltaXYWHBBoxCoder', 'target_means': [0.0] * 4, 'target_stds': [1.0] * 4}
EXTRACTOR = {
    'type': 'SingleRoIExtractor',
    'roi_layer': {'type': 'RoIAlign', 'output_size': 7, 'sampling_ratio': 2},
    'out_channels': 16,
    'featmap_strides': [4, 8],
}


def box_head(classes=3):
    return {
        'type': 'Shared2FCBBoxHead',
        'in_channels': 16,
        'fc_out_channels': 32,
        'roi_feat_size': 7,
        'num_classes': classes,
        'bbox_coder': BOXES,
    }


def detector(**heads):
    return Config(
        {
            'default_scope': 'mmdet',
            'model': {
                'type': 'TwoStageDetector',
                'backbone': BACKBONE,
                'neck': {'type': 'FPN', 'in_channels': CHANNELS, 'out_channels': 16, 'num_outs': 4},
                'rpn_head': {
                    'type': 'RPNHead',
                    'in_channels': 16,
                    'feat_channels': 16,
                    'anchor_generator': {
                        'type': 'AnchorGenerator', 'scales': [8], 'ratios': [1.0], 'strides': [4, 8, 16, 32],
                    },
                    'bbox_coder': BOXES,
                },
                'roi_head': heads,
                'train_cfg': {'rpn': None, 'rcnn': None},
                'test_cfg': {'rpn': None, 'rcnn': None},
            },
        }
    )  # fmt: skip


def standard_heads(**options):
    mask_head = {'type': 'FCNMaskHead', 'num_convs': 1, 'in_channels': 16, 'conv_out_channels': 16, 'num_classes': 3}
    return {
        'type': 'StandardRoIHead',
        'bbox_roi_extractor': EXTRACTOR,
        'bbox_head': box_head(),
        'mask_roi_extractor': {**EXTRACTOR, 'roi_layer': {'type': 'RoIAlign', 'output_size': 14, 'sampling_ratio': 2}},
        'mask_head': mask_head,
        **options,
    }


def segmentor(head):
    return Config(
        {
            'default_scope': 'mmseg',
            'model': {
                'type': 'EncoderDecoder',
                'backbone': BACKBONE,
                'decode_head': {**head, 'in_index': 3, 'in_channels': 64},
                'auxiliary_head': {**head, 'in_index': 2, 'in_channels': 32},
            },
        }
    )


FCN = {'type': 'FCNHead', 'channels': 4, 'num_convs': 1, 'concat_input': False, 'num_classes': 5, 'dropout_ratio': 0.0}


def costs(cfg, size=(64, 96)):
    return {part.name: part for part in count_costs(build_model(cfg, 'meta'), size)}


def test_two_stages():
    """1000 boxes, 100 masks, whatever the image; parts add up to the model."""
    cfg = detector(**standard_heads())
    parts = costs(cfg)
    assert list(parts) == ['backbone', 'neck', 'rpn_head', 'roi_head.bbox_head', 'roi_head.mask_head']
    assert [part.group for part in parts.values()] == ['backbone', 'neck', 'heads', 'heads', 'heads']
    pixels = [16 * 24, 8 * 12, 4 * 6, 2 * 3]
    lateral = sum(count * channels * 16 for count, channels in zip(pixels, CHANNELS, strict=True))
    assert parts['neck'].macs == lateral + sum(pixels) * 9 * 16 * 16
    assert parts['rpn_head'].macs == sum(pixels) * (9 * 16 * 16 + 16 + 4 * 16)
    assert parts['roi_head.bbox_head'].macs == 1000 * (49 * 16 * 32 + 32 * 32 + 32 * 4 + 32 * 12)
    # a convolution, a transposed one with stride 2, the logits of 28 x 28
    assert parts['roi_head.mask_head'].macs == 100 * (196 * 9 * 16 * 16 + 196 * 4 * 16 * 16 + 784 * 16 * 3)
    whole = sum(parameter.numel() for parameter in build_model(cfg, 'meta').parameters())
    assert sum(part.parameters for part in parts.values()) == whole
    assert parts['backbone'].flops == 2 * parts['backbone'].macs


def test_cascade():
    heads = {
        'type': 'CascadeRoIHead',
        'num_stages': 2,
        'stage_loss_weights': [1, 1],
        'bbox_roi_extractor': EXTRACTOR,
        'bbox_head': [box_head(), box_head()],
    }
    one = costs(detector(**standard_heads()))['roi_head.bbox_head']
    two = costs(detector(**heads))['roi_head.bbox_head']
    assert (two.macs, two.parameters) == (2 * one.macs, 2 * one.parameters)


def test_auxiliary_head():
    """Its parameters count, and it does not run."""
    parts = costs(segmentor(FCN))
    assert list(parts) == ['backbone', 'decode_head', 'auxiliary_head']
    assert parts['decode_head'].macs == 2 * 3 * (9 * 64 * 4 + 4 * 5)
    assert parts['auxiliary_head'].macs is None
    assert parts['auxiliary_head'].flops is None
    assert parts['auxiliary_head'].parameters == 9 * 32 * 4 + 4 + 4 * 5 + 5


@pytest.mark.parametrize('kind', ['DCN', 'DCNv2'])
def test_deformable_convolutions(kind):
    """As plain ones, and the convolution that makes their offsets."""
    resnet = {'type': 'ResNet', 'depth': 50, 'stem_channels': 8, 'base_channels': 8}
    stages = (False, False, False, True)
    deformed = {**resnet, 'dcn': {'type': kind, 'deform_groups': 1}, 'stage_with_dcn': stages}
    (plain,) = count_costs(build_model(Config({'backbone': resnet}), 'meta'), (64, 96))
    (with_offsets,) = count_costs(build_model(Config({'backbone': deformed}), 'meta'), (64, 96))
    offsets = {'DCN': 18, 'DCNv2': 27}[kind]
    # three blocks with one 3x3 convolution of 64 channels each, on maps of 2 x 3
    assert with_offsets.macs - plain.macs == 3 * 2 * 3 * 9 * 64 * offsets


def test_what_is_not_known():
    with pytest.raises(ValueError, match='shared head'):
        count_costs(nn.ModuleDict({'backbone': nn.Conv2d(3, 4, 1)}), (8, 8))


def test_count_macs():
    """Grouped, transposed and strided convolutions, and attention; nothing for what is not a product."""
    with torch.device('meta'):
        x = torch.empty(2, 8, 9, 12)
        grouped = nn.Conv2d(8, 16, 3, stride=2, padding=1, groups=4)
        transposed = nn.ConvTranspose2d(8, 4, 2, stride=2)
        query, key = torch.empty(2, 3, 10, 4), torch.empty(2, 3, 20, 4)
    output, macs = count_macs(grouped, x)
    assert (output.shape, macs) == ((2, 16, 5, 6), 2 * 30 * 16 * 2 * 9)
    assert count_macs(transposed, x)[1] == 2 * 9 * 12 * 8 * 4 * 4
    attention = nn.functional.scaled_dot_product_attention
    products = 2 * 3 * (10 * 4 * 20 + 10 * 20 * 4)
    assert count_macs(attention, query, key, key)[1] == products
    assert count_macs(attention, *(torch.zeros(each.shape) for each in (query, key, key)))[1] == products
    assert count_macs(lambda: nn.functional.gelu(x.roll(1, 2)) + 1)[1] == 0
