"""Files of MAE, ViTDet, timm and OpenMMLab for the plain and the windowed ViT."""

import pytest
import torch

from swin_dense.backbones import VisionTransformer
from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.resizing import resized_relative_rows
from tests.checkpoints import published_files
from tests.checkpoints.models import assert_equal_states

ARCH = {'embed_dims': 12, 'depth': 4, 'num_heads': 2}


def plain(**options):
    return VisionTransformer(**{'arch': ARCH, 'image_size': 64, **options})


def windowed(**options):
    """As in ViTDet: positions of pretraining at 64 pixels, relative ones of training at 128."""
    tables = {'relative_position': True, 'relative_position_size': 128}
    return plain(**{'class_token': False, 'window_size': 3, 'out_indices': (3,), **tables, **options})


@pytest.fixture
def mae():
    return published_files.tensors(published_files.vit(12, 4, 16, 64))


def test_mae_for_vitdet(mae):
    backbone = windowed()
    report = load_pretrained(backbone, {'model': mae})
    tables = [f'blocks.{number}.attn.rel_pos_{axis}' for number in range(4) for axis in 'hw']
    assert report.missing == tuple(tables)
    assert set(dict(report.why_missing).values()) == {
        'relative positions, which start at zero after pretraining without them'
    }
    assert not any(backbone.get_parameter(name).any() for name in tables)
    assert report.resized == (('pos_embed', (1, 17, 12), (1, 16, 12), 'less the row of a token'),)
    assert {name for name, _ in report.ignored} == {'cls_token', 'norm.weight', 'norm.bias'}
    for name, value in backbone.state_dict().items():
        if name in mae and name != 'pos_embed':
            assert torch.equal(value, mae[name])


def test_mae_with_its_decoder(mae):
    extra = ('mask_token', 'decoder_pos_embed', 'decoder_embed.weight', 'decoder_blocks.0.attn.qkv.weight')
    report = load_pretrained(plain(), {**mae, **{name: torch.ones(2) for name in extra}})
    reasons = dict(report.ignored)
    assert {reasons[name] for name in extra} == {'decoder of masked pretraining'}
    assert report.layout == 'ViT, timm'


def test_fine_tuned_mae_and_pretrained_on_22k(mae):
    del mae['norm.weight'], mae['norm.bias']
    extra = ('fc_norm.weight', 'pre_logits.fc.bias', 'head.weight')
    report = load_pretrained(plain(), {**mae, **{name: torch.ones(2) for name in extra}})
    assert {name for name, _ in report.ignored} == set(extra)
    with pytest.raises(ValueError, match=r'missing in the file, 2: norm\.weight'):
        load_pretrained(plain(final_norm=True), mae)


def test_vitdet_of_detectron2(mae):
    """Its backbone is a pyramid around the net; tables are for its own windows and training size."""
    theirs = {name: value for name, value in mae.items() if name.partition('.')[0] not in ('cls_token', 'norm')}
    sizes = {number: 5 if number in (0, 2) else 14 for number in range(4)}
    for number, size in sizes.items():
        for axis in 'hw':
            theirs[f'blocks.{number}.attn.rel_pos_{axis}'] = torch.randn(2 * size - 1, 6)
    around = {f'backbone.net.{name}': value for name, value in theirs.items()}
    around |= {'backbone.simfp_2.0.weight': torch.ones(2), 'proposal_generator.rpn_head.conv.weight': torch.ones(2)}
    backbone = windowed(global_blocks=(1, 3))
    report = load_pretrained(backbone, {'model': around})
    assert report.unexpected == report.missing == ()
    beside = [name for name, reason in report.ignored if reason == 'beside the backbone']
    assert beside == ['backbone.simfp_2.0.weight', 'proposal_generator.rpn_head.conv.weight']
    resized = {name: (old[0], new[0], how) for name, old, new, how in report.resized if 'rel_pos' in name}
    assert resized == {
        f'blocks.{number}.attn.rel_pos_{axis}': (9, 5, 'linear') if number in (0, 2) else (27, 15, 'linear')
        for number in range(4)
        for axis in 'hw'
    }
    for name in resized:
        expected = resized_relative_rows(theirs[name], len(backbone.get_parameter(name)))
        assert torch.equal(backbone.get_parameter(name), expected)
    assert torch.equal(backbone.pos_embed, theirs['pos_embed'][:, 1:])
    # as it saves itself, nothing is resized
    again = windowed(global_blocks=(1, 3))
    assert load_pretrained(again, backbone.state_dict()).resized == ()
    assert_equal_states(again.state_dict(), backbone.state_dict())


def test_one_table_of_relative_positions_is_missing(mae):
    state = windowed().state_dict()
    del state['blocks.2.attn.rel_pos_w']
    with pytest.raises(ValueError, match=r'missing in the file, 1: blocks\.2\.attn\.rel_pos_w'):
        load_pretrained(windowed(), state)
    with pytest.raises(ValueError, match=r'unknown to the backbone, 7: blocks\.0\.attn\.rel_pos_h'):
        load_pretrained(plain(class_token=False), state)


def test_blocks_that_are_not_built(mae):
    report = load_pretrained(plain(out_indices=(1,)), mae)
    reason = 'blocks after blocks.1 are not built for these out_indices'
    assert sum(why == reason for _, why in report.ignored) == 2 * 12
    assert report.missing == report.unexpected == ()


def test_on_the_meta_device(mae):
    with torch.device('meta'):
        backbone = windowed()
    load_pretrained(backbone, mae)
    expected = windowed()
    load_pretrained(expected, mae)
    assert_equal_states(backbone.state_dict(), expected.state_dict())
    images = torch.randn(1, 3, 70, 40)
    assert torch.equal(backbone(images)[0], expected(images)[0])


@pytest.mark.parametrize(
    'name', ['blocks.0.ls1.gamma', 'norm_pre.weight', 'register_tokens', 'blocks.0.attn.q_norm.weight']
)
def test_models_that_are_more_than_a_vit_are_refused(mae, name):
    """DINOv2, CLIP and others have the same names, and more."""
    with pytest.raises(ValueError, match=f'unknown to the backbone, 1: {name}'):
        load_pretrained(plain(), {**mae, name: torch.ones(12)})
