"""tools/convert_weights.py: files in every layout, whole models, and what is refused."""

import re
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.conversion_tool import TARGETS, convert_weights
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.layouts.values import COMPUTED
from tests.backbones.test_live_swin import mask_rcnn, pair_in, upernet
from tests.checkpoints.models import assert_close, small_shift_vit, small_swin, small_vit
from tests.engine.forked import Forked
from tests.golden_files import reference

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves

# golden file -> backbone of the same arch
BACKBONES = {
    'swin_cls_official': small_swin,
    'swin_dense_official': small_swin,
    'swin_timm': small_swin,
    'swin_torchvision': small_swin,
    'swin_hf': small_swin,
    'shiftvit_official_ndiv12': small_shift_vit,
    'vit_timm': small_vit,
}
FAMILIES = {
    'swin': ('swin_dense', 'official', 'timm', 'torchvision', 'huggingface', 'mmdet', 'mmseg'),
    'shiftvit': ('swin_dense', 'official'),
    'vit': ('swin_dense', 'timm', 'mmseg'),
}


def run(tool, *words, cwd):
    return Forked(ROOT / 'tools' / f'{tool}.py', *words, cwd=cwd).wait()


def saved(state, path):
    torch.save(state, path)
    return str(path)


def test_the_layouts_that_are_written():
    assert set(TARGETS) == {target for targets in FAMILIES.values() for target in targets}


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
@pytest.mark.parametrize('name', BACKBONES)
def test_every_layout_gives_the_same_backbone(name, suffix, tmp_path, capsys):
    source = saved(reference(name)[1], tmp_path / 'source.pth')
    expected = BACKBONES[name]()
    load_pretrained(expected, source)
    family = name.partition('_')[0]
    for target in FAMILIES[family]:
        path = tmp_path / f'{target}{suffix}'
        assert convert_weights(source, str(path), to=target) == 0
        backbone = BACKBONES[name]()
        report = load_pretrained(backbone, path)
        loaded, wanted = backbone.state_dict(), expected.state_dict()
        # all of them, or none: most places have classifiers
        norms = [other for other in wanted if re.match(r'norm\d\.', other)]
        assert list(report.missing) in ([], norms)
        assert len(report.missing) + len(report.loaded) == len(wanted)
        for other in report.loaded:
            assert torch.equal(loaded[other], wanted[other]), (target, other)
    said = capsys.readouterr().out
    if name == 'swin_cls_official':
        assert '  left out, as the layout has no place for them, 4: norm.weight, norm.bias, head.weight' in said


# golden file -> the layout that it has, where that is written
HOMES = {
    'swin_cls_official': 'official',
    'swin_dense_official': 'swin_dense',
    'swin_timm': 'timm',
    'swin_torchvision': 'torchvision',
    'shiftvit_official_ndiv12': 'official',
    'vit_timm': 'timm',
}


@pytest.mark.parametrize('name', HOMES)
def test_files_there_and_back(name, tmp_path):
    """Bit for bit what they were, but for what a layout has no place for, which the tool names."""
    state = {key: value for key, value in reference(name)[1].items() if not COMPUTED.search(key)}
    source = saved(reference(name)[1], tmp_path / 'source.pth')
    for target in FAMILIES[name.partition('_')[0]]:
        there, back = (str(tmp_path / f'{target}{where}.pth') for where in ('', '_back'))
        convert_weights(source, there, to=target)
        convert_weights(there, back, to=HOMES[name])
        content = read_checkpoint(back)
        content = next((content[entry] for entry in ('state_dict', 'model') if entry in content), content)
        again = {key: value for key, value in content.items() if not COMPUTED.search(key)}
        gone = {key for key in state if re.match(without_a_place(name, target), key)}
        assert again.keys() == state.keys() - gone, target
        assert all(torch.equal(value, state[key]) for key, value in again.items()), target


def without_a_place(name, target):
    """A pattern of names: the end of a classifier, or output norms; of ViT mmseg has the norm."""
    if name == 'swin_dense_official':
        return r'norm\d\.' if target in ('timm', 'torchvision') else r'(?!)'
    if target not in ('mmdet', 'mmseg'):
        return r'(?!)'
    return r'head\.' if name == 'vit_timm' else r'(norm|head)\.'


@pytest.mark.parametrize(('library', 'make'), [('mmdet', mask_rcnn), ('mmseg', upernet)])
def test_whole_models_both_ways(library, make, tmp_path, capsys):
    """Heads included: the library's own model loads what is written for it, strictly; and the way back is exact."""
    ours, theirs = pair_in(library, make)
    state, images = ours.state_dict(), torch.randn(1, 3, 75, 101)
    meta = {'dataset_meta': {'classes': ('cat', 'dog', 'cow'), 'palette': [(1, 2, 3)] * 3}, 'cfg': 'x', 'epoch': 12}
    training = {'optimizer': {'state': {0: torch.ones(2)}}, 'meta': meta}
    around = {f'module.{key}'.replace('backbone.', 'backbone._orig_mod.'): value for key, value in state.items()}
    source = saved({'state_dict': around, **training}, tmp_path / 'ours.pth')
    assert convert_weights(source, str(tmp_path / 'theirs.pth'), to=library) == 0
    written = torch.load(tmp_path / 'theirs.pth', weights_only=True)
    assert written['meta'] == {'dataset_meta': meta['dataset_meta'], 'epoch': 12, 'converted_from': source}
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.zero_()
    theirs.load_state_dict(written['state_dict'])  # strictly
    ours.eval(), theirs.eval()
    with torch.inference_mode():
        for level, expected in zip(ours.extract_feat(images), theirs.extract_feat(images), strict=True):
            assert_close(level, expected)
    number = len([name for name in state if not name.startswith('backbone.')])
    assert f'  {number} tensors of necks and heads, under their names' in capsys.readouterr().out

    again = saved({'state_dict': theirs.state_dict()}, tmp_path / 'again.pth')
    assert convert_weights(again, str(tmp_path / 'back.safetensors'), to='swin_dense') == 0
    back = read_checkpoint(tmp_path / 'back.safetensors')['state_dict']
    assert set(back) == set(state)
    assert all(torch.equal(back[name], value) for name, value in state.items())
    ours.load_state_dict(back)

    # of a classifier's layout there are no whole models
    assert convert_weights(source, str(tmp_path / 'timm.pth'), to='timm') == 0
    assert f'left out, as the layout has no place for them, {number + 8}: norm0.weight' in capsys.readouterr().out


