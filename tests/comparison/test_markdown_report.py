"""report.md as markdown-it reads it: numbers of the comparison in their places, any name harmless, links that hold."""

import os
import re
from dataclasses import replace
from urllib.parse import unquote

import numpy as np
import pytest
from made_comparison import DETECTORS, ODD_NAME, SEGMENTERS, made_comparison
from markdown_it import MarkdownIt

from swin_dense.comparison.html.groups import score_words
from swin_dense.comparison.intervals import ModelScores, model_interval
from swin_dense.comparison.markdown.text import Column, code, code_block, listed, plain, table
from swin_dense.comparison.markdown_report import write_markdown
from swin_dense.comparison.results import ScoreTable
from swin_dense.comparison.verdicts import verdicts
from swin_dense.comparison.wording import headline_verdicts, score_digits

MINUS, UNKNOWN = '\N{MINUS SIGN}', '\N{EN DASH}'
PARSER = MarkdownIt('commonmark').enable('table')
HOSTILE = [
    'a | b', 'x\ny', '<script>alert(1)</script>', '&amp; &lt;', '[a](b) ![c](d)', '`code` ``two``', '*e* _e_ __s__',
    'back\\slash\\|', '# head', '- item', '+ item', '12. item', '3) item', '=====', '---',
    '$x$ ~~s~~', '_lead', 'trail_',
    'Straßenbahn 電車', '0.0002', 'a_b_c', '> quote', '![', '`', '``', '',
]  # fmt: skip


@pytest.fixture(scope='module')
def comparison(tmp_path_factory):
    return made_comparison(tmp_path_factory.mktemp('made') / 'a b (c)')


@pytest.fixture(scope='module')
def report(comparison):
    folder = comparison.runs[0].folder.parents[1]
    write_markdown(comparison, folder / 'report.md')
    return Report((folder / 'report.md').read_text(encoding='utf-8'))


class Report:
    """Headings, and what stands below each: texts of its list items and paragraphs, tables as rows of cells."""

    def __init__(self, text):
        self.text = text
        self.tokens = PARSER.parse(text)
        self.sections = {}
        self.levels = {}
        self.images, self.links = [], []
        self._read()

    def _read(self):
        name, closing, in_cell = '', '', False
        for token in self.tokens:
            if token.type == 'heading_open':
                closing = token.tag
            elif token.type == 'table_open':
                self.sections[name].append([])
            elif token.type == 'tr_open':
                self.sections[name][-1].append([])
            elif token.type in ('th_open', 'td_open'):
                in_cell = True
            elif token.type in ('fence', 'html_block'):
                self.sections[name].append(token.content)
            elif token.type == 'inline':
                text = shown(token)
                self.images += [child for child in token.children if child.type == 'image']
                self.links += [child.attrs['href'] for child in token.children if child.type == 'link_open']
                if closing:
                    name = text
                    assert name not in self.sections, f'two headings {name}'
                    self.sections[name], self.levels[name] = [], closing
                elif in_cell:
                    self.sections[name][-1][-1].append(text)
                else:
                    self.sections[name].append(text)
                closing, in_cell = '', False

    def table(self, section, number=0):
        tables = [each for each in self.sections[section] if isinstance(each, list)]
        head, *rows = tables[number]
        assert all(len(row) == len(head) for row in rows)
        return [dict(zip(head, row, strict=True)) for row in rows]

    def texts(self, section):
        return [each for each in self.sections[section] if isinstance(each, str)]


def shown(token):
    """What a reader sees of a line; no markup is expected but code, strong words, links and images."""
    parts = []
    for child in token.children:
        assert child.type in (
            'text', 'text_special', 'code_inline', 'strong_open', 'strong_close', 'image', 'link_open', 'link_close',
        ), (child.type, token.content)  # fmt: skip
        parts.append(child.content)
    return ''.join(parts)


def points(value, sign=''):
    return f'{100 * value:{sign}.1f}'.replace('-', MINUS)


