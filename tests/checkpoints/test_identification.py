"""tools/describe.py --weights: what a file of weights is."""

import json
import re
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints import identification
from swin_dense.checkpoints.identification import describe_weights, identify
from swin_dense.checkpoints.zoo import PublishedWeights, WebFile
from tests.backbones.test_live_swin import mask_rcnn, pair_in, upernet
from tests.checkpoints import published_files
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


def test_a_known_file_is_called_by_its_name(tmp_path, monkeypatch):
    source = saved(reference('shiftvit_official_ndiv12')[1], tmp_path / 'renamed.pth')
    digest = identify(source).sha256
    file = WebFile('https://a.b/c.pth', f'sha256:{digest[:8]}')
    weights = PublishedWeights('shift', (file,), 'ImageNet-1K', {'imagenet_top1': 81.7}, 'a/b@c', 'MIT', '')
    monkeypatch.setattr(identification, 'zoo', lambda: {'shift': weights})
    assert 'published  shift: ImageNet-1K; imagenet_top1 81.7 (a/b@c); licence MIT' in str(identify(source))


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
