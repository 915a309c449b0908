"""mIoU and consistency of videos against loops."""

import numpy as np
import pytest
import torch

from swin_dense.evaluation.iou_metric import IoUMetric
from swin_dense.video.clip_metrics import ClipIoUMetric, VideoConsistency

CLASSES = ('x', 'y', 'z')
FRAMES = 4


def videos(lengths=(10, 3), seed=0):
    """{video: (truths, predictions)}, with an ignored corner and runs that stay."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, length in zip('ab', lengths, strict=True):
        truth = rng.integers(0, 3, (1, 6, 5)).repeat(length, 0)
        truth[length // 2 :, 3:] = rng.integers(0, 3, (3, 5))
        truth[:, 0, 0] = 255
        prediction = np.where(rng.random(truth.shape) < 0.85, truth, rng.integers(0, 3, truth.shape)) % 3
        made[name] = truth, prediction
    return made


def batches(made, frames=FRAMES):
    """Batches of one clip, filled up with wrong copies, as evaluation gives them."""
    for name, (truths, predictions) in made.items():
        for start in range(0, len(truths), frames):
            numbers = list(range(start, min(start + frames, len(truths))))
            samples = [sample(name, start, number, truths[number], predictions[number]) for number in numbers]
            filling = [sample(name, start, numbers[-1], truths[numbers[-1]], 0 * truths[0], is_copy=True)]
            yield samples + filling * (frames - len(numbers))


def sample(name, clip, number, truth, prediction, is_copy=False):
    as_data = lambda labels: {'data': torch.from_numpy(labels)[None]}  # noqa: E731
    return {'video': name, 'clip': clip, 'frame': number, 'is_copy': is_copy, 'img_path': f'{name}/{number}.jpg',
            'gt_sem_seg': as_data(truth), 'pred_sem_seg': as_data(prediction)}  # fmt: skip


def evaluated(metric, all_batches):
    metric.dataset_meta = {'classes': CLASSES}
    all_batches = list(all_batches)
    for samples in all_batches:
        metric.process(None, samples)
    return metric.evaluate(len(all_batches))


def test_iou_is_that_of_all_frames():
    made = videos()
    plain = IoUMetric()
    plain.dataset_meta = {'classes': CLASSES}
    count = 0
    for samples in batches(made):
        for each in samples:
            if not each['is_copy']:
                plain.process(None, [each])
                count += 1
    metric = ClipIoUMetric()
    assert evaluated(metric, batches(made)) == plain.evaluate(count)
    # for intervals: a row a video
    kept = metric.confusions
    assert kept.image_names.tolist() == ['a', 'b']
    for number, (truths, predictions) in enumerate(made.values()):
        rows = kept.images == number
        for truth, predicted, pixels in zip(kept.truths[rows], kept.predictions[rows], kept.pixels[rows], strict=True):
            assert pixels == ((truths == truth) & (predictions == predicted)).sum()
        assert kept.pixels[rows].sum() == (truths != 255).sum()


@pytest.mark.parametrize('kind', [ClipIoUMetric, VideoConsistency])
def test_a_clip_is_one_result_and_counts_once(kind):
    """As collecting results from processes expects, whose sampler may give them clips twice."""
    options = {} if kind is ClipIoUMetric else {'windows': (2,)}
    singles = list(batches(videos()))
    together = kind(**options)
    together.dataset_meta = {'classes': CLASSES}
    together.process(None, [*singles[0], *singles[1]])
    together.process(None, [*singles[2], *singles[3], *singles[0]])
    assert len(together.results) == len(singles) + 1
    assert together.evaluate(len(singles) + 1) == evaluated(kind(**options), singles)


def consistency(made, window):
    shares = []
    for truths, predictions in made.values():
        for start in range(len(truths) - window + 1):
            stays = right = 0
            for row in range(truths.shape[1]):
                for column in range(truths.shape[2]):
                    true = truths[start : start + window, row, column]
                    if true[0] != 255 and len(set(true.tolist())) == 1:
                        stays += 1
                        right += all(predictions[start : start + window, row, column] == true)
            shares.append(right / stays)
    return 100 * np.mean(shares)


def test_consistency_equals_a_loop():
    made = videos()
    found = evaluated(VideoConsistency(windows=(2, 3, 8)), batches(made))
    assert found == {f'vc/VC{window}': pytest.approx(consistency(made, window)) for window in (2, 3, 8)}
    assert found['vc/VC8'] < found['vc/VC2'] < 100


def test_consistency_does_not_depend_on_the_order_of_clips():
    made = videos()
    found = [evaluated(VideoConsistency(windows=(3,)), order) for order in (batches(made), list(batches(made))[::-1])]
    assert found[0] == found[1]


def test_constant_but_wrong_is_not_consistent():
    truths = np.ones((4, 2, 2), int)
    wrong = evaluated(VideoConsistency(windows=(2,)), batches({'a': (truths, 0 * truths)}))
    assert wrong == {'vc/VC2': 0}
    assert evaluated(VideoConsistency(windows=(2,)), batches({'a': (truths, truths)})) == {'vc/VC2': 100}


def test_videos_without_a_run_are_left_out():
    assert set(evaluated(VideoConsistency(windows=(8, 16)), batches(videos()))) == {'vc/VC8'}
    with pytest.raises(ValueError, match=r'from 2; got \(1,\)'):
        VideoConsistency(windows=(1,))
