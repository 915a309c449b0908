"""tools/describe.py --weights: what a file of weights is."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints import identification, published
from swin_dense.checkpoints.identification import describe_weights, identify
from swin_dense.checkpoints.zoo import PublishedWeights, WebFile
from tests.backbones.test_live_swin import mask_rcnn, pair_in, upernet
from tests.checkpoints import published_files
from tests.checkpoints.models import small_swin
from tests.engine.forked import Forked
from tests.golden_files import reference

TOOL = Path(__file__).parents[2] / 'tools' / 'describe.py'
pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves


def run(*words, cwd):
    return Forked(TOOL, *words, cwd=cwd).wait()


def saved(state, path):
    torch.save(state, path)
    return str(path)


def light(shapes):
    """Tensors of these shapes that take no place in a file."""
    return {name: torch.zeros(1).expand(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ('shapes', 'layout', 'model', 'parameters', 'classes'),
    [
        (
            published_files.swin_classifier(96, (2, 2, 6, 2), (3, 6, 12, 24), 7, 1000),
            'Swin, official classification',
            r"Swin-T with .*window_size=7 \(arch='tiny'\)",
            28288354,  # torchvision's num_params
            1000,
        ),
        (
            published_files.swin_classifier(192, (2, 2, 18, 2), (6, 12, 24, 48), 12, 21841),
            'Swin, official classification',
            r"Swin-L with .*window_size=12 \(arch='large'\)",
            # of Swin-L with windows of 7 and 1000 classes; larger tables for all heads; more classes
            196532476 + (23**2 - 13**2) * (2 * 6 + 2 * 12 + 18 * 24 + 2 * 48) + 20841 * 1537,
            21841,
        ),
        (
            published_files.shift_vit_classifier(96, (6, 8, 18, 6), 2, 1000),
            'ShiftViT, official classification',
            r"ShiftViT-T with .*mlp_ratio=2 \(arch='tiny'\)",
            None,
            1000,
        ),
        (
            published_files.vit(768, 12, 16, 224, 1000),
            'ViT, timm',
            r"ViT-B with .*patch_size=16 \(arch='base'\)",
            86567656,  # torchvision's vit_b_16
            1000,
        ),
    ],
    ids=['swin_tiny', 'swin_large', 'shift_vit', 'vit'],
)
def test_what_published_files_are(shapes, layout, model, parameters, classes, tmp_path, capsys):
    source = saved({'model': light(shapes)}, tmp_path / 'a.pth')
    describe_weights([source])
    rows = dict(line.strip().split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:])
    assert rows['layout'] == layout
    assert re.fullmatch(model, rows['model']), rows['model']
    assert rows['classes'] == f'{classes}, without names'
    if parameters is not None:
        assert rows['tensors'].endswith(f' with {parameters:,} parameters')
    assert 'training' not in rows
    assert 'published' not in rows


def test_what_a_training_checkpoint_is(tmp_path, capsys):
    ours, _ = pair_in('mmdet', mask_rcnn)
    names = tuple('abc')
    meta = {'dataset_meta': {'classes': names}, 'epoch': 12, 'iter': 9000, 'seed': 1, 'torch_version': '2.13'}
    content = {'meta': meta, 'state_dict': ours.state_dict(), 'ema_state_dict': {'module.x': torch.ones(1)}}
    source = saved(content, tmp_path / 'epoch_12.pth')
    result = run('--weights', source, '--json', cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found['layout'] == 'Swin, dense'
    assert found['architecture']['family'] == 'Swin'
    assert found['architecture']['sizes'] == {'window_size': 7}
    assert (found['num_classes'], found['classes']) == (3, list(names))
    assert found['tensors'] + found['around'] == len(ours.state_dict())
    assert found['parameters'] == sum(parameter.numel() for parameter in ours.backbone.parameters())
    assert found['others'] == ['ema_state_dict']
    assert found['meta'] == ['12 epochs', '9,000 iterations', 'seed 1', 'torch 2.13']
    describe_weights([source])
    assert 'classes    3: a, b, c' in capsys.readouterr().out


def test_classes_of_a_segmentor_and_of_older_files(tmp_path):
    ours, _ = pair_in('mmseg', upernet)
    content = {'meta': {'CLASSES': ['x', 'y', 'z']}, 'state_dict': ours.state_dict()}
    found = identify(saved(content, tmp_path / 'a.pth'))
    assert (found.num_classes, found.classes) == (3, ('x', 'y', 'z'))


@pytest.fixture
def known(monkeypatch, home):
    """Make files the published ones."""

    def publish(*files, name='shift'):
        weights = PublishedWeights(name, files, 'ImageNet-1K', {'imagenet_top1': 81.7}, 'a/b@c', 'MIT', '')
        monkeypatch.setattr(published, 'zoo', lambda: {name: weights})
        return weights

    return publish


def shift_vit(path):
    return saved(reference('shiftvit_official_ndiv12')[1], path)


@pytest.mark.parametrize(('algorithm', 'digits'), [('sha256', 8), ('sha256', 64), ('md5', 6), ('md5', 32)])
def test_a_known_file_is_called_by_its_name(tmp_path, known, algorithm, digits):
    path = shift_vit(tmp_path / 'renamed.pth')
    digest = hashlib.new(algorithm, Path(path).read_bytes()).hexdigest()[:digits]
    known(WebFile('https://a.b/other.pth', 'sha256:00'), WebFile('https://a.b/c.pth', f'{algorithm}:{digest}'))
    row = 'published  shift: ImageNet-1K; imagenet_top1 81.7 (a/b@c); licence MIT; known by its checksum'
    assert row in str(identify(path))
    json.dumps(identification._as_dict(identify(path)))


def test_a_file_of_a_known_name_is_no_known_file(tmp_path, known):
    path = shift_vit(tmp_path / 'shift.pth')
    for url in ('https://a.b/c.pth', 'https://a.b/shift.pth'):
        weights = known(WebFile(url))
        found = identify(path)
        assert found.published == weights
        assert 'known by its name alone, as no checksum of it is published' in str(found)
    known(WebFile('https://a.b/c.pth', 'sha256:00000000'))
    assert identify(path).published is None
    assert 'published  has the name of shift, and not its checksum (sha256:00000000)' in str(identify(path))
    known(WebFile('https://a.b/c.pth'), WebFile('https://c.d/shift.pth'), name='other')
    assert 'published' not in str(identify(path))  # files of mirrors are called alike


def test_a_file_from_its_address(tmp_path, known, site):
    """Where no checksum is published, the one of the first download is what a copy is known by."""
    content = Path(shift_vit(site.folder / 'swin.pth')).read_bytes()
    weights = known(WebFile(site.url))
    assert identify(site.url).published == weights
    assert 'known by its address alone' in str(identify(site.url))
    (tmp_path / 'copy.pth').write_bytes(content)
    assert 'known by its checksum' in str(identify(tmp_path / 'copy.pth'))


def swin_t(**changes):
    shapes = published_files.swin_classifier(96, (2, 2, 6, 2), (3, 6, 12, 24), 7, 10)
    return {**light(shapes), **changes}


@pytest.mark.parametrize(
    ('drop', 'lacks'),
    [
        ('nothing', 'no output norms'),
        ('layers.1.downsample.reduction', 'no layers.1.downsample.reduction.weight, no output norms'),
        ('layers.2.blocks.3.mlp.fc1.bias', 'no layers.2.blocks.3.mlp.fc1.bias, no output norms'),
        (
            'layers.2.blocks.3.',
            "no layers.2.blocks.3, (2, 2, 5, 2) blocks of the (2, 2, 6, 2) that arch='tiny' has, no output norms",
        ),
        ('layers.2.blocks.5.', "(2, 2, 5, 2) blocks of the (2, 2, 6, 2) that arch='tiny' has, no output norms"),
        ('layers.3.', "(2, 2, 6) blocks of the (2, 2, 6, 2) that arch='tiny' has, no output norms"),
        ('patch_embed.norm.', 'no patch_embed.norm.weight, no patch_embed.norm.bias, no output norms'),
    ],
)
def test_what_a_file_lacks(drop, lacks, tmp_path):
    state = {name: value for name, value in swin_t().items() if not name.startswith(drop)}
    (row,) = (line for line in str(identify(saved(state, tmp_path / 'a.pth'))).splitlines() if line[2:7] == 'lacks')
    assert row == f'  lacks      {lacks}'


def test_what_a_dense_file_lacks(tmp_path):
    state = small_swin().state_dict()
    assert identify(saved(state, tmp_path / 'a.pth')).lacks == ()
    some = {name: value for name, value in state.items() if not name.startswith(('norm1.', 'norm2.'))}
    assert identify(saved(some, tmp_path / 'b.pth')).lacks == ('no output norm of level 1, 2',)
    assert identify(saved(reference('vit_timm')[1], tmp_path / 'c.pth')).lacks == ()


def test_the_values_of_a_file(tmp_path):
    half = {name: value.half() for name, value in swin_t().items()}
    assert '  values     float16\n' in str(identify(saved(half, tmp_path / 'a.pth')))
    half['norm.bias'] = half['norm.bias'].bfloat16()
    expected = f'  values     {len(half) - 13} of float16, 1 of bfloat16\n'  # less 12 computed tables
    assert expected in str(identify(saved(half, tmp_path / 'b.pth')))


def test_describing_needs_files_or_configs(tmp_path):
    for words, message in [
        ((), 'give configs, or --weights'),
        (('x.py', '--weights', 'a.pth'), 'give configs, or --weights'),
        (('--weights', 'a.pth', '--latency'), '--weights goes with --json alone'),
        (('--weights', 'a.pth'), "there is no checkpoint 'a.pth'"),
    ]:
        result = run(*words, cwd=tmp_path)
        assert result.returncode == 2
        assert message in result.stderr
