"""What report.html says, read by an HTML parser: every number against the comparison that it was made of."""

import json
from dataclasses import replace

import pytest

from swin_dense.comparison.html.cost_tables import cost_notes
from swin_dense.comparison.html.groups import score_words
from swin_dense.comparison.html_report import write_html
from swin_dense.comparison.results import Comparison
from tests.comparison.made_comparison import DETECTORS, FAILED, SEGMENTERS, made_comparison
from tests.comparison.parsed_page import parsed, rows_of

DASH = '\N{EN DASH}'


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made')
    comparison = made_comparison(folder)
    write_html(comparison, folder / 'report.html')
    text = (folder / 'report.html').read_text(encoding='utf-8')
    return comparison, text, parsed(text)


def known(value):
    return None if value is None or value != value else value


def test_scores_and_seeds_are_those_of_the_comparison(made):
    comparison, _, page = made
    for number, group in enumerate(comparison.groups):
        rows = {(row['Model'][0], row['Score'][0]): row for row in rows_of(page, f'group-{number}-details')}
        assert len(rows) == len(group.scores) * len(group.models)
        overview = {row['Model'][0]: row for row in rows_of(page, f'group-{number}-overview')}
        for table in group.scores:
            for model, seeds in table.seeds.items():
                row, interval = rows[model, score_words(table.score)], table.intervals[model]
                mean = sum(seeds) / len(seeds)
                assert row['Mean'][1] == (pytest.approx(mean, rel=1e-12) if mean == mean else None)
                assert row['Mean'][0] == (f'{100 * mean:.1f}' if mean == mean else DASH)
                assert row['Each seed'][0] == ', '.join(f'{100 * s:.1f}' if s == s else DASH for s in seeds)
                low, high = (f'{100 * end:.1f}' for end in (interval.low, interval.high))
                assert row['95 % interval'][0] == (f'{low} to {high}' if mean == mean else DASH)
                assert row['Error by seeds'][1] == known(interval.seed_error)
                assert row['Error by images'][1] == known(interval.image_error)
                assert overview[model][score_words(table.score)][1] == row['Mean'][1]


def test_verdicts_are_those_of_the_comparison(made):
    comparison, _, page = made
    for number, group in enumerate(comparison.groups):
        rows = rows_of(page, f'group-{number}-verdicts') + rows_of(page, f'group-{number}-verdicts-others')
        expected = [(table.score, verdict) for table in group.scores for verdict in table.verdicts]
        assert len(rows) == len(expected)
        for row, (score, verdict) in zip(rows, expected, strict=True):
            assert (row['First'][0], row['Second'][0], row['Score'][0]) == (
                verdict.first,
                verdict.second,
                score_words(score),
            )
            assert row['Difference'][1] == known(verdict.difference.estimate)
            assert row['95 % interval'][1] == known(verdict.difference.low)
            assert row['Corrected p'][1] == known(verdict.corrected_p)
            assert row['The first is'][0] == verdict.word
            assert row.get('Why nothing can be said', ('', None))[0] == verdict.reason
        words = page.one('section', id='conclusions').text
        for verdict in group.scores[0].verdicts:
            if verdict.word == 'not distinguishable':
                pairs = {
                    f'{one} is not distinguishable from {other}'
                    for one, other in ((verdict.first, verdict.second), (verdict.second, verdict.first))
                }
                assert sum(pair in words for pair in pairs) == 1


