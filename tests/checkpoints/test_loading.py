"""Official files, written as their authors wrap them, against what the official models computed from them."""

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from swin_dense.backbones import SwinTransformer
from swin_dense.checkpoints import load_pretrained
from tests.checkpoints.models import assert_equal_states, copied, small_swin
from tests.golden_files import reference

TABLE = 'layers.0.blocks.0.attn.relative_position_bias_table'


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-4 * expected.abs().max().item())


def write(state, path, **around):
    """The official repositories' file: the weights under 'model', beside what training needs."""
    torch.save({'model': state, **around}, path)
    return path


@pytest.fixture
def dense():
    return reference('swin_dense_official')


@pytest.fixture
def classifier():
    return reference('swin_cls_official')


def test_official_dense_file(dense, tmp_path):
    _, state, inputs, arrays = dense
    backbone = small_swin().eval()
    report = load_pretrained(backbone, write(state, tmp_path / 'dense.pth'))
    with torch.inference_mode():
        levels = backbone(inputs['input'])
    assert len(levels) == 4
    for level, output in enumerate(levels):
        close(output, arrays[f'out{level}'])
    weights = [name for name in state if not name.endswith('relative_position_index')]
    assert sorted(report.loaded) == sorted(weights)
    assert len(weights) == report.total
    assert dict(report.ignored) == {name: 'computed, not loaded' for name in state if name not in weights}
    assert (report.missing, report.unexpected, report.resized, report.renamed) == ((), (), (), ())
    assert report.layout == 'Swin, dense'


def test_official_classification_file(classifier, tmp_path):
    _, state, inputs, arrays = classifier
    backbone = small_swin(clamp_shift=True).eval()
    path = write(state, tmp_path / 'classifier.pth', optimizer={'state': {}}, epoch=299)
    report = load_pretrained(backbone, str(path))
    norms = [f'norm{level}.{name}' for level in range(4) for name in ('weight', 'bias')]
    assert report.layout == 'Swin, official classification'
    assert sorted(report.missing) == sorted(norms)
    assert dict(report.why_missing).keys() == set(norms)
    assert report.unexpected == ()
    ignored = dict(report.ignored)
    assert {name for name in ignored if name.startswith(('norm', 'head'))} == {
        'norm.weight', 'norm.bias', 'head.weight', 'head.bias'
    }  # fmt: skip
    assert len(ignored) == 4 + 8 + 3  # with one index table a block, and a mask for the shifted one of three stages
    # kept as LayerNorm starts
    for level in range(4):
        norm = backbone.get_submodule(f'norm{level}')
        assert torch.equal(norm.weight, torch.ones_like(norm.weight))
        assert torch.equal(norm.bias, torch.zeros_like(norm.bias))

    backbone.norm3.load_state_dict({'weight': state['norm.weight'], 'bias': state['norm.bias']})
    head = nn.Linear(96, 10)
    head.load_state_dict({'weight': state['head.weight'], 'bias': state['head.bias']})
    with torch.inference_mode():
        features = backbone(inputs['input'])[-1].mean((2, 3))
        logits = head(features)
    close(features, arrays['features'])
    close(logits, arrays['logits'])


def around_a_detector(state):
    heads = {
        'neck.fpn_convs.0.conv.weight': torch.ones(2, 2),
        'rpn_head.rpn_conv.bias': torch.ones(2),
        'roi_head.bbox_head.0.fc_cls.weight': torch.ones(3, 2),
        'decode_head.conv_seg.bias': torch.ones(3),
    }
    return {**{f'backbone.{name}': tensor for name, tensor in state.items()}, **heads}


WRAPPINGS = {
    'bare': lambda state: state,
    'state_dict': lambda state: {'state_dict': state, 'meta': {'epoch': 12}},
    'twice': lambda state: {'model': {'state_dict': state}},
    'parallel': lambda state: {'model': {f'module.{name}': tensor for name, tensor in state.items()}},
    'parallel, compiled': lambda state: {f'module._orig_mod.{name}': tensor for name, tensor in state.items()},
    'detector': lambda state: {'state_dict': around_a_detector(state), 'optimizer': {'state': {}}},
    'parallel detector': lambda state: {f'module.{name}': t for name, t in around_a_detector(state).items()},
    'compiled in a detector': lambda state: {f'backbone._orig_mod.{name}': tensor for name, tensor in state.items()},
}


