"""Files of another model, or with something wrong, in any layout: each its own message, and nothing is loaded."""

import copy

import pytest
import torch
from torch import nn

from swin_dense.backbones import ShiftViT, SwinTransformer, VisionTransformer
from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.architecture import recognise
from swin_dense.checkpoints.conversion import convert
from tests.checkpoints import published_files
from tests.checkpoints.models import assert_equal_states, copied, small_shift_vit, small_swin, small_vit
from tests.golden_files import reference

SWIN = (96, (2, 2, 6, 2), (3, 6, 12, 24), 7, 1000)
SWIN_S = (96, (2, 2, 18, 2), (3, 6, 12, 24), 7, 1000)
SHIFT_VIT = (96, (6, 8, 18, 6), 2, 1000)
LIGHT_TINY = (96, (2, 2, 6, 2), 4, 10)
VIT = (768, 12, 16, 224, 1000)


def refusal(backbone, state, **options):
    """The message; the backbone is as before."""
    before = copied(backbone.state_dict())
    with pytest.raises(ValueError) as caught:
        load_pretrained(backbone, state, **options)
    assert_equal_states(backbone.state_dict(), before)
    assert not hasattr(backbone, 'load_report')
    return str(caught.value)


# a layout, the backbone, a tensor of it and its own name, the beginning of a block's names
LAYOUTS = {
    'official': (lambda: swin('official'), small_swin, 'layers.2.blocks.1.mlp.fc1.weight', 'layers.2.blocks.1.'),
    'timm': (lambda: swin('timm'), small_swin, 'layers.2.blocks.1.mlp.fc1.weight', 'layers.2.blocks.1.'),
    'torchvision': (lambda: swin('torchvision'), small_swin, 'features.5.1.mlp.0.weight', 'features.5.1.'),
    'hugging face': (
        lambda: swin('huggingface'),
        small_swin,
        'swin.encoder.layers.2.blocks.1.intermediate.dense.weight',
        'swin.encoder.layers.2.blocks.1.',
    ),
    'mmdet': (
        lambda: convert(reference('swin_dense_official')[1], 'mmdet').tensors,
        small_swin,
        'stages.2.blocks.1.ffn.layers.0.0.weight',
        'stages.2.blocks.1.',
    ),
    'shiftvit': (
        lambda: reference('shiftvit_official_ndiv12')[1],
        small_shift_vit,
        'layers.2.blocks.1.mlp.fc1.weight',
        'layers.2.blocks.1.',
    ),
    'vit': (lambda: reference('vit_timm')[1], small_vit, 'blocks.1.mlp.fc1.weight', 'blocks.1.'),
    'mmseg vit': (
        lambda: convert(reference('vit_timm')[1], 'mmseg').tensors,
        small_vit,
        'layers.1.ffn.layers.0.0.weight',
        'layers.1.',
    ),
}


def swin(target):
    return convert(reference('swin_cls_official')[1], target).tensors


@pytest.fixture(params=LAYOUTS)
def case(request):
    make_state, make_backbone, name, block = LAYOUTS[request.param]
    own = 'blocks.1.' if 'vit' in request.param and request.param != 'shiftvit' else 'layers.2.blocks.1.'
    return make_state(), make_backbone(), name, block, own


def test_one_renamed_key(case):
    state, backbone, name, _, own = case
    renamed = name.removesuffix('.weight') + '_.weight'
    state[renamed] = state.pop(name)
    message = refusal(backbone, state)
    assert f'missing in the file, 1: {own}mlp.fc1.weight' in message
    assert f'unknown to the backbone, 1: {renamed}.' in message
    assert f'{own}mlp.fc1.weight (nearest in the file: {renamed})' in message


def test_one_missing_block(case):
    state, backbone, _, block, own = case
    without = {name: value for name, value in state.items() if not name.startswith(block)}
    assert len(without) < len(state)
    message = refusal(backbone, without)
    assert f': {own}norm' in message
    assert 'looks like' in message
    assert ('depths=(2, 2, 1, 2)' in message) or ('depths=(2, 1, 2, 1)' in message) or ('depth=3' in message)