def test_costs_are_those_of_the_comparison_and_fronts_are_told_in_words(made):
    comparison, _, page = made
    columns = {
        'Parameters (M)': 'parameters',
        'of the backbone (M)': 'backbone_parameters',
        'MACs (G)': 'macs',
        'of the backbone (G)': 'backbone_macs',
        'Latency p50 (ms)': 'latency_p50_ms',
        'Latency p95 (ms)': 'latency_p95_ms',
        'Throughput (images/s)': 'images_per_second',
        'Best batch': 'best_batch',
        'Memory, inference (MiB)': 'inference_memory_bytes',
        'Memory, training (MiB)': 'training_memory_bytes',
        'Energy (J/image)': 'joules_per_image',
    }
    words = {'latency_p50_ms': 'latency', 'macs': 'MACs', 'parameters': 'parameters'}
    for number, group in enumerate(comparison.groups):
        rows = {row['Model'][0]: row for row in rows_of(page, f'group-{number}-costs')}
        assert list(rows) == list(group.models)
        for name, row in rows.items():
            for column, field in columns.items():
                value = getattr(comparison.costs[name], field)
                assert row[column][1] == value, (name, column)
                assert (row[column][0] == DASH) == (value is None)
            hours = [run.train_hours for run in comparison.runs if run.name == name and run.train_hours is not None]
            assert row['Training (hours)'][1] == pytest.approx(sum(hours) / len(hours))
            for cost, word in words.items():
                assert (word in row['Best trade-off'][0]) == (name in group.pareto[cost])
    told = page.one('section', id='costs').text
    assert 'Made CPU @ 2.40GHz, 2 threads in fp32' in told
    assert 'out of memory <at once>' in told


def test_runs_classes_and_published_numbers(made):
    comparison, _, page = made
    rows = rows_of(page, 'runs-table')
    assert [(row['Model'][0], row['Seed'][1], row['State'][0]) for row in rows] == [
        (run.name, run.seed, run.state) for run in comparison.runs
    ]
    assert 'RuntimeError: loss is nan at iteration 417 & <stopped>' in page.one('section', id='runs').text
    for number, task in enumerate(('detection', 'segmentation')):
        runs = [run for run in comparison.runs if run.task == task and run.metrics]
        for row, run in zip(rows_of(page, f'metrics-{number}'), runs, strict=True):
            assert {name: row[name][1] for name in run.metrics} == run.metrics
    for number, group in enumerate(comparison.groups):
        shown = {row['Class'][0]: row for row in rows_of(page, f'group-{number}-classes')}
        for table in group.class_scores:
            for model, seeds in table.seeds.items():
                assert shown[score_words(table.score)][model][1] == pytest.approx(sum(seeds) / len(seeds), rel=1e-12)
    assert shown['accuracy of Straßenbahn 電車'][SEGMENTERS[0]][1] == pytest.approx(
        sum(run.by_class['Acc']['Straßenbahn 電車'] for run in comparison.runs if run.name == SEGMENTERS[0]) / 3
    )
    section = page.one('section', id='published')
    assert 'Published, not measured here, no part of the statistics' in section.text
    for row, published in zip(rows_of(page, 'published-table'), comparison.published, strict=True):
        assert {name: row[f'{name} (%)'][1] for name in published.metrics} == published.metrics
        assert (row['Parameters (M)'][1], row['MACs (G)'][1]) == (published.parameters, published.macs)


def test_what_else_a_reader_needs_is_said(made):
    comparison, _, page = made
    body = page.one('body').text
    for text in [comparison.title, comparison.date, comparison.command, *comparison.notes, *comparison.versions]:
        assert text in body
    differences = page.one('section', id='differences').text
    for told in comparison.allowed:
        for line in told.splitlines():
            assert line in differences
    prints = [(row['Recipe'][0], row['Data'][0]) for row in rows_of(page, 'fingerprints')]
    assert prints == [(group.recipe, group.data) for group in comparison.groups]


def test_groups_are_never_in_one_table_of_scores_or_costs(made):
    _, _, page = made
    for table in page.one('main').all('table'):
        if table.attributes['id'] not in ('runs-table', 'fingerprints'):
            text = table.text
            assert not (any(name in text for name in DETECTORS) and any(name in text for name in SEGMENTERS))


