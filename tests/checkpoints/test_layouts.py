"""Layouts are pure functions of names and tensors, recognised by names alone, and written and read without a loss."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.conversion import convert, targets
from swin_dense.checkpoints.layouts import LAYOUTS, detect_layout
from swin_dense.checkpoints.layouts.names import own_name, their_name
from tests.checkpoints import published_files
from tests.checkpoints.models import SHIFT_VIT_ARCH, assert_equal_states, copied, small_shift_vit, small_swin, small_vit
from tests.golden_files import reference

TITLES = {
    'swin_dense_official': 'Swin, dense',
    'swin_cls_official': 'Swin, official classification',
    'swin_timm': 'Swin, timm',
    'swin_torchvision': 'Swin, torchvision',
    'swin_hf': 'Swin, Hugging Face',
    'shiftvit_official_ndiv12': 'ShiftViT, official classification',
    'vit_timm': 'ViT, timm',
}
SWIN_TARGETS = ('swin_dense', 'official', 'timm', 'torchvision', 'huggingface', 'mmdet', 'mmseg')


def without_tables(state):
    return {key: value for key, value in state.items() if not key.endswith(('relative_position_index', 'attn_mask'))}


@pytest.fixture(scope='module')
def swin():
    """Shapes of the golden files, and ours with official norms, weights drawn once."""
    return reference('swin_cls_official')[1]


@pytest.mark.parametrize('name', TITLES)
def test_recognised_by_names_in_any_order(name):
    names = list(reference(name)[1])
    assert detect_layout(names).title == TITLES[name]
    assert detect_layout(names[::-1]).title == TITLES[name]


@pytest.mark.parametrize('name', TITLES)
def test_functions_leave_their_argument_alone(name):
    state = reference(name)[1]
    before, names = copied(state), list(state)
    layout = detect_layout(state)
    converted = layout.read(state)
    assert converted is not state
    if layout.restore is not None:
        kept, values = list(converted), copied(converted)
        layout.write(converted).clear()
        assert list(converted) == kept
        assert all(torch.equal(converted[key], values[key]) for key in kept)
    converted.clear()
    assert list(state) == names
    assert all(torch.equal(state[key], before[key]) for key in names)


@pytest.mark.parametrize(
    ('rows', 'theirs', 'ours'),
    [
        ((('layers.{s}.blocks.{b}.', 'features.{2s+1}.{b}.'),), 'features.5.10.bias', 'layers.2.blocks.10.bias'),
        ((('layers.{s}.downsample.', 'layers.{s+1}.downsample.'),), 'layers.3.downsample.x', 'layers.2.downsample.x'),
        ((('a', 'b'), ('a.', 'b.')), 'b.weight', 'a.weight'),
        ((('x.{b}.y', 'x/{b}/y'), ('x.{b}.', 'x/{b}/')), 'x/0/yz', 'x.0.yz'),
    ],
)
def test_rows_go_both_ways(rows, theirs, ours):
    assert own_name(theirs, rows) == ours
    assert their_name(ours, rows) == theirs


def test_what_no_row_has():
    rows = (('layers.{s}.', 'features.{2s+2}.'), ('cls_token', 'cls'))
    for name in ('features.0.weight', 'features.3.weight', 'features..weight', 'xfeatures.2.weight', 'cls_2'):
        assert own_name(name, rows) == name
    assert their_name('layer.0.weight', rows) == their_name('cls_token2', rows) == ''


# which source names a layout has is told by the golden files of that place, where there is one
@pytest.mark.parametrize(
    ('target', 'golden', 'tables'),
    [
        ('timm', 'swin_timm', set()),
        ('torchvision', 'swin_torchvision', {'relative_position_index'}),
        ('official', 'swin_cls_official', {'relative_position_index'}),
    ],
)
def test_written_as_the_place_itself_does(swin, target, golden, tables):
    """Names, shapes and computed tables; masks, which are of an image's size, are left to the model."""
    theirs = {key: value for key, value in reference(golden)[1].items() if not key.endswith('attn_mask')}
    shape = {key: value.shape for key, value in theirs.items() if not key.startswith('head.')}
    written = convert(swin, target).tensors
    assert {key: value.shape for key, value in written.items() if not key.startswith('head.')} == shape
    assert {key for key in written if key.startswith('head.')} == {key for key in theirs if key.startswith('head.')}
    for key in theirs:
        if key.endswith('relative_position_index'):
            assert torch.equal(written[key], theirs[key])
    assert {key.rpartition('.')[2] for key in written if 'index' in key} == tables