def test_the_entry_in_which_a_place_looks_for_weights(tmp_path):
    source = saved(reference('swin_cls_official')[1], tmp_path / 'source.pth')
    tops = {}
    for target in FAMILIES['swin']:
        convert_weights(source, str(tmp_path / f'{target}.pth'), to=target)
        content = torch.load(tmp_path / f'{target}.pth', weights_only=True)
        tops[target] = {name for name in content if '.' not in name}
    state = {'meta', 'state_dict'}
    assert tops == {
        'swin_dense': state,
        'mmdet': state,
        'mmseg': state,
        'official': {'meta', 'model'},
        'timm': set(),
        'torchvision': set(),
        'huggingface': set(),
    }


@pytest.mark.parametrize('library', ['mmdet', 'mmseg'])
def test_what_is_written_loads_by_their_own_init(library, tmp_path):
    """Which loads without being strict, and says nothing: so all values are compared."""
    source = saved(reference('swin_cls_official')[1], tmp_path / 'source.pth')
    convert_weights(source, str(tmp_path / 'swin.pth'), to=library)
    ours = small_swin()
    load_pretrained(ours, source)
    init = ConfigDict(type='Pretrained', checkpoint=str(tmp_path / 'swin.pth'))
    arch = {'embed_dims': 12, 'depths': (2, 2, 2, 2), 'num_heads': (1, 2, 4, 8)}
    theirs = MODELS.build({'type': f'{library}.SwinTransformer', **arch, 'init_cfg': init})
    theirs.init_weights()
    written = read_checkpoint(tmp_path / 'swin.pth')['state_dict']
    assert len(written) == 125
    for name, value in theirs.state_dict().items():
        if not re.match(r'norm\d\.', name):
            assert torch.equal(value, written[f'backbone.{name}' if library == 'mmdet' else name]), name


def test_refused_as_one_paragraph(tmp_path):
    source = saved(reference('swin_cls_official')[1], tmp_path / 'a.pth')
    vit = saved(reference('vit_timm')[1], tmp_path / 'vit.pth')
    other = saved({'conv1.weight': torch.ones(2)}, tmp_path / 'resnet.pth')
    for words, message in [
        ((source, 'a.pth', '--to', 'timm'), 'a.pth exists'),
        ((source, 'b.onnx', '--to', 'timm'), r'.pth or .safetensors files; got .b.onnx'),
        ((vit, 'b.pth', '--to', 'official'), r'ViT are written as swin_dense, timm, mmseg; got .official'),
        ((other, 'b.pth', '--to', 'timm'), 'in no known layout; they begin with conv1.weight'),
        (('nothing.pth', 'b.pth', '--to', 'timm'), "there is no checkpoint 'nothing.pth'"),
    ]:
        result = run('convert_weights', *words, cwd=tmp_path)
        assert result.returncode == 2
        assert re.search(message, result.stderr), result.stderr
        assert 'Traceback' not in result.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ['a.pth', 'resnet.pth', 'vit.pth']


def test_converting_as_a_program(tmp_path):
    saved(reference('swin_cls_official')[1], tmp_path / 'a.pth')
    result = run('convert_weights', 'a.pth', 'b.safetensors', '--to', 'huggingface', cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert 'b.safetensors: Swin, Hugging Face, ' in result.stdout
    written, golden = (
        sorted(tuple(value.shape) for name, value in state.items() if not re.search('position_index|classifier', name))
        for state in (read_checkpoint(tmp_path / 'b.safetensors'), reference('swin_hf')[1])
    )
    assert written == golden
    result = run('convert_weights', 'a.pth', 'c.pth', '--to', 'caffe', cwd=tmp_path)
    assert result.returncode == 2
    assert "invalid choice: 'caffe'" in result.stderr


def test_heads_are_of_the_entry_that_the_backbone_is_of(tmp_path):
    """Whatever stands first in the file: averaged weights are not mixed with those beside them."""
    ours, _ = pair_in('mmseg', upernet)
    state = ours.state_dict()
    averaged = {name: torch.zeros_like(value) for name, value in state.items()}
    source = saved({'state_dict_ema': averaged, 'state_dict': state}, tmp_path / 'ours.pth')
    assert convert_weights(source, str(tmp_path / 'copy.pth'), to='swin_dense') == 0
    written = read_checkpoint(tmp_path / 'copy.pth')['state_dict']
    assert set(written) == set(state)
    assert all(torch.equal(written[name], value) for name, value in state.items())
