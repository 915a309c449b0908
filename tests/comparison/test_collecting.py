"""Run folders as records, curves and rows; the runs are those of the fake scripts."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from fake_runs import fake_plan

from swin_dense.comparison.collecting import collect, curves, planned_record, train_hours
from swin_dense.comparison.estimates import plan_text
from swin_dense.comparison.execution import Execution
from swin_dense.comparison.plan import make_plan
from swin_dense.comparison.results import Curve
from swin_dense.comparison.rows import append_rows, read_rows, row_of, write_csv

NECK = "model['neck'] = dict(type='MultiLevelNeck')\n"


@pytest.fixture(scope='module')
def made_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made')
    plan, options = fake_plan(folder)
    Execution(options).make(plan.runs)
    return folder


@pytest.fixture
def made(made_once, tmp_path):
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    return fake_plan(tmp_path)[0]


def change_results(folder, **values):
    path = folder / 'results.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_record_has_metrics_classes_fingerprints_and_hours(made):
    record = planned_record(made.runs[0])
    assert (record.name, record.seed, record.state, record.task) == ('a', 0, 'finished', 'segmentation')
    assert record.metrics == {'mIoU': 50.0}  # the seconds of a test are no quality
    # by hand: cat 3 right of 5 in either, dog 5 right of 7
    assert record.by_class['IoU'] == pytest.approx({'cat': 3 / 5, 'dog': 5 / 7})
    assert record.by_class['Acc'] == pytest.approx({'cat': 3 / 5, 'dog': 1.0})
    assert record.data == 'train-test'
    assert record.train_hours == pytest.approx(5 * 0.5 / 3600)
    assert len({planned_record(run).recipe for run in made.runs}) == 1


def test_hours_count_the_iterations_between_lines(tmp_path):
    lines = [
        {'mode': 'train', 'step': 10, 'time': 2.0},
        {'mode': 'val', 'step': 10, 'time': 99.0},
        {'mode': 'train', 'step': 30, 'time': 3.0},
    ]
    text = ''.join(json.dumps(line) + '\n' for line in lines) + '{"mode": "train", "st'
    (tmp_path / 'metrics.jsonl').write_text(text)
    assert train_hours(tmp_path) == pytest.approx((10 * 2 + 20 * 3) / 3600)
    assert train_hours(tmp_path / 'nothing') is None


def test_curves_are_what_was_logged(made):
    found = curves([planned_record(made.runs[2])])
    assert found == [
        Curve(model='a', seed=1, quantity='loss', steps=[1, 2, 3, 4, 5], values=[1 + 1 / step for step in range(1, 6)])
    ]


def test_results_of_another_recipe_than_the_config_has_are_refused(made):
    change_results(made.runs[0].folder, trained_recipe_fingerprint='another')
    with pytest.raises(ValueError, match='made by the recipe another'):
        planned_record(made.runs[0])


def test_results_without_what_was_kept_of_images_are_refused(made):
    (made.runs[0].folder / 'per_image' / 'confusion.npz').unlink()
    with pytest.raises(ValueError, match='per_image has nothing of each image'):
        planned_record(made.runs[0])


def test_runs_made_elsewhere_are_collected_by_config_and_seed(made):
    folders = [run.folder for run in made.runs]
    records = [each.record for each in collect(folders)]
    assert [(record.name, record.seed) for record in records] == [('a', 0), ('b', 0), ('a', 1), ('b', 1)]
    with pytest.raises(ValueError, match='runs of one config with one seed: a, 0'):
        collect([folders[0], folders[0]])
    change_results(folders[1], trained_data_fingerprint=None)
    with pytest.raises(ValueError, match='has no trained_data_fingerprint'):
        collect(folders)
    with pytest.raises(ValueError, match=r'nowhere/results.json is no file of tools/test.py'):
        collect([Path('nowhere')])


def test_what_may_differ_is_no_part_of_what_groups_runs(tmp_path):
    plan, options = fake_plan(tmp_path, seeds=[0])
    other = Path(plan.models[0].config)
    other.write_text(other.read_text() + NECK)
    configs = [model.config for model in plan.models]
    plan = make_plan(configs, [0], tmp_path / 'out', allowed=['model.neck'])
    told = {
        model.config: {'recipe_fingerprint': model.tested, 'trained_recipe_fingerprint': model.tested}
        for model in plan.models
    }
    (options.tools / 'told.json').write_text(json.dumps(told))
    Execution(options).make(plan.runs)
    strict, lenient = ({planned_record(run, allowed).recipe for run in plan.runs} for allowed in ((), ['model.neck']))
    assert (len(strict), len(lenient)) == (2, 1)


def test_more_processes_are_another_recipe(made):
    before = planned_record(made.runs[0]).recipe
    change_results(made.runs[0].folder, trained_processes=4)
    assert planned_record(made.runs[0]).recipe != before


def test_rows_survive_a_torn_line_and_the_newest_of_a_run_counts(made, tmp_path):
    path = tmp_path / 'results.jsonl'
    rows = [row_of(planned_record(run)) for run in made.runs[:2]]
    append_rows(path, rows)
    with open(path, 'a') as file:
        file.write('{"name": "a", "se')
    append_rows(path, [{**rows[0], 'state': 'failed'}, rows[1]])
    found, notes = read_rows(path)
    assert [row['state'] for row in found] == ['failed', 'finished']
    assert found[1] == rows[1]
    assert notes == ['results.jsonl: line 3 is not whole and was left out']
    assert len(path.read_text().splitlines()) == 4  # what is told already is not told again
    before = path.read_bytes()
    append_rows(path, found)
    assert path.read_bytes() == before


def test_the_csv_has_a_row_for_each_run(made, tmp_path):
    (made.runs[3].folder / 'results.json').unlink()
    records = [planned_record(run) for run in made.runs]
    write_csv(tmp_path / 'results.csv', records)
    with open(tmp_path / 'results.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['name'] for row in rows] == ['a', 'b', 'a', 'b']
    assert [row['metric/mIoU'] for row in rows] == ['50.0', '50.0', '51.0', '']
    assert float(rows[0]['IoU/dog']) == pytest.approx(5 / 7)
    assert [row['state'] for row in rows] == ['finished'] * 3 + ['interrupted']


def test_the_time_of_a_plan_is_that_of_runs_of_the_same_config(made):
    text = plan_text(made, jobs=1)
    assert text.count('finished') == 4
    (made.runs[2].folder / 'results.json').unlink()  # of a: 5 iterations are made, the test is not
    for step in range(3, 6):
        os.remove(made.runs[3].folder / f'iter_{step}.pth')
    (made.runs[3].folder / 'results.json').unlink()
    lines = plan_text(made, jobs=2).splitlines()
    assert 'goes on at iteration 5' in lines[2]
    assert '~ 41 s' in lines[2]  # a second of test, twice 20 of start
    assert 'goes on at iteration 2' in lines[3]
    assert '~ 42 s' in lines[3]  # and three iterations of 0.5 s
    assert lines[4].startswith('4 runs; time: 42 s with 2 at once')


def test_the_time_of_a_plan_that_never_ran_is_unknown(tmp_path):
    plan, _ = fake_plan(tmp_path)
    assert plan_text(plan, jobs=1).splitlines()[-1] == ('4 runs; time: unknown: 4 runs of configs that never ran here')