def test_conclusions_come_first_and_are_of_one_group_each(comparison, report):
    assert list(report.sections)[:4] == [comparison.title, 'What can be concluded', 'Detection', 'Segmentation']
    assert comparison.date in report.texts(comparison.title)[0]
    assert '8 models, 23 of 24 runs finished' in report.texts(comparison.title)[0]
    for name, group, models in zip(
        ('Detection', 'Segmentation'), comparison.groups, (DETECTORS, SEGMENTERS), strict=True
    ):
        headline, rows = group.scores[0], report.table(name)
        assert {row['Model'] for row in rows} == set(models)
        means = [np.mean(headline.seeds[row['Model']]) for row in rows]
        assert means == sorted(means, reverse=True)
        for row, mean in zip(rows, means, strict=True):
            values, interval = headline.seeds[row['Model']], headline.intervals[row['Model']]
            assert row[score_words(headline.score)] == points(mean)
            assert row['± sd'] == points(np.std(values, ddof=1))
            assert row['95 % interval'] == f'{points(interval.low)} to {points(interval.high)}'
            assert row['seeds'] == str(len(values))
        said = ' '.join(report.texts(name))
        for verdict in headline.verdicts:
            if verdict.word == 'not distinguishable':
                assert re.search(r'(\S+) is not distinguishable from (\S+)\.', said).groups() in (
                    (verdict.first, verdict.second),
                    (verdict.second, verdict.first),
                )
        assert f'{rows[0]["Model"]} is better than' in said
        assert set(models).isdisjoint(re.findall(r'\w+', ' '.join(report.texts('What can be concluded'))))


def test_all_scores(comparison, report):
    for title, group in zip(('Detection: scores', 'Segmentation: scores'), comparison.groups, strict=True):
        rows = {row['Score']: row for row in report.table(title)}
        assert len(rows) == len(group.scores)
        for each in group.scores:
            row = rows[score_words(each.score)]
            for name in group.models:
                values, interval = each.seeds[name], each.intervals[name]
                expected = UNKNOWN
                if np.isfinite(values).all():
                    expected = (
                        f'{points(np.mean(values))} ± {points(np.std(values, ddof=1))} '
                        f'({points(interval.low)} to {points(interval.high)})'
                    )
                assert row[name] == expected, (each.score, name)


def test_pairs(comparison, report):
    for title, group in zip(('Detection: pairs, box mAP', 'Segmentation: pairs, mIoU'), comparison.groups, strict=True):
        rows = report.table(title)
        assert len(rows) == len(group.scores[0].verdicts) == 6
        for row, verdict in zip(rows, group.scores[0].verdicts, strict=True):
            difference = verdict.difference
            assert (row['First'], row['The first is'], row['Second']) == (verdict.first, verdict.word, verdict.second)
            assert row['Difference'] == points(difference.estimate, '+')
            assert row['95 % interval'] == f'{points(difference.low, "+")} to {points(difference.high, "+")}'
            p = verdict.corrected_p
            assert row['Corrected p'] == ('< 0.001' if p < 0.001 else f'{p:.3f}')


def test_costs(comparison, report):
    for title, group in zip(('Detection: costs', 'Segmentation: costs'), comparison.groups, strict=True):
        assert (
            'Made CPU @ 2.40GHz, 2 threads in fp32, on images of 128 \N{MULTIPLICATION SIGN} 160'
            in report.texts(title)[0]
        )
        rows = {row['Model']: row for row in report.table(title)}
        assert set(rows) == set(group.models)
        for name, row in rows.items():
            found = comparison.costs[name]
            assert row['MACs (G)'].removeprefix('★ ') == f'{found.macs / 1e9:.2f}'
            assert row['MACs (G)'].startswith('★') == (name in group.pareto['macs'])
            assert row['Parameters (M)'].startswith('★') == (name in group.pareto['parameters'])
            if found.latency_p50_ms is None:
                assert {row[key] for key in row if 'Latency' in key or 'Images/s' in key or 'Memory' in key} == {
                    UNKNOWN
                }
            else:
                assert row['Latency p50 (ms)'].removeprefix('★ ') == f'{found.latency_p50_ms:.1f} ± 1.3'
                assert row['Latency p95 (ms)'] == f'{found.latency_p95_ms:.1f}'
                assert row['Images/s (batch)'] == f'{found.images_per_second:.1f} ± 0.8 ({found.best_batch})'
                assert row['Memory, training (MiB)'] == f'{found.training_memory_bytes / 2**20:,.0f}'
    assert f'{SEGMENTERS[-1]}: latency could not be measured: out of memory <at once>' in report.texts(title)