@pytest.mark.parametrize('wrapping', WRAPPINGS)
def test_every_wrapping_gives_the_same_weights(dense, tmp_path, wrapping):
    state = dense[1]
    backbone = small_swin()
    torch.save(WRAPPINGS[wrapping](state), tmp_path / 'file.pth')
    report = load_pretrained(backbone, tmp_path / 'file.pth')
    own = backbone.state_dict()
    assert_equal_states(own, {name: state[name] for name in own})
    assert report.is_complete
    beside = [name for name, why in report.ignored if why == 'beside the backbone']
    assert len(beside) == (4 if wrapping.endswith('detector') and 'compiled' not in wrapping else 0)
    prefixed = not wrapping.startswith(('bare', 'state_dict', 'twice'))
    assert len(report.renamed) == (len(own) if prefixed else 0)
    for name_in_file, name in report.renamed:
        assert name_in_file != name
        assert name_in_file.endswith(name)


def test_source_may_be_a_dict_and_stays_as_it_is(dense):
    state = dense[1]
    content = {'model': dict(state)}
    backbone = small_swin()
    report = load_pretrained(backbone, content)
    assert report.source == 'a state dict'
    assert list(content['model']) == list(state)
    before = copied(state)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.zero_()
    assert_equal_states(content['model'], before)


@pytest.mark.parametrize('out_indices', [(0,), (1, 2), (0, 3), (2,)])
@pytest.mark.parametrize('name', ['swin_dense_official', 'swin_cls_official'])
def test_levels_that_are_not_built_are_ignored(name, out_indices):
    state = reference(name)[1]
    backbone = small_swin(out_indices=out_indices)
    report = load_pretrained(backbone, state)
    assert report.unexpected == ()
    own = backbone.state_dict()
    of_file = [key for key in own if key in state]
    assert_equal_states({key: own[key] for key in of_file}, {key: state[key] for key in of_file})
    assert set(own) - set(of_file) == set(report.missing)
    assert bool(report.missing) == (name == 'swin_cls_official')
    assert {key for key, _ in report.ignored} == set(state) - set(own)
    reasons = dict(report.ignored)
    if out_indices == (1, 2):
        assert 'not built' in reasons['layers.3.blocks.0.norm1.weight']
        assert 'not built' in reasons['layers.2.downsample.norm.weight']
        if name == 'swin_dense_official':
            assert 'not in out_indices' in reasons['norm0.weight']


def test_half_precision_file(dense):
    state = {name: tensor.bfloat16() if tensor.is_floating_point() else tensor for name, tensor in dense[1].items()}
    backbone = small_swin()
    load_pretrained(backbone, state)
    own = backbone.state_dict()
    assert_equal_states(own, {name: state[name].float() for name in own})


@pytest.mark.parametrize('name', ['swin_dense_official', 'swin_cls_official'])
def test_a_backbone_on_the_meta_device(name):
    _, state, inputs, _ = reference(name)
    with torch.device('meta'):
        backbone = small_swin(num_frozen_stages=2)
    load_pretrained(backbone, state)
    expected = small_swin(num_frozen_stages=2)
    load_pretrained(expected, state)
    assert_equal_states(backbone.state_dict(), expected.state_dict())
    wanted = {key: parameter.requires_grad for key, parameter in expected.named_parameters()}
    assert {key: parameter.requires_grad for key, parameter in backbone.named_parameters()} == wanted
    with torch.inference_mode():
        outputs = backbone.eval()(inputs['input']), expected.eval()(inputs['input'])
    for output, other in zip(*outputs, strict=True):
        assert torch.equal(output, other)
    with torch.no_grad():
        backbone.patch_embed.proj.weight.zero_()
    assert state['patch_embed.proj.weight'].any(), 'the model shares memory with the file'