def test_a_transposed_weight(case):
    state, backbone, name, _, own = case
    state[name] = state[name].transpose(0, 1)
    message = refusal(backbone, state)
    assert f'of another shape, 1: {own}mlp.fc1.weight' in message
    assert '(transposed?)' in message
    assert 'looks like' not in message


def test_a_part_of_q_k_v(case):
    state, backbone, *_ = case
    part = next((name for name in state if name.endswith('blocks.1.attention.self.key.bias')), None)
    if part is None:
        return
    del state[part]
    message = refusal(backbone, state)
    whole = part.removeprefix('swin.encoder.').replace('attention.self.key', 'attn.qkv')
    assert f'missing in the file, 1: {whole}' in message
    assert 'unknown to the backbone, 2: ' in message
    assert part.replace('key', 'query') in message


def published(kind, shapes):
    return published_files.tensors(getattr(published_files, kind)(*shapes), device='meta')


SWIN_INTO = 'looks like Swin-T with .*built is '
SHIFT_VIT_INTO = 'looks like ShiftViT-T with embed_dims=96, .*mlp_ratio=2 .*built is '
VIT_INTO = r"looks like ViT-B with embed_dims=768, depth=12, patch_size=16 \(arch='base'\); built is "
WRONG = [
    ('swin_classifier', SWIN_S, SwinTransformer, "looks like Swin-S with .*arch='small'.*built is Swin-T .*'tiny'"),
    ('swin_classifier', SWIN, ShiftViT, SWIN_INTO + 'ShiftViT-T'),
    ('swin_classifier', SWIN, VisionTransformer, SWIN_INTO + 'ViT-B'),
    ('shift_vit_classifier', SHIFT_VIT, SwinTransformer, SHIFT_VIT_INTO + 'Swin-T'),
    ('shift_vit_classifier', SHIFT_VIT, VisionTransformer, SHIFT_VIT_INTO + 'ViT-B'),
    ('shift_vit_classifier', LIGHT_TINY, ShiftViT, r"looks like ShiftViT with .*\(arch='light_tiny'\); built is"),
    ('vit', VIT, SwinTransformer, VIT_INTO + 'Swin-T'),
    ('vit', VIT, ShiftViT, VIT_INTO + 'ShiftViT-T'),
    ('vit', (384, 12, 16, 224, 10), VisionTransformer, 'looks like ViT-S .*built is ViT-B'),
    ('vit', (768, 11, 16, 224, 10), VisionTransformer, 'looks like ViT with embed_dims=768, depth=11, .*is ViT-B'),
]


@pytest.mark.parametrize(('kind', 'shapes', 'backbone', 'message'), WRONG)
def test_another_model(kind, shapes, backbone, message):
    """Presets, without memory for them: nothing is read of a tensor before it is refused."""
    with torch.device('meta'):
        built = backbone()
    with pytest.raises(ValueError, match=message) as caught:
        load_pretrained(built, published(kind, shapes))
    assert 'does not fit this' in str(caught.value)
    assert len(str(caught.value)) < 2500
    assert all(parameter.is_meta for parameter in built.parameters())


def test_another_family_of_the_same_sizes():
    with torch.device('meta'):
        built = ShiftViT(arch='light_tiny')
    with pytest.raises(
        ValueError, match=r"looks like Swin-T .*built is ShiftViT with .*\(arch='light_tiny'\)"
    ) as caught:
        load_pretrained(built, published('swin_classifier', SWIN))
    assert 'nearest' not in str(caught.value)


@pytest.mark.parametrize('target', ['timm', 'torchvision', 'huggingface', 'mmdet'])
def test_another_variant_in_another_layout(target):
    file = convert(published('swin_classifier', SWIN_S), target).tensors
    with torch.device('meta'):
        built = SwinTransformer(arch='tiny')
    with pytest.raises(ValueError, match=r'looks like Swin-S .*built is Swin-T'):
        load_pretrained(built, file)


@pytest.mark.parametrize('arch', ['tiny', 'small', 'base', 'large'])
def test_presets_are_recognised(arch):
    with torch.device('meta'):
        families = [SwinTransformer, VisionTransformer, *([ShiftViT] if arch != 'large' else [])]
        models = [family(arch=arch) for family in families]
    for model in models:
        found = recognise({name: tuple(value.shape) for name, value in model.state_dict().items()})
        assert found.names == (arch,)
        assert str(found).split(' ')[0].endswith(f'-{arch[0].upper()}')


