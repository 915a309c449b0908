"""Short names of published weights. Numbers were looked up; here they are compared with what else states them."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from swin_dense.checkpoints.zoo import nearest_names, web_file, zoo

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs' / '_base_' / 'backbones').glob('*.py'))
ZOO = zoo()

# the sites of the authors; none at download.openmmlab.com, which is gone
AUTHORS = (
    'https://github.com/SwinTransformer/storage/releases/download/',
    'https://github.com/microsoft/SPACH/releases/download/',
    'https://dl.fbaipublicfiles.com/',
    'https://download.pytorch.org/models/',
    'https://github.com/rwightman/pytorch-image-models/releases/download/',
)
TIMM = r'https://huggingface\.co/timm/\w+\.\w+/resolve/main/model\.safetensors'
# SwinTransformer/storage has one release for each project
RELEASES = {
    r'swin_\w+_patch4_window\d+_\d+(_22k(to1k)?)?': 'v1.0.0',
    r'(mask|cascade_mask)_rcnn_swin_\w+_patch4_window7': 'v1.0.2',
    r'(mask|cascade_mask)_rcnn_swin_\w+_patch4_window7_1x': 'v1.0.3',
    r'upernet_swin_\w+_patch4_window7_512x512': 'v1.0.1',
    r'swin_\w+_patch244_window\d+_\w+': 'v1.0.4',
    r'swin_(tiny|small)_patch4_window7_224_22k(to1k_finetune)?': 'v1.0.8',
    r'(mask_)?reppointsv2_swin_tiny_patch4_window7_3x': 'v1.0.9',
}


def spelt(*templates):
    """a{b,c} stands for ab and ac."""
    for template in templates:
        found = re.search(r'\{([^{}]*)\}', template)
        if found is None:
            yield template
        else:
            yield from spelt(
                *(template[: found.start()] + word + template[found.end() :] for word in found[1].split(','))
            )


def test_what_there_is():
    """As the model hubs of the authors list it."""
    assert set(ZOO) == set(
        spelt(
            'swin_{tiny,small,base}_patch4_window7_224',
            'swin_base_patch4_window12_384',
            'swin_{tiny,small}_patch4_window7_224_22k{,to1k_finetune}',
            'swin_{base,large}_patch4_window{7_224,12_384}_22k{,to1k}',
            'torchvision_swin_{t,s,b}',
            'shiftvit_{tiny,small}_{light,r2}',
            'deit_{tiny,small,base}_patch16_224',
            'deit_base_patch16_384',
            'vit_base_patch16_224',
            'mae_pretrain_vit_base',
            '{,cascade_}mask_rcnn_swin_tiny_patch4_window7{,_1x}',
            '{,cascade_}mask_rcnn_swin_small_patch4_window7',
            'cascade_mask_rcnn_swin_base_patch4_window7',
            '{,mask_}reppointsv2_swin_tiny_patch4_window7_3x',
            'upernet_swin_{tiny,small,base}_patch4_window7_512x512',
            'swin_{tiny,small,base}_patch244_window877_kinetics400_1k',
            'swin_base_patch244_window877_kinetics{400,600}_22k',
            'swin_base_patch244_window1677_{kinetics400_22k,sthv2}',
        )
    )


@pytest.mark.parametrize('weights', ZOO.values(), ids=ZOO)
def test_each_is_complete(weights):
    first, *others = weights.files
    assert first.url.startswith(AUTHORS)
    assert all(re.fullmatch(TIMM, other.url) for other in others)
    assert re.fullmatch(r'[\w.-]+/[\w.-]+@[0-9a-f]{7} \S+', weights.source)
    assert weights.trained_on
    assert weights.licence_source
    assert weights.licence in ('MIT', 'Apache-2.0', 'CC-BY-NC-4.0', None)
    assert all(20 < number < 100 for number in weights.published.values())
    assert weights.published or weights.note
    assert weights.name in str(weights)


@pytest.mark.parametrize('weights', ZOO.values(), ids=ZOO)
def test_the_file_has_the_name(weights):
    stem, digits = re.fullmatch(r'.*/([^/]+?)(?:-([0-9a-f]{8}))?\.pth', weights.files[0].url).groups()
    if stem != 'jx_vit_base_p16_224':
        assert weights.name.removeprefix('torchvision_') == stem
        published = f'sha256:{digits}' if digits else ''
        assert weights.files[0].checksum == ('md5:8cad7c' if stem.startswith('mae') else published)
    if 'SwinTransformer/storage' in weights.files[0].url:
        releases = [release for pattern, release in RELEASES.items() if re.fullmatch(pattern, stem)]
        assert weights.files[0].url.split('/')[-2] == releases[-1]


def test_addresses_are_different():
    urls = [file.url for weights in ZOO.values() for file in weights.files]
    assert len(set(urls)) == len(urls) > len(ZOO)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_name_the_preferred_file(path):
    """And say of its accuracy what the zoo says, or that it is of the model after fine-tuning."""
    backbone = Config.fromfile(path).backbone
    if not backbone.type.startswith('swin_dense.') or 'init_cfg' not in backbone:
        return
    (weights,) = (one for one in ZOO.values() if backbone.init_cfg.checkpoint in (one.name, one.files[0].url))
    said = re.findall(r'(\d\d\.\d)\s+top-1', ast.get_docstring(ast.parse(path.read_text())) or '')
    stated = [str(weights.published['imagenet_top1'])] if weights.published else re.findall(r'\d\d\.\d', weights.note)
    assert said in ([], stated)


def test_configs_are_found():
    assert len(CONFIGS) >= 19


@pytest.mark.parametrize('suffix', ['22kto1k', '22kto1k_finetune'])
def test_notes_give_the_numbers_of_the_fine_tuned(suffix):
    pairs = [(ZOO[name.replace(suffix, '22k')], one) for name, one in ZOO.items() if name.endswith('_' + suffix)]
    assert pairs
    for pretrained, tuned in pairs:
        assert pretrained.note == f'{tuned.published["imagenet_top1"]} top-1 is of the fine-tuned {tuned.name}'


def test_checksums_by_address():
    file = ZOO['deit_tiny_patch16_224'].files[0]
    assert web_file(file.url) == file
    assert web_file('https://a.b/c.pth').checksum == ''


@pytest.mark.parametrize(
    ('misspelt', 'name'),
    [
        ('swin_tiny_patch4_windows7_224', 'swin_tiny_patch4_window7_224'),
        ('shiftvit_tiny_r4', 'shiftvit_tiny_r2'),
        ('deit_base_patch16', 'deit_base_patch16_224'),
        ('upernet_swin_tiny', 'upernet_swin_tiny_patch4_window7_512x512'),
    ],
)
def test_nearest_names(misspelt, name):
    assert nearest_names(misspelt)[0] == name


def test_the_file_is_installed(tmp_path):
    """Among what setup.py copies."""
    command = [sys.executable, 'setup.py', '-q', 'build_py', '--build-lib', str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    built = tmp_path / 'swin_dense' / 'checkpoints' / 'zoo.yaml'
    assert built.read_bytes() == (ROOT / 'swin_dense' / 'checkpoints' / 'zoo.yaml').read_bytes()