def test_curves_and_points_of_plots(made):
    comparison, _, page = made
    blocks = {
        node.attributes['id']: json.loads(node.text, parse_constant=pytest.fail)
        for node in page.all('script', type='application/json')
    }
    assert len(blocks) == 4
    found = [curve for number in range(2) for curve in blocks[f'group-{number}-logged']['curves']]
    assert len(found) == len(comparison.curves)
    for curve, expected in zip(found, comparison.curves, strict=True):
        assert (curve['model'], curve['seed'], curve['quantity']) == (expected.model, expected.seed, expected.quantity)
        assert curve['steps'] == list(expected.steps)
        assert curve['values'] == [known(value) for value in expected.values]
    assert None in next(curve['values'] for curve in found if (curve['model'], curve['seed']) == FAILED)
    for number, group in enumerate(comparison.groups):
        points = blocks[f'group-{number}-points']
        assert points['fronts'] == {cost: list(names) for cost, names in group.pareto.items()}
        for point in points['models']:
            seeds, cost = group.scores[0].seeds[point['name']], comparison.costs[point['name']]
            assert point['score'] == pytest.approx(100 * sum(seeds) / len(seeds))
            assert point['costs']['macs'] == cost.macs / 1e9
            assert point['costs']['latency_p50_ms'] == cost.latency_p50_ms
    for plot in page.all('div', role='img'):
        assert plot.attributes['data-values'] in blocks
        assert plot.attributes['aria-label']


def test_a_comparison_of_nothing(tmp_path):
    nothing = Comparison(
        title='Nothing', command='none', date='', runs=[], costs={}, groups=[], allowed=[], versions={}
    )
    write_html(nothing, tmp_path / 'report.html')
    page = parsed((tmp_path / 'report.html').read_text())
    assert 'no run has results' in page.one('section', id='conclusions').text


def test_single_seeds_and_missing_pictures(tmp_path):
    made = made_comparison(tmp_path)
    missing = made.pictures[0].pictures['ground truth']
    missing.unlink()
    group = made.groups[1]
    single = [
        replace(table, seeds={name: values[:1] for name, values in table.seeds.items()}) for table in group.scores
    ]
    write_html(replace(made, groups=[replace(group, scores=single)]), tmp_path / 'report.html')
    page = parsed((tmp_path / 'report.html').read_text(encoding='utf-8'))
    assert 'not shown: No such file or directory' in page.one('section', id='disagreements').text
    for row in rows_of(page, 'group-0-headline'):
        assert row['± sd'] == (DASH, None)
    # models of the other group have costs, and no result to rank
    assert [row['Model'][0] for row in rows_of(page, 'unranked-costs')] == list(DETECTORS)


def test_groups_of_one_task_are_told_apart(tmp_path):
    """Of other recipes, one of them with a single model, which has nothing to be compared with."""
    made = made_comparison(tmp_path)
    group, name = made.groups[0], DETECTORS[1]
    alone = [
        replace(table, seeds={name: table.seeds[name]}, intervals={name: table.intervals[name]}, verdicts=[])
        for table in group.scores
    ]
    other = replace(group, recipe='another', models=[name], scores=alone, class_scores=[])
    write_html(replace(made, groups=[group, other]), tmp_path / 'report.html')
    page = parsed((tmp_path / 'report.html').read_text(encoding='utf-8'))
    section = page.one('section', id='conclusions')
    assert [title.text for title in section.all('h3')] == ['Detection, group 1', 'Detection, group 2']
    assert 'Recipe another, data 51b07e3c9d12.' in section.text
    assert [row['Model'][0] for row in rows_of(page, 'group-1-headline')] == [name]
    assert not list(page.all('table', id='group-1-verdicts'))


def test_a_single_validation_is_not_the_curve_shown_first(made, tmp_path):
    comparison, _, page = made
    names = [page.one(id=f'group-{number}-quantity').one('option', selected=None).text for number in range(2)]
    assert names == ['coco/bbox_mAP', 'mIoU']
    curves = [
        curve if curve.quantity == 'loss' else replace(curve, steps=curve.steps[-1:], values=curve.values[-1:])
        for curve in comparison.curves
    ]
    write_html(replace(comparison, curves=curves), tmp_path / 'report.html')
    page = parsed((tmp_path / 'report.html').read_text(encoding='utf-8'))
    assert page.one(id='group-0-quantity').one('option', selected=None).text == 'loss'


def test_a_note_on_costs_is_said_once(made):
    comparison, _, _ = made
    cost = next(iter(comparison.costs.values()))
    measured = {
        name: replace(cost, notes=notes) for name, notes in {'a': ['x', 'y'], 'b': ['x'], 'c': ['x', 'y']}.items()
    }
    assert cost_notes(measured) == ['x', 'a and c: y']
    assert cost_notes({'a': measured['a']}) == ['a: x', 'a: y']