def test_sizes_and_classes(comparison, report):
    sizes = {row['Size']: row for row in report.table('Detection: by size of objects')}
    table_ = next(each for each in comparison.groups[0].scores if each.score == 'bbox_mAP_s')
    means = [np.mean(table_.seeds[name]) for name in DETECTORS]
    for name, mean in zip(DETECTORS, means, strict=True):
        assert sizes['box mAP, small'][name] == f'{points(mean)} ({points(mean - np.mean(means), "+")})'
    assert {sizes['mask mAP, large'][name] for name in DETECTORS} == {UNKNOWN}
    classes = report.table('Segmentation: by class')
    assert [row['Class'] for row in classes] == [score_words(each.score) for each in comparison.groups[1].class_scores]
    pairs = report.table('Segmentation: by class', 1)
    told = [v for each in comparison.groups[1].class_scores for v in each.verdicts if v.word != 'not distinguishable']
    assert [(row['First'], row['Second']) for row in pairs] == [(verdict.first, verdict.second) for verdict in told]
    assert f'Of 24 pairs of models and classes, {len(told)} can be told apart' in ' '.join(
        report.texts('Segmentation: by class')
    )


def test_runs_and_reasons(comparison, report):
    rows = report.table('Runs')
    assert len(rows) == len(comparison.runs) == 24
    for row, run in zip(rows, comparison.runs, strict=True):
        assert (row['Model'], row['Seed'], row['State']) == (run.name, str(run.seed), run.state)
        assert row['Training (hours)'] == (UNKNOWN if run.train_hours is None else f'{run.train_hours:.3f}')
        assert row['Config'] == run.config
        assert row['Folder'] == run.folder.relative_to(comparison.runs[0].folder.parents[1]).as_posix()
    failed = next(run for run in comparison.runs if run.state == 'failed')
    assert failed.reason + '\n' in report.sections['Runs']


def test_pictures_are_there_under_their_words(comparison, report, tmp_path):
    folder = comparison.runs[0].folder.parents[1]
    expected = [(row.descriptions[label], path) for row in comparison.pictures for label, path in row.pictures.items()]
    assert len(report.images) == len(expected) == 16
    for image, (words, path) in zip(report.images, expected, strict=True):
        assert ''.join(child.content for child in image.children) == words
        assert not image.attrs['src'].startswith('/')
        assert (folder / unquote(image.attrs['src'])).samefile(path)
    for row in comparison.pictures:
        assert row.caption in report.texts(row.title)
    write_markdown(comparison, tmp_path / 'deep' / 'er' / 'report.md')  # pictures outside of its folder
    moved = Report((tmp_path / 'deep' / 'er' / 'report.md').read_text(encoding='utf-8'))
    assert (tmp_path / 'deep' / 'er' / unquote(moved.images[0].attrs['src'])).samefile(expected[0][1])
    assert report.links[0] == 'report.html'


def test_published_numbers_stand_alone(comparison, report):
    rows = report.table('Published numbers')
    assert [(row['Model'], row['bbox_mAP (%)'], row['segm_mAP (%)']) for row in rows] == [
        ('Swin-T', '46.0', '41.6'),
        ('ResNet-50 & <FPN>', '41.0', UNKNOWN),
    ]
    assert rows[0]['MACs (G)'] == '267.0'
    assert rows[0]['Source'] == comparison.published[0].source
    assert report.texts('Published numbers')[0].startswith('Published, not measured here, no part of the statistics.')
    others = [row for name in report.sections if name != 'Published numbers' for row in report.texts(name)]
    assert not any('Swin-T' in str(text) for text in others)


def test_what_differs_and_provenance(comparison, report):
    said = report.texts('What differs, and what to know')
    for line in '\n'.join(comparison.allowed).splitlines():
        assert line in said
    assert set(comparison.notes) <= set(said)
    assert f'{comparison.command}\n' in report.sections['How to make it again']
    prints = report.table('How to make it again')
    assert [(row['Recipe'], row['Data']) for row in prints] == [(each.recipe, each.data) for each in comparison.groups]
    assert all(f'{name} {version}' in report.text for name, version in comparison.versions.items())


def test_no_path_of_the_machine(comparison, report):
    folder = str(comparison.runs[0].folder.parents[1])
    assert folder not in report.text
    assert os.path.expanduser('~') + '/' not in report.text
    assert 'nan' not in report.text.replace('loss is nan', '').lower()
    assert 'None' not in report.text


