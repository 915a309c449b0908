"""Accuracies against a loop over sorted scores."""

import numpy as np
import pytest
import torch

from swin_dense.classification.accuracy import TopKAccuracy
from swin_dense.engine.errors import DataError

Row = tuple[int, list[float] | None]


def evaluated(rows: list[Row], **options: object) -> dict[str, float]:
    metric = TopKAccuracy(**options)
    for number, (label, scores) in enumerate(rows):
        sample = {'gt_label': torch.tensor(label), 'path': f'{number}.mp4'}
        sample |= {'broken': 'cut off'} if scores is None else {'pred_scores': torch.tensor(scores)}
        metric.process(None, [sample])
    return metric.evaluate(len(rows))


def test_equals_a_loop() -> None:
    rng = np.random.default_rng(0)
    rows = [(int(rng.integers(9)), rng.dirichlet(np.ones(10)).tolist()) for _ in range(60)]
    rows[7] = rows[7][0], None
    found = evaluated(rows)
    hits = {1: [], 5: []}
    by_class: dict[int, list[bool]] = {}
    for label, scores in rows:
        order = [] if scores is None else sorted(range(10), key=lambda each: -scores[each])
        for k, all_hits in hits.items():
            all_hits.append(label in order[:k])
        by_class.setdefault(label, []).append(label in order[:1])
    assert found['acc/top1'] == pytest.approx(100 * np.mean(hits[1]))
    assert found['acc/top5'] == pytest.approx(100 * np.mean(hits[5]))
    assert found['acc/mean_class'] == pytest.approx(100 * np.mean([np.mean(each) for each in by_class.values()]))
    assert found['acc/broken'] == 1


def test_equal_scores_are_no_hit_for_all_of_them() -> None:
    found = evaluated([(label, [0.25] * 4) for label in range(4)], topk=(1, 3))
    assert found['acc/top1'] == 25
    assert found['acc/top3'] == 75


def test_leaves_out_what_would_always_be_100() -> None:
    assert set(evaluated([(0, [0.6, 0.4])])) == {'acc/top1', 'acc/mean_class', 'acc/broken'}


def test_only_broken_videos() -> None:
    assert evaluated([(0, None), (1, None)]) == {'acc/top1': 0, 'acc/mean_class': 0, 'acc/broken': 2}


def test_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r'topk .* got \(0, 5\)'):
        TopKAccuracy(topk=(0, 5))
    with pytest.raises(DataError, match='label 2 is none of the 2 classes'):
        evaluated([(2, [0.6, 0.4])])
    with pytest.raises(FloatingPointError, match=r'0.mp4.*not finite'):
        evaluated([(0, [float('nan'), 0.4])])
    with pytest.raises(DataError, match=r'a.mp4.*no label'):
        TopKAccuracy().process(None, [{'path': 'a.mp4'}])
