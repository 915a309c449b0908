"""Logits of classifiers after loading published files, against what the official code computed (tests/golden)."""

import pytest
import torch

from swin_dense.checkpoints import load_classifier
from tests.classification.classifiers import classifier
from tests.golden_files import reference

TOLERANCE = 1e-4  # of the largest absolute value


def logits_of(name, backbone, channels, *, output='logits'):
    meta, state_dict, inputs, expected = reference(name)
    head = next(
        value for key, value in state_dict.items() if key in ('head.weight', 'head.fc.weight', 'classifier.weight')
    )
    model = classifier(
        backbone=backbone(meta['args']), num_classes=len(head), in_channels=channels(meta['args'])
    ).eval()
    report = load_classifier(model, {'model': state_dict})
    assert report.is_complete
    assert not report.missing
    with torch.inference_mode():
        found = model(next(iter(inputs.values())))
    assert (found - expected[output]).abs().max() <= TOLERANCE * expected[output].abs().max()
    return report


def swin_of(args):
    fields = {'embed_dims': args['embed_dim'], 'depths': args['depths'], 'num_heads': args['num_heads']}
    window = args.get('window_size', 7)
    return {'type': 'swin_dense.SwinTransformer', 'arch': fields, 'window_size': window, 'clamp_shift': True,
            'out_indices': (len(args['depths']) - 1,)}  # fmt: skip


def last_channels(args):
    return args['embed_dim'] * 2 ** (len(args['depths']) - 1)


@pytest.mark.parametrize('name', ['swin_cls_official', 'swin_timm', 'swin_torchvision', 'swin_hf'])
def test_swin(name):
    logits_of(name, swin_of, last_channels)


@pytest.mark.parametrize('name', ['shiftvit_official_ndiv12', 'shiftvit_official_ndiv16'])
def test_shift_vit(name):
    def backbone(args):
        arch = {'embed_dims': args['embed_dim'], 'depths': args['depths'], 'mlp_ratio': args['mlp_ratio'],
                'n_div': args['n_div']}  # fmt: skip
        return {'type': 'swin_dense.ShiftViT', 'arch': arch, 'out_indices': (len(args['depths']) - 1,)}

    logits_of(name, backbone, last_channels)


def test_vit():
    def backbone(args):
        arch = {'embed_dims': args['embed_dim'], 'depth': args['depth'], 'num_heads': args['num_heads']}
        return {'type': 'swin_dense.VisionTransformer', 'arch': arch, 'patch_size': args['patch_size'],
                'image_size': args['img_size'], 'out_indices': (args['depth'] - 1,), 'final_norm': True,
                'class_token_level': True}  # fmt: skip

    logits_of('vit_timm', backbone, lambda args: args['embed_dim'])