def test_hugging_face_files_have_the_names_of_the_hub(swin):
    """Files are named as in transformers 4; transformers 5, of which the golden file is, renames them when it loads."""
    written = list(convert(swin, 'huggingface').tensors)
    block = 'swin.encoder.layers.2.blocks.1.'
    assert [key.removeprefix(block) for key in written if key.startswith(block)] == [
        'layernorm_before.weight', 'layernorm_before.bias', 'attention.self.relative_position_bias_table',
        'attention.self.relative_position_index', 'attention.self.query.weight', 'attention.self.key.weight',
        'attention.self.value.weight', 'attention.self.query.bias', 'attention.self.key.bias',
        'attention.self.value.bias', 'attention.output.dense.weight', 'attention.output.dense.bias',
        'layernorm_after.weight', 'layernorm_after.bias', 'intermediate.dense.weight', 'intermediate.dense.bias',
        'output.dense.weight', 'output.dense.bias',
    ]  # fmt: skip
    assert {key for key in written if not key.startswith('swin.encoder.')} == {
        key for key in reference('swin_hf')[1] if not key.startswith('swin.encoder.')
    }
    assert 'swin.encoder.layers.2.downsample.reduction.weight' in written


@pytest.mark.parametrize('target', SWIN_TARGETS)
@pytest.mark.parametrize('golden', [name for name in TITLES if name not in ('swin_dense_official', 'vit_timm')])
def test_round_trips_of_classifiers(golden, target, tmp_path):
    state = reference(golden)[1]
    if golden.startswith('shiftvit') and target not in targets('ShiftViT'):
        with pytest.raises(ValueError, match='ShiftViT are written as swin_dense, official; got'):
            convert(state, target)
        return
    there = convert(state, target)
    home = detect_layout(state)
    # the OpenMMLab's backbones have no end of a classifier
    lost = {'norm.weight', 'norm.bias', 'head.weight', 'head.bias'} if target in ('mmdet', 'mmseg') else set()
    assert {home.own_name(key) for key in there.left_out} == lost
    save_file(there.tensors, tmp_path / 'written.safetensors')  # no views, no shared memory
    written = load_file(tmp_path / 'written.safetensors')
    again = detect_layout(written).read(written)
    expected = {key: value for key, value in without_tables(home.read(state)).items() if key not in lost}
    assert_equal_states(dict(sorted(without_tables(again).items())), dict(sorted(expected.items())))
    # and in the names that it came with
    if home.restore and golden != 'swin_hf':
        back = home.write(again)
        expected = {key: value for key, value in without_tables(state).items() if home.own_name(key) not in lost}
        assert set(without_tables(back)) == set(expected)
        assert all(torch.equal(back[key], value) for key, value in expected.items())


@pytest.mark.parametrize('target', SWIN_TARGETS)
def test_round_trips_of_dense_swin(target):
    """Output norms have a place at the OpenMMLab's and Hugging Face's; elsewhere they are named as left out."""
    state = reference('swin_dense_official')[1]
    there = convert(state, target)
    norms = {f'norm{level}.{kind}' for level in range(4) for kind in ('weight', 'bias')}
    lost = norms if target in ('timm', 'torchvision') else set()
    assert set(there.left_out) == lost
    if target == 'huggingface':  # SwinBackbone
        assert torch.equal(there.tensors['hidden_states_norms.stage1.bias'], state['norm0.bias'])
        assert 'embeddings.norm.bias' in there.tensors
    again = detect_layout(there.tensors).read(there.tensors)
    expected = {key: value for key, value in without_tables(state).items() if key not in lost}
    assert_equal_states(dict(sorted(without_tables(again).items())), dict(sorted(expected.items())))


def test_round_trip_of_vit():
    state = reference('vit_timm')[1]
    for target, lost in (('timm', set()), ('swin_dense', set()), ('mmseg', {'head.weight', 'head.bias'})):
        there = convert(state, target)
        assert set(there.left_out) == lost
        again = detect_layout(there.tensors).read(there.tensors)
        assert_equal_states(again, {key: value for key, value in state.items() if key not in lost})


def test_every_swin_layout_gives_the_same_features(swin):
    """Bit for bit, from one set of weights."""
    images = torch.randn(1, 3, 45, 70)
    states = {target: convert(swin, target).tensors for target in SWIN_TARGETS}
    # where a classifier is a backbone with a head beside it
    states['mmpretrain'] = {f'backbone.{key}': value for key, value in states['mmdet'].items()}
    states['mmpretrain'] |= {'backbone.norm3.weight': swin['norm.weight'], 'backbone.norm3.bias': swin['norm.bias']}
    states['mmpretrain'] |= {'head.fc.weight': swin['head.weight'], 'head.fc.bias': swin['head.bias']}
    states['timm features_only'] = {
        key.replace('layers.', 'layers_'): value
        for key, value in states['timm'].items()
        if not key.startswith(('norm', 'head'))
    }
    outputs = {}
    for target, state in states.items():
        backbone = small_swin().eval()
        report = load_pretrained(backbone, state)
        assert report.is_complete
        assert len(report.missing) == 8
        with torch.inference_mode():
            outputs[target] = backbone(images)
    assert detect_layout(states['timm features_only']).title == 'Swin, timm'
    assert len(outputs) == 9
    for target, levels in outputs.items():
        for level, expected in zip(levels, outputs['official'], strict=True):
            assert torch.equal(level, expected), target


