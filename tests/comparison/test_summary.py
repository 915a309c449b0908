"""Records of simulated runs as a comparison: what is grouped, told apart, refused and said."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import Model, detector_run, draw_images, segmentor_run

from swin_dense.comparison.coco_scores import coco_scores
from swin_dense.comparison.pareto import pareto_front
from swin_dense.comparison.results import ModelCosts, RunRecord
from swin_dense.comparison.segmentation_scores import segmentation_scores
from swin_dense.comparison.summary import summarise
from swin_dense.evaluation.confusion import save_confusion_data
from swin_dense.evaluation.match_data import save_match_data

CLASSES = ('cat', 'dog', 'Füchsin')
SAME, GOOD = Model(), Model(skill=2.2, taste=1)


def detection_runs(folder, models, *, seeds=3, num_images=100, shares=(0.5, 0.3, 0.2), recipe='r', data='d'):
    """Records of simulated runs on one set of images, with their files of each image."""
    random = np.random.default_rng(5)
    images = draw_images(random, num_images, shares)
    records = []
    for name, model in models.items():
        for seed in range(seeds):
            matches = detector_run(random, images, model)
            where = folder / recipe / data / name / f'seed_{seed}'
            save_match_data(matches, where / 'per_image' / 'bbox.npz')
            records.append(record(where, name, seed, matches, recipe=recipe, data=data))
    return records


def record(folder, name, seed, matches, **more):
    score = float(coco_scores(matches, np.ones((1, len(matches.image_ids))))['mAP'][0])
    return RunRecord(
        name=name,
        config=f'{name}.py',
        seed=seed,
        folder=folder,
        state='finished',
        task='detection',
        metrics={'coco/bbox_mAP': score, 'coco/bbox_mAP_s': -1.0},
        protocol={'classes': CLASSES},
        **more,
    )


def segmentation_runs(folder, models, seeds=2):
    random = np.random.default_rng(6)
    images = draw_images(random, 60)
    records = []
    for name, model in models.items():
        for seed in range(seeds):
            confusion = segmentor_run(random, images, model)
            where = folder / name / f'seed_{seed}'
            save_confusion_data(confusion, where / 'per_image' / 'confusion.npz')
            mean = float(segmentation_scores(confusion, np.ones((1, 60)))['mIoU'][0])
            records.append(
                RunRecord(
                    name=name,
                    config=name,
                    seed=seed,
                    folder=where,
                    state='finished',
                    task='segmentation',
                    metrics={'mIoU': round(100 * mean, 2)},
                    protocol={'classes': CLASSES},
                    recipe='r',
                    data='d',
                )
            )
    return records


def summary(records, costs=None, **more):
    told = {'title': 't', 'command': 'c', 'date': 'today', 'versions': {}}
    return summarise(records, costs or {}, **{**told, **more})


def costs_of(macs, latency=None):
    return ModelCosts(
        parameters=1,
        macs=macs,
        backbone_parameters=1,
        backbone_macs=1,
        image_size=(2, 3),
        device='d',
        precision='fp32',
        latency_p50_ms=latency,
    )


def test_a_better_model_is_told_apart_and_equal_ones_are_not(tmp_path):
    comparison = summary(detection_runs(tmp_path, {'one': SAME, 'same': SAME, 'good': GOOD}))
    (group,) = comparison.groups
    assert group.models == ['one', 'same', 'good']
    assert (group.task, group.recipe, group.data, group.num_images) == ('detection', 'r', 'd', 100)
    assert [table.score for table in group.scores] == ['bbox_mAP', 'bbox_mAP_50', 'bbox_mAP_75']
    words = {(each.first, each.second): each.word for each in group.scores[0].verdicts}
    assert words == {
        ('one', 'same'): 'not distinguishable',
        ('one', 'good'): 'worse',
        ('same', 'good'): 'worse',
    }


def test_scores_are_those_of_the_runs_by_seed(tmp_path):
    records = detection_runs(tmp_path, {'a': SAME, 'b': GOOD})
    comparison = summary(records[::-1])  # runs end in any order
    (group,) = comparison.groups
    assert group.models == ['b', 'a']
    for name in 'ab':
        expected = [each.metrics['coco/bbox_mAP'] for each in records if each.name == name]
        assert group.scores[0].seeds[name] == pytest.approx(expected, abs=1e-12)
        interval = group.scores[0].intervals[name]
        assert interval.estimate == pytest.approx(np.mean(expected))
        assert interval.low < interval.estimate < interval.high


def test_classes_have_scores_and_verdicts_over_all_of_them(tmp_path):
    (group,) = summary(detection_runs(tmp_path, {'a': SAME, 'b': GOOD})).groups
    tables = group.class_scores
    assert [table.score for table in tables] == [f'bbox_AP/{name}' for name in CLASSES]
    mean = np.mean([table.seeds['a'] for table in tables], axis=0)
    assert mean == pytest.approx(group.scores[0].seeds['a'])
    told = [verdict for table in tables for verdict in table.verdicts]
    smallest = min(told, key=lambda verdict: verdict.difference.p_value)
    assert smallest.corrected_p == pytest.approx(3 * smallest.difference.p_value)  # one pair, three classes


def test_segmentation_is_a_group_of_its_own(tmp_path):
    records = [*detection_runs(tmp_path, {'a': SAME}), *segmentation_runs(tmp_path, {'u': SAME, 'v': GOOD})]
    first, second = summary(records).groups
    assert (first.task, second.task) == ('detection', 'segmentation')
    assert [table.score for table in second.scores] == ['mIoU', 'mAcc', 'aAcc']
    assert {table.score for table in second.class_scores} == {
        f'{kind}/{name}' for kind in ('IoU', 'Acc') for name in CLASSES
    }
    assert second.scores[0].verdicts[0].word == 'worse'


def test_other_recipes_or_data_are_never_ranked_together(tmp_path):
    records = [
        *detection_runs(tmp_path, {'a': SAME, 'b': SAME}),
        *detection_runs(tmp_path, {'c': GOOD}, recipe='other'),
        *detection_runs(tmp_path, {'d': GOOD}, data='other'),
    ]
    assert [group.models for group in summary(records).groups] == [['a', 'b'], ['c'], ['d']]


def test_a_model_with_one_seed_is_shown_without_a_verdict(tmp_path):
    records = detection_runs(tmp_path, {'a': SAME, 'b': GOOD})
    records = [each if each.name == 'a' or each.seed == 0 else replace(each, state='failed') for each in records]
    comparison = summary(records)
    verdict = comparison.groups[0].scores[0].verdicts[0]
    assert verdict.word == 'not distinguishable'
    assert verdict.reason.startswith('b: a single run')
    assert any(
        note.startswith('b: 1 of 3 runs have results (seed 1 failed, seed 2 failed)') for note in comparison.notes
    )


def test_what_has_no_object_and_classes_in_few_images_are_noted(tmp_path):
    records = detection_runs(tmp_path, {'a': SAME, 'b': SAME}, num_images=40, shares=(0.9, 0.08, 0.02))
    notes = summary(records, notes=['first']).notes
    assert notes[0] == 'first'
    assert any('bbox_mAP_s, bbox_mAP_m, bbox_mAP_l left out' in note for note in notes)
    assert any('Füchsin in ' in note and 'cat' not in note for note in notes)


def test_scores_that_some_models_lack_are_left_out_and_named(tmp_path):
    """Boxes of all, masks of one: a detector beside one with masks, by --allow."""
    records = detection_runs(tmp_path, {'masks': SAME, 'boxes': SAME})
    for record in records:
        if record.name == 'masks':
            shutil.copy(record.folder / 'per_image' / 'bbox.npz', record.folder / 'per_image' / 'segm.npz')
    for order in (records, records[::-1]):
        found = summary(order)
        (group,) = found.groups
        assert {table.score.split('_')[0] for table in group.scores} == {'bbox'}
        assert {table.score.split('/')[0] for table in group.class_scores} == {'bbox_AP'}
        assert any(
            'segm_mAP' in note and note.endswith('left out, for not all models have them') for note in found.notes
        )


def test_without_finished_runs_there_is_no_group(tmp_path):
    records = [replace(each, state='failed') for each in detection_runs(tmp_path, {'a': SAME}, seeds=1)]
    assert summary(records).groups == []


def test_runs_of_other_images_are_refused(tmp_path):
    records = detection_runs(tmp_path, {'a': SAME}, seeds=2)
    others = detection_runs(tmp_path / 'few', {'b': SAME}, num_images=90)
    with pytest.raises(ValueError, match=r'seed_0/per_image and .*few.*are of other images'):
        summary([*records, *others])


def test_files_of_another_test_than_the_results_are_refused(tmp_path):
    records = detection_runs(tmp_path, {'a': SAME}, seeds=2)
    wrong = replace(records[1], metrics={'coco/bbox_mAP': records[1].metrics['coco/bbox_mAP'] + 0.002})
    with pytest.raises(ValueError, match=r'seed_1/per_image gives bbox_mAP = .* results.json beside it says'):
        summary([records[0], wrong])
    (record, *_) = segmentation_runs(tmp_path, {'u': SAME})
    with pytest.raises(ValueError, match='gives mIoU'):
        summary([replace(record, metrics={'mIoU': record.metrics['mIoU'] + 0.1})])


def test_fronts_are_those_of_the_headline(tmp_path):
    records = detection_runs(tmp_path, {'a': SAME, 'b': GOOD, 'c': SAME})
    costs = {'a': costs_of(10, 1.0), 'b': costs_of(20), 'c': costs_of(30, 2.0)}
    group = summary(records, costs).groups[0]
    assert group.pareto['macs'] == ['a', 'b']
    assert 'b' not in group.pareto['latency_p50_ms']  # was not measured
    assert summary(records).groups[0].pareto == {'latency_p50_ms': [], 'macs': [], 'parameters': []}


def test_pareto_fronts_against_the_definition():
    random = np.random.default_rng(0)
    for _ in range(200):
        quality = {name: float(random.integers(0, 5)) for name in 'abcdefg'}
        cost = {name: float(random.integers(0, 5)) for name in 'abcdef'}
        expected = {
            name
            for name in cost
            if not any(
                quality[other] >= quality[name]
                and cost[other] <= cost[name]
                and (quality[other] > quality[name] or cost[other] < cost[name])
                for other in cost
            )
        }
        front = pareto_front(quality, cost)
        assert set(front) == expected
        assert [cost[name] for name in front] == sorted(cost[name] for name in front)


def test_an_undefined_quality_is_on_no_front_and_keeps_none_off():
    assert pareto_front({'a': 0.5, 'b': float('nan')}, {'a': 2.0, 'b': 1.0}) == ['a']
