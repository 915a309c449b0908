"""Video Swin against the published costs, and against its formula at sizes that nothing divides."""

from pathlib import Path

import pytest
from mmengine.config import Config

from swin_dense.costs import build_model, closed_form_macs, count_costs
from swin_dense.costs.description import describe
from swin_dense.costs.models import usual_size
from swin_dense.engine.settings import load_config

CONFIGS = Path(__file__).parents[2] / 'configs' / 'video_swin'
# Liu et al., 2022, table 1, and the README of the official code: parameters in millions, 10^9 multiply-adds
PUBLISHED = {
    'recogniser_video_swin_tiny_kinetics400_30_epochs': (28.2, 88),
    'recogniser_video_swin_small_kinetics400_30_epochs': (49.8, 166),
    'recogniser_video_swin_base_kinetics400_30_epochs': (88.1, 282),
    'recogniser_video_swin_large_22k_window12_kinetics400_384_30_epochs': (200, 2107),
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_published_costs(name):
    cfg = load_config(CONFIGS / f'{name}.py')
    size = usual_size(cfg)
    assert size == ((32, 384, 384) if '_384_' in name else (32, 224, 224))
    parts = count_costs(build_model(cfg, 'meta'), size)
    parameters, macs = PUBLISHED[name]
    assert sum(part.parameters for part in parts) / 1e6 == pytest.approx(parameters, rel=0.01)
    assert sum(part.macs for part in parts) / 1e9 == pytest.approx(macs, rel=0.02)
    assert closed_form_macs(cfg.model.backbone, size) == parts[0].macs


@pytest.mark.parametrize('size', [(1, 224, 224), (9, 70, 101), (33, 30, 224)])
@pytest.mark.parametrize('options', [{}, {'window_size': (2, 3, 5), 'patch_size': (3, 4, 4)}, {'out_indices': (0, 1)}])
def test_formula_equals_the_count(options, size):
    backbone = {'type': 'swin_dense.VideoSwinTransformer', **options}
    (part,) = count_costs(build_model(Config({'backbone': backbone}), 'meta'), size)
    assert closed_form_macs({'arch': 'tiny', **backbone}, size) == part.macs


def test_the_table_is_of_clips(capsys):
    config = str(CONFIGS / 'recogniser_video_swin_tiny_kinetics400_30_epochs.py')
    assert describe([config], shape=(16, 112, 112)) == 0
    assert 'one clip of 16 x 112 x 112' in capsys.readouterr().out
    with pytest.raises(ValueError, match=r'--shape for .* is FRAMES HEIGHT WIDTH; got 224 224'):
        describe([config], shape=(224, 224))
    with pytest.raises(ValueError, match='--sweep is of images'):
        describe([config], sweep='224,448')
    with pytest.raises(ValueError, match='--shape is HEIGHT WIDTH'):
        describe([config], shape=(224,))
