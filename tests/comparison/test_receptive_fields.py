"""Rows of pictures of real, small models: numbers in captions and file, one scale, failures that leave the others."""

import json

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from PIL import Image

from swin_dense.comparison.effective_fields import EffectiveField
from swin_dense.comparison.field_pictures import SharedScale, save_field
from swin_dense.comparison.receptive_fields import receptive_field_pictures

pytestmark = pytest.mark.filterwarnings('ignore')


def test_rows(demo_config, tmp_path):
    stems = ('mask_rcnn_swin', 'mask_rcnn_resnet', 'upernet_vit', 'upernet_shift_vit')
    configs = {stem: demo_config(stem) for stem in stems}
    with DefaultScope.overwrite_default_scope('mmdet'):
        state = MODELS.build(configs['mask_rcnn_swin'].model).state_dict()
    torch.save({'state_dict': state}, tmp_path / 'weights.pth')
    rows = receptive_field_pictures(configs, {'mask_rcnn_swin': tmp_path / 'weights.pth'}, tmp_path, num_images=2)
    assert [row.title.split('fields, ')[1] for row in rows] == [
        *(f'detection, stage {number}' for number in (1, 2, 3)),
        *(f'segmentation, stage {number}' for number in (1, 2, 3, 4)),
    ]
    assert [list(row.pictures) for row in rows] == [list(stems[:2])] * 3 + [list(stems[2:])] * 4
    numbers = json.loads((tmp_path / 'receptive_fields.json').read_text())
    assert numbers['failures'] == {}
    for row in rows[:3]:
        level = int(row.title[-1]) - 1
        assert row.kind == 'receptive field'
        assert 'No attention to measure: mask_rcnn_resnet.' in row.caption
        assert 'Weights drawn at random, not trained: mask_rcnn_resnet.' in row.caption
        for name in stems[:2]:
            stage = numbers['models'][name]['stages'][level]
            assert stage['stride'] == 4 * 2**level
            text = f'radius {stage["radius_px"]["50%"]:.1f} px (50 %) and {stage["radius_px"]["90%"]:.1f} px (90 %)'
            assert text in row.caption
            assert text in row.descriptions[name]
            with Image.open(row.pictures[name]) as picture:
                assert picture.format == 'PNG'
                assert picture.size == (440, 340)
        swin = numbers['models']['mask_rcnn_swin']['stages'][level]
        assert f'mean attention distance {swin["attention_distance_px"]:.1f} px' in row.caption
        heads = swin['attention_distances_of_heads_px']
        assert swin['attention_distance_px'] == pytest.approx(np.mean([np.mean(block) for block in heads]))
        assert numbers['models']['mask_rcnn_resnet']['stages'][level]['attention_distance_px'] is None
    assert numbers['models']['mask_rcnn_swin']['weights'] == 'of a checkpoint'
    assert {path.name for path in (tmp_path / 'pictures').iterdir()} == {
        picture.name for row in rows for picture in row.pictures.values()
    }


def test_failures_leave_the_others(demo_config, tmp_path, capsys):
    lost = demo_config('upernet_swin')
    lost.test_dataloader.dataset.data_root = '/nowhere'
    configs = {'lost/swin': lost, 'a/vit': demo_config('upernet_vit')}
    rows = receptive_field_pictures(configs, {}, tmp_path, num_images=1)
    assert [list(row.pictures) for row in rows] == [['a/vit']] * 4
    assert all(
        'lost/swin could not be looked at: ValueError: the test set is not there.' in row.caption for row in rows
    )
    assert 'warning: receptive fields of lost/swin: ValueError' in capsys.readouterr().err
    assert rows[0].pictures['a/vit'].parent == tmp_path / 'pictures'  # the name is no folder
    assert receptive_field_pictures({'lost/swin': lost}, {}, tmp_path, num_images=1) == []
    with pytest.raises(ValueError, match='at least 1; got num_images=0'):
        receptive_field_pictures(configs, {}, tmp_path, num_images=0)


def test_one_scale(tmp_path):
    """The same share has the same colour in the pictures of two fields; alone, each would have its own brightest."""
    square = np.zeros((40, 60))
    square[10:30, 20:40] = 1 / 400
    fields = weak, strong = EffectiveField(np.full((40, 60), 1 / 2400), 4), EffectiveField(square, 4)

    def brightest(field, scale):
        """How many pixels have the colour of the highest share, left of the colour bar."""
        save_field(tmp_path / 'field.png', field, scale)
        with Image.open(tmp_path / 'field.png') as picture:
            return (np.asarray(picture.convert('RGB'))[:, :320] == (253, 231, 55)).all(-1).sum()

    shared = SharedScale(fields)
    assert brightest(strong, shared) > 2000
    assert brightest(weak, shared) == 0
    assert brightest(weak, SharedScale([weak])) > 20_000