def test_what_is_no_backbone_of_this_package():
    assert recognise({'patch_embed.proj.weight': (3, 3, 4, 4)}) is None
    assert recognise({'fc.weight': (3, 3)}) is None


def test_modules_of_any_other_kind():
    """Their names are their own, and what is nearest is said of them, too."""
    module = nn.ModuleDict({'first_layer': nn.Linear(2, 2), 'second_layer': nn.Linear(2, 2)})
    state = {name: torch.ones_like(value) for name, value in module.state_dict().items()}
    state['frist_layer.bias'] = state.pop('first_layer.bias')
    message = refusal(module, state)
    assert 'missing in the file, 1: first_layer.bias (nearest in the file: frist_layer.bias)' in message
    assert "layout: the backbone's own names" in message


def test_partial_loading_is_the_way_out():
    state = reference('vit_timm')[1]
    state['blocks.1.mlp.fc1.weight'] = state['blocks.1.mlp.fc1.weight'].T
    state['extra.weight'] = state.pop('blocks.2.norm1.weight')
    backbone = small_vit()
    before = copied(backbone.state_dict())
    report = load_pretrained(backbone, state, allow_partial=True)
    assert report.mismatched == (('blocks.1.mlp.fc1.weight', (48, 192), (192, 48)),)
    assert (report.unexplained, report.unexpected) == (('blocks.2.norm1.weight',), ('extra.weight',))
    kept = ('blocks.1.mlp.fc1.weight', 'blocks.2.norm1.weight')
    own = backbone.state_dict()
    assert_equal_states(own, {name: (before if name in kept else state)[name] for name in own})


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda tensor: tensor.to('meta'), 'without values, or sparse ones: layers.1.blocks.0.norm1.weight'),
        (lambda tensor: tensor.to_sparse(), 'without values, or sparse ones: layers.1.blocks.0.norm1.weight'),
        (lambda tensor: tensor.to(torch.int8), 'torch.int8 where the backbone has torch.float32'),
        (lambda tensor: tensor.to(torch.complex64), 'torch.complex64 where the backbone has torch.float32'),
    ],
    ids=['meta', 'sparse', 'int8', 'complex'],
)
def test_tensors_that_torch_stops_at_or_bends(change, said):
    """In the middle of a file: what stands before must not be loaded either."""
    arch = {'embed_dims': 8, 'depths': (1, 1), 'num_heads': (1, 2), 'window_size': 3}
    model, other = (SwinTransformer(arch=arch, out_indices=(0, 1)) for _ in range(2))
    before = copy.deepcopy(model.state_dict())
    state = {name: tensor + 1 for name, tensor in other.state_dict().items()}
    state['layers.1.blocks.0.norm1.weight'] = change(state['layers.1.blocks.0.norm1.weight'])
    with pytest.raises(ValueError, match=said):
        load_pretrained(model, state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ('build', 'deep', 'shallow', 'blocks'),
    [
        (VisionTransformer, {'embed_dims': 24, 'depth': 4, 'num_heads': 2}, {'depth': 2}, r'\(4,\) blocks, .*\(2,\)'),
        (
            SwinTransformer,
            {'embed_dims': 8, 'depths': (1, 1, 1), 'num_heads': (1, 2, 2), 'window_size': 3},
            {'depths': (1, 1), 'num_heads': (1, 2)},
            r'\(1, 1, 1\) blocks, .*\(1, 1\)',
        ),
    ],
    ids=['ViT', 'Swin'],
)
def test_a_deeper_model_is_no_shallower_one(build, deep, shallow, blocks):
    """Its first blocks would do something, and not what either model does; those of the same arch are what is meant."""
    last = len(deep['depths']) - 1 if 'depths' in deep else deep['depth'] - 1
    file = build(arch=deep, out_indices=(0, 1, last)).state_dict()
    assert load_pretrained(build(arch=deep, out_indices=(0, 1)), file).is_complete
    with pytest.raises(ValueError, match=f'deeper model: it has {blocks}'):
        load_pretrained(build(arch={**deep, **shallow}, out_indices=(0, 1)), file)
