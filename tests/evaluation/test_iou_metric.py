"""mIoU with confusion matrices, against mmseg's own metric and a slow loop."""

import numpy as np
import pytest
import torch
from mmseg.evaluation import IoUMetric as MmsegIoUMetric

from swin_dense.comparison.segmentation_scores import segmentation_scores
from swin_dense.evaluation.iou_metric import IoUMetric

CLASSES = ('sky', 'tree', 'road')
PATHS = ['data/val/a/1.jpg', 'data/val/b/1.jpg', 'data/val/a/2.jpg']


@pytest.fixture(scope='module')
def samples():
    generator = torch.Generator().manual_seed(0)
    made = []
    for number, path in enumerate(PATHS):
        truth = torch.randint(0, 3, (1, 20 + number, 31), generator=generator)
        prediction = torch.where(torch.rand(truth.shape, generator=generator) < 0.6, truth, (truth + 1) % 3)
        truth[torch.rand(truth.shape, generator=generator) < 0.1] = 255
        made.append({'pred_sem_seg': {'data': prediction}, 'gt_sem_seg': {'data': truth}, 'img_path': path})
    return made


def measured(cls, samples, **options):
    metric = cls(iou_metrics=['mIoU'], **options)
    metric.dataset_meta = {'classes': CLASSES}
    metric.process({}, samples[:2])
    metric.process({}, samples[2:])
    return metric, metric.evaluate(len(samples))


def test_results_are_those_of_mmseg(samples):
    assert measured(IoUMetric, samples)[1] == measured(MmsegIoUMetric, samples)[1]


def test_confusions_of_each_image(samples):
    metric, _ = measured(IoUMetric, samples)
    kept = metric.confusions
    assert list(kept.image_names) == ['a/1.jpg', 'b/1.jpg', 'a/2.jpg']
    for number, sample in enumerate(samples):
        matrix = np.zeros((4, 4), dtype=int)
        here = kept.images == number
        matrix[kept.truths[here], kept.predictions[here]] = kept.pixels[here]
        truth, prediction = (sample[key]['data'].flatten().tolist() for key in ('gt_sem_seg', 'pred_sem_seg'))
        expected = np.zeros((4, 4), dtype=int)
        for true, predicted in zip(truth, prediction, strict=True):
            if true != 255:
                expected[true, predicted] += 1
        assert (matrix == expected).all()


def test_scores_of_the_confusions_are_those_of_the_metric(samples):
    metric, results = measured(IoUMetric, samples)
    scores = segmentation_scores(metric.confusions, np.ones((1, 3)))
    for name in ('mIoU', 'mAcc', 'aAcc'):
        assert 100 * scores[name][0] == pytest.approx(results[name], abs=0.0051)  # mmseg rounds


def test_predictions_alone_are_written_as_by_mmseg(samples, tmp_path):
    metric, results = measured(IoUMetric, samples, format_only=True, output_dir=str(tmp_path))
    assert results == {}
    assert metric.confusions is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ['1.png', '2.png']
