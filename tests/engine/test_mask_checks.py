"""Masks and class names that do not fit each other."""

import numpy as np
import pytest
from PIL import Image

from swin_dense.engine.errors import DataError
from swin_dense.engine.mask_checks import check_mask_values


@pytest.fixture
def masks(tmp_path):
    def build(values, classes, *, reduce_zero_label=False):
        from mmseg.datasets import BaseSegDataset

        for folder in ('images', 'masks'):
            (tmp_path / folder).mkdir(exist_ok=True)
        for number, value in enumerate(values):
            Image.new('RGB', (6, 5)).save(tmp_path / 'images' / f'{number}.jpg')
            mask = np.zeros((5, 6), np.uint8)
            mask[2:, :3], mask[0, 0] = value, 255
            Image.fromarray(mask).save(tmp_path / 'masks' / f'{number}.png')
        return BaseSegDataset(
            data_root=str(tmp_path),
            data_prefix={'img_path': 'images', 'seg_map_path': 'masks'},
            metainfo={'classes': classes},
            reduce_zero_label=reduce_zero_label,
            pipeline=[],
        )

    return build


@pytest.mark.filterwarnings('ignore:`reduce_zero_label` will be deprecated')
@pytest.mark.parametrize('reduce_zero_label', [False, True])
def test_numbers_within_the_classes_pass(masks, reduce_zero_label):
    last = 3 if reduce_zero_label else 2
    check_mask_values(masks([0, 1, last], ('a', 'b', 'c'), reduce_zero_label=reduce_zero_label), name='train')


@pytest.mark.filterwarnings('ignore:`reduce_zero_label` will be deprecated')
@pytest.mark.parametrize(('reduce_zero_label', 'numbers'), [(False, '0 to 2'), (True, '1 to 3')])
def test_a_number_beyond_is_named_with_its_file(masks, reduce_zero_label, numbers):
    dataset = masks([0, 4, 1], ('a', 'b', 'c'), reduce_zero_label=reduce_zero_label)
    with pytest.raises(DataError, match=rf'1\.png of the val set has the number 4, .* \(a, b, c\) are {numbers}\.'):
        check_mask_values(dataset, name='val')
