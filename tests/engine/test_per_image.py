"""Which metrics keep what they found in each image."""

import pytest
from mmengine.config import Config

from swin_dense.engine.per_image import keep_per_image


def test_metrics_that_can_are_set_to_keep_it():
    cfg = Config({'test_evaluator': {'type': 'swin_dense.CocoMetric', 'metric': 'bbox'}})
    keep_per_image(cfg)
    assert cfg.test_evaluator == [{'type': 'swin_dense.CocoMetric', 'metric': 'bbox', 'keep_matches': True}]


@pytest.mark.parametrize('name', ['IoUMetric', 'mmseg.IoUMetric', 'swin_dense.IoUMetric'])
def test_the_metric_of_mmseg_is_exchanged_and_others_stay(name):
    cfg = Config({'test_evaluator': [{'type': name, 'iou_metrics': ['mIoU']}, {'type': 'CityscapesMetric'}]})
    keep_per_image(cfg)
    first, second = cfg.test_evaluator
    assert first == {'type': 'swin_dense.IoUMetric', 'iou_metrics': ['mIoU']}
    assert second == {'type': 'CityscapesMetric'}


def test_metrics_that_cannot_are_refused_with_those_that_can(tmp_path):
    (tmp_path / 'its.py').write_text("test_evaluator = dict(type='CocoMetric', ann_file='a.json')\n")
    cfg = Config.fromfile(tmp_path / 'its.py')
    with pytest.raises(ValueError, match=r'its.py has CocoMetric, which keeps nothing.*swin_dense.CocoMetric'):
        keep_per_image(cfg)
