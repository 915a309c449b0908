"""AP from match data against pycocotools and faster-coco-eval: of the sample, and of multisets of its images."""

from dataclasses import replace

import faster_coco_eval as faster
import numpy as np
import pytest

from swin_dense.comparison.average_precision import average_precisions
from swin_dense.comparison.coco_scores import coco_scores
from swin_dense.evaluation.match_data import load_match_data, save_match_data
from swin_dense.evaluation.matching import match_data
from tests.comparison.coco_cases import evaluated, precisions_of, random_case, repeated

SUMMARY = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')

CASES = {
    'plain': {'crowd_share': 0},
    'crowds': {'crowd_share': 0.6},
    'only crowds': {'crowd_share': 1.0},
    'equal scores': {'scores': 3},
    'all scores equal': {'scores': 1},
    'no detections': {'detections_per_image': 0},
    'more than max_detections': {'detections_per_image': 60, 'num_classes': 2},
    'one class': {'num_classes': 2, 'num_images': 30},
}


def of_sample(evaluation):
    data = match_data(evaluation)
    return average_precisions(data, np.ones((1, len(data.image_ids))))[0]


@pytest.mark.parametrize('kind', ['bbox', 'segm'])
@pytest.mark.parametrize('name', CASES)
def test_equals_pycocotools(name, kind):
    for seed in range(2):
        evaluation = evaluated(*random_case(seed, **CASES[name]), kind, 20 if 'max' in name else 100)
        expected = precisions_of(evaluation)
        assert np.isnan(expected[-1]).all()  # the class without objects
        np.testing.assert_allclose(of_sample(evaluation), expected, rtol=0, atol=1e-12)


def test_of_equal_overlaps_the_last_object_is_taken():
    image = {'id': 1, 'height': 50, 'width': 50}
    objects = [
        {'id': i, 'image_id': 1, 'category_id': 1, 'bbox': box, 'area': 400.0, 'iscrowd': 0}
        for i, box in enumerate([[0.0, 0.0, 20.0, 20.0], [10.0, 0.0, 20.0, 20.0]], 1)
    ]
    # the first overlaps both with an IoU of 0.6, the second only the last
    detections = [
        {'image_id': 1, 'category_id': 1, 'bbox': box, 'score': score}
        for box, score in [([5.0, 0.0, 20.0, 20.0], 0.9), ([12.0, 0.0, 20.0, 20.0], 0.8)]
    ]
    content = {'images': [image], 'categories': [{'id': 1, 'name': 'a'}], 'annotations': objects}
    evaluation = evaluated(content, detections, 'bbox')
    expected = precisions_of(evaluation)
    assert 0 < expected[0, 0, 0] < 1
    np.testing.assert_allclose(of_sample(evaluation), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize('kind', ['bbox', 'segm'])
def test_scores_equal_the_summaries(kind):
    content, detections = random_case(5, num_images=40, num_classes=6)
    evaluation = evaluated(content, detections, kind)
    evaluation.summarize()
    data = match_data(evaluation)
    scores = coco_scores(data, np.ones((1, len(data.image_ids))))
    np.testing.assert_allclose([scores[name][0] for name in SUMMARY], evaluation.stats[:6], rtol=0, atol=1e-12)
    by_class = np.nanmean(precisions_of(evaluation)[:-1, 0], axis=1)
    np.testing.assert_allclose(scores['AP_by_class'][0, :-1], by_class, rtol=0, atol=1e-12)
    assert np.isnan(scores['AP_by_class'][0, -1])


@pytest.mark.parametrize('kind', ['bbox', 'segm'])
def test_equals_faster_coco_eval(kind):
    content, detections = random_case(8, num_images=40, scores=20)
    truth = faster.COCO(content)
    fields = ('image_id', 'category_id', 'score', 'bbox' if kind == 'bbox' else 'segmentation')
    found = truth.loadRes([{name: d[name] for name in fields} for d in detections])
    evaluation = faster.COCOeval_faster(truth, found, kind, print_function=lambda *_: None)
    evaluation.run()
    data = match_data(evaluation)
    scores = coco_scores(data, np.ones((1, len(data.image_ids))))
    np.testing.assert_allclose([scores[name][0] for name in SUMMARY], evaluation.stats[:6], rtol=0, atol=1e-9)


def test_multisets_equal_repeated_images():
    content, detections = random_case(1, num_images=15, num_classes=3)
    data = match_data(evaluated(content, detections, 'bbox'))
    counts = np.random.default_rng(0).poisson(1.0, (6, 15))
    counts[0] = 0
    counts[0, 3] = 4  # one image alone
    values = average_precisions(data, counts)
    for count, value in zip(counts, values, strict=True):
        expected = precisions_of(evaluated(*repeated(content, detections, count), 'bbox'))
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-12)


def test_chunks_do_not_matter(monkeypatch):
    data = match_data(evaluated(*random_case(2, num_images=20), 'bbox'))
    weights = np.random.default_rng(0).exponential(size=(11, 20))
    whole = average_precisions(data, weights)
    monkeypatch.setattr('swin_dense.comparison.average_precision._POINTS_AT_ONCE', 1)
    np.testing.assert_array_equal(average_precisions(data, weights), whole)
    assert len(np.unique(whole[:, 0, 0, 0])) == 11


def test_weights_of_other_images_are_refused():
    data = match_data(evaluated(*random_case(2), 'bbox'))
    with pytest.raises(ValueError, match=r'12 images, not \(1, 11\)'):
        average_precisions(data, np.ones((1, 11)))


def test_file_gives_back_what_was_saved(tmp_path):
    data = match_data(evaluated(*random_case(3, scores=5), 'segm'))
    path = tmp_path / 'run' / 'segm.npz'
    save_match_data(data, path)
    loaded = load_match_data(path)
    assert vars(loaded).keys() == vars(data).keys()
    for name, value in vars(data).items():
        np.testing.assert_array_equal(getattr(loaded, name), value)
        assert np.asarray(getattr(loaded, name)).dtype == np.asarray(value).dtype, name
    assert loaded.matched.any()
    assert [file.name for file in path.parent.iterdir()] == ['segm.npz']


def test_a_run_that_detected_nothing_can_be_kept(tmp_path):
    some = match_data(evaluated(*random_case(3), 'bbox'))
    cut = {name: getattr(some, name)[:0] for name in ('images', 'classes', 'scores', 'matched', 'ignored')}
    save_match_data(replace(some, **cut), tmp_path / 'bbox.npz')
    loaded = load_match_data(tmp_path / 'bbox.npz')
    assert loaded.matched.shape == loaded.ignored.shape == (0, *some.matched.shape[1:])
    scores = average_precisions(loaded, np.ones((1, len(some.image_ids))))
    assert scores.shape == average_precisions(some, np.ones((1, len(some.image_ids)))).shape
    assert np.nanmax(scores) == 0


@pytest.mark.parametrize('damage', ['cut', 'other'])
def test_a_wrong_file_is_refused(tmp_path, damage):
    path = tmp_path / 'bbox.npz'
    save_match_data(match_data(evaluated(*random_case(3), 'bbox')), path)
    if damage == 'cut':
        path.write_bytes(path.read_bytes()[:300])
    else:
        np.savez(path, a=np.zeros(3))
    with pytest.raises(ValueError, match='does not hold match data'):
        load_match_data(path)