def test_patch_merging_is_permuted_for_the_openmmlab_alone(swin):
    key = 'layers.1.downsample.reduction.weight'
    assert torch.equal(convert(swin, 'timm').tensors['layers.2.downsample.reduction.weight'], swin[key])
    assert torch.equal(convert(swin, 'torchvision').tensors['features.4.reduction.weight'], swin[key])
    assert torch.equal(convert(swin, 'huggingface').tensors['swin.encoder.' + key], swin[key])
    theirs = convert(swin, 'mmdet').tensors['stages.1.downsample.reduction.weight']
    for channel in range(24):
        for row in (0, 1):
            for column in (0, 1):
                ours = swin[key][:, (row + 2 * column) * 24 + channel]
                assert torch.equal(theirs[:, channel * 4 + row * 2 + column], ours)


def test_own_names_are_those_of_the_official_dense_code():
    official = reference('swin_dense_official')[1]
    shapes = {name: tensor.shape for name, tensor in official.items() if not name.endswith('_index')}
    assert {name: tensor.shape for name, tensor in small_swin().state_dict().items()} == shapes


def test_files_that_tests_make_are_as_published():
    """The names that other tests write out, against the golden files' own."""
    swin_arch = (12, (2, 2, 2, 2), (1, 2, 4, 8), 7, 10)
    swin = {key: tuple(value.shape) for key, value in reference('swin_cls_official')[1].items() if 'mask' not in key}
    assert published_files.swin_classifier(*swin_arch) == swin
    shift_vit = reference('shiftvit_official_ndiv12')[1]
    arch = [SHIFT_VIT_ARCH[key] for key in ('embed_dims', 'depths', 'mlp_ratio')]
    assert published_files.shift_vit_classifier(*arch, 10) == {key: tuple(v.shape) for key, v in shift_vit.items()}
    vit = {key: tuple(value.shape) for key, value in reference('vit_timm')[1].items()}
    assert published_files.vit(48, 4, 16, 64, classes=5) == vit


@pytest.mark.parametrize('make', [small_swin, small_shift_vit, small_vit])
def test_what_this_package_saved_loads_with_nothing_to_say(make):
    saved = make().state_dict()
    backbone = make()
    report = load_pretrained(backbone, saved)
    assert_equal_states(backbone.state_dict(), saved)
    assert report.renamed == report.resized == report.ignored == report.missing == report.unexpected == ()
    assert 'own names' not in report.layout


def test_conversion_names_what_it_cannot_do(swin):
    with pytest.raises(ValueError, match=r"Weights of Swin are written as timm, .*; got 'caffe'"):
        convert(swin, 'caffe')
    with pytest.raises(ValueError, match='in no known layout; they begin with fc'):
        convert({'fc.weight': torch.ones(2, 2)}, 'timm')
    with pytest.raises(ValueError, match='only read'):
        next(layout for layout in LAYOUTS if layout.title == 'Swin, mmpretrain').write(swin)


def test_one_weight_under_two_names(swin):
    timm = convert(swin, 'timm').tensors
    timm['layers_1.downsample.norm.bias'] = timm['layers.1.downsample.norm.bias']
    with pytest.raises(ValueError, match=r"'layers\.1\.downsample\.norm\.bias' and 'layers_1\..* are the same weight"):
        load_pretrained(small_swin(), timm)


def test_a_file_without_its_last_stage_is_not_taken_for_timm(swin):
    state = {key: value for key, value in swin.items() if not key.startswith('layers.3.')}
    assert detect_layout(state).title == 'Swin, official classification'
    with pytest.raises(ValueError, match='missing in the file, 26: layers'):
        load_pretrained(small_swin(), state)


def test_shift_vit_written_officially_is_read_again():
    model, other = small_shift_vit(), small_shift_vit()
    written = convert(model.state_dict(), 'official').tensors
    report = load_pretrained(other, written)
    assert report.source == 'a state dict'
    assert_equal_states(
        {name: value for name, value in other.state_dict().items() if not name.startswith('norm')},
        {name: value for name, value in model.state_dict().items() if not name.startswith('norm')},
    )