def test_init_cfg_loads_strictly_in_init_weights(dense, tmp_path):
    state = dense[1]
    path = write(state, tmp_path / 'dense.pth')
    backbone = small_swin(init_cfg={'type': 'Pretrained', 'checkpoint': str(path)}, num_frozen_stages=1)
    backbone.init_weights()
    own = backbone.state_dict()
    assert_equal_states(own, {name: state[name] for name in own})
    assert backbone.load_report.is_complete
    assert not backbone.patch_embed.proj.weight.requires_grad
    # the runner asks again; nothing is to be loaded over what was changed since
    with torch.no_grad():
        backbone.norm3.bias.fill_(7.0)
    backbone.init_weights()
    assert torch.equal(backbone.norm3.bias, torch.full((96,), 7.0))


def test_init_cfg_of_a_wrong_file_is_an_error(dense, tmp_path):
    state = {name: tensor for name, tensor in dense[1].items() if name != 'norm2.bias'}
    path = write(state, tmp_path / 'dense.pth')
    backbone = small_swin(init_cfg={'type': 'Pretrained', 'checkpoint': str(path)})
    with pytest.raises(ValueError, match=r'missing in the file, 1: norm2\.bias'):
        backbone.init_weights()


def test_without_init_cfg_nothing_is_loaded():
    backbone = small_swin()
    before = copied(backbone.state_dict())
    backbone.init_weights()
    assert_equal_states(backbone.state_dict(), before)


def test_inside_a_model_of_mmengine(dense, tmp_path):
    """A detector calls init_weights of its parts; a checkpoint of the whole then loads into a backbone again."""
    from mmengine.model import BaseModule

    class Detector(BaseModule):
        def __init__(self):
            super().__init__()
            path = write(dense[1], tmp_path / 'dense.pth')
            self.backbone = small_swin(init_cfg={'type': 'Pretrained', 'checkpoint': str(path)})
            self.neck = nn.Linear(96, 2)

    detector = Detector()
    detector.init_weights()
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-4)
    detector.neck(detector.backbone(torch.ones(1, 3, 33, 50))[3].mean((2, 3))).sum().backward()
    optimizer.step()
    path = tmp_path / 'epoch_1.pth'
    whole = {'meta': {'epoch': 1}, 'state_dict': detector.state_dict(), 'optimizer': optimizer.state_dict()}
    torch.save(whole, path)
    again = small_swin()
    report = load_pretrained(again, path)
    assert_equal_states(again.state_dict(), detector.backbone.state_dict())
    assert dict(report.ignored) == dict.fromkeys(('neck.weight', 'neck.bias'), 'beside the backbone')


def test_the_report_is_logged_and_kept(classifier, monkeypatch):
    lines = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'info', lines.append)
    backbone = small_swin(window_size=3)
    report = load_pretrained(backbone, {f'backbone.{name}': tensor for name, tensor in classifier[1].items()})
    assert backbone.load_report is report
    assert lines == [str(report)]
    assert lines[0].splitlines() == [
        'SwinTransformer from a state dict (layout: Swin, official classification)',
        '  loaded       117 of 125',
        '  renamed      117  backbone.patch_embed.proj.weight -> patch_embed.proj.weight and 116 more',
        f'  resized        8  bicubic: {TABLE} (169, 1) -> (25, 1) and 7 more',
        '  ignored        2  norm before the classification head, which no output level has: backbone.norm.weight, '
        'backbone.norm.bias',
        '  ignored        2  classification head: backbone.head.weight, backbone.head.bias',
        '  ignored       11  computed, not loaded: backbone.layers.0.blocks.0.attn.relative_position_index, '
        'backbone.layers.0.blocks.1.attn_mask and 9 more',
        '  missing        8  the file has no output norms; they start from scratch: norm0.weight, norm0.bias '
        'and 6 more',
    ]
    assert report.summary == 'SwinTransformer: 117 of 125 tensors from a state dict, 8 resized, 8 initial values'


def test_a_preset_takes_what_it_saved():
    saved = SwinTransformer(arch='tiny').state_dict()
    backbone = SwinTransformer(arch='tiny')
    report = load_pretrained(backbone, {'state_dict': {f'backbone.{name}': value for name, value in saved.items()}})
    assert_equal_states(backbone.state_dict(), saved)
    assert report.ignored == ()
    assert len(report.loaded) == report.total == len(list(backbone.parameters()))