def test_models_of_one_task_under_other_recipes_are_never_in_one_table(comparison, tmp_path):
    first, second = comparison.groups
    other = replace(first, recipe='anotherone12', models=SEGMENTERS, scores=second.scores, class_scores=())
    write_markdown(replace(comparison, groups=[first, other]), tmp_path / 'report.md')
    report = Report((tmp_path / 'report.md').read_text(encoding='utf-8'))
    assert sum('group 2' in name for name in report.sections) >= 3
    (section,) = [name for name in report.sections if name.endswith('group 2')]
    assert any('anotherone12' in text for text in report.texts(section))
    for section in report.sections.values():
        for rows in (each for each in section if isinstance(each, list) and section is not report.sections['Runs']):
            cells = {cell for row in rows for cell in row}
            assert not (cells & set(DETECTORS) and cells & set(SEGMENTERS))


def test_nothing_finished(comparison, tmp_path):
    runs = [replace(run, state='failed', reason='no `luck`\n```\nat all', task='') for run in comparison.runs[:2]]
    empty = replace(comparison, groups=(), runs=runs, costs={}, pictures=(), published=(), curves=(), allowed=())
    write_markdown(replace(empty, versions={}), tmp_path / 'report.md')
    report = Report((tmp_path / 'report.md').read_text(encoding='utf-8'))
    assert report.texts('What can be concluded') == ['Nothing: no run has results.']
    assert report.sections['Runs'].count('no `luck`\n```\nat all\n') == 2
    assert 'Published numbers' not in report.sections


def test_a_single_seed_says_why_nothing_is_said(comparison, tmp_path):
    random = np.random.default_rng(0)
    scores = [
        ModelScores(name=name, values=np.array([0.5]), resampled=random.normal(0.5, 0.01, (1, 50)), num_images=9)
        for name in DETECTORS
    ]
    headline = _table(scores)
    group = replace(comparison.groups[0], scores=[headline], class_scores=())
    write_markdown(replace(comparison, groups=[group]), tmp_path / 'report.md')
    report = Report((tmp_path / 'report.md').read_text(encoding='utf-8'))
    assert {row['± sd'] for row in report.table('Detection')} == {UNKNOWN}
    rows = report.table('Detection: pairs, box mAP')
    assert [row['Why nothing can be said'] for row in rows] == [each.reason for each in headline.verdicts]
    assert {row['Corrected p'] for row in rows} == {UNKNOWN}


def test_narrow_intervals_have_a_second_digit():
    random = np.random.default_rng(0)
    narrow = _table(
        [
            ModelScores(
                name=name,
                values=level + np.array([0, 1e-5, 2e-5]),
                resampled=level + random.normal(0, 1e-5, (3, 50)),
                num_images=99,
            )
            for name, level in (('a', 0.5012), ('b', 0.5001))
        ]
    )
    assert score_digits(narrow) == 2
    (sentence,) = headline_verdicts(narrow, ['a', 'b'])
    assert re.fullmatch(r'a is better than b \(by 0\.11; 0\.1\d to 0\.1\d\)\.', sentence)


def _table(scores):
    return ScoreTable(
        score='bbox_mAP',
        seeds={each.name: each.values.tolist() for each in scores},
        intervals={each.name: model_interval(each) for each in scores},
        verdicts=verdicts(scores),
    )


@pytest.mark.parametrize('text', HOSTILE)
def test_text_is_shown_letter_by_letter(text):
    line = ' '.join(text.split())
    in_cell = Report('# t\n\n' + table([Column('x', False), Column('y')], [[plain(text), code(text)], ['a', 'b']]))
    assert in_cell.table('t') == [{'x': line, 'y': line}, {'x': 'a', 'y': 'b'}]
    if line:
        assert Report(f'# t\n\n{plain(text)}').sections['t'] == [line]
        assert Report(f'# {plain(text)}').sections == {line: []}
        assert Report('# t\n\n' + listed([text])).sections['t'] == [each.strip() for each in text.split('\n')]
    assert Report(f'# t\n\n{code_block(text)}\n\nafter').sections['t'][1:] == ['after']


def test_names_stay_legible_as_plain_text():
    assert plain('mask_rcnn_swin seed 2: 0.0002 & more') == 'mask_rcnn_swin seed 2: 0.0002 & more'
    assert plain(ODD_NAME) != ODD_NAME
