"""What reports show of findings, and what of them the fix report has."""

import json
import math
from dataclasses import replace

from swin_dense.checks.findings import Case, Finding, by_severity
from swin_dense.checks.report import report_text, summary, write_fixes, write_report

FACT = Finding(level='ok', rule='classes', message='2 classes: a, b')
WARNING = Finding(level='warning', rule='few', file='a.json', message='few boxes', remedy='add some')
BOXES = Finding(
    level='error',
    rule='box-inverted',
    file='a.json',
    message='5 boxes have a negative size.',
    remedy='write them as [x, y, width, height]',
    cases=[Case('a.json', f'annotations[{i}].bbox', [9, 9, -1, i], 'swap the corners') for i in range(5)],
)


def test_a_report_begins_with_errors_and_ends_with_numbers():
    text = report_text([FACT, WARNING, BOXES])
    assert text.index('box-inverted') < text.index('few boxes') < text.index('2 classes')
    assert text.endswith('1 error, 1 warning, 1 fact')
    assert 'a.json: annotations[2].bbox = [9, 9, -1, 2]' in text
    assert 'annotations[3]' not in text
    assert 'and 2 more' in text
    assert '-> write them as [x, y, width, height]' in text
    assert max(map(len, text.splitlines())) <= 120


def test_severity_keeps_the_order_within_a_level():
    other = Finding(level='warning', rule='other', message='m')
    assert [finding.rule for finding in by_severity([FACT, other, WARNING])] == ['other', 'few', 'classes']


def test_summary_counts_in_words():
    assert summary([]) == '0 errors, 0 warnings, 0 facts'
    assert summary([BOXES, BOXES, FACT]) == '2 errors, 0 warnings, 1 fact'


def test_report_json(tmp_path):
    write_report(tmp_path / 'deep' / 'report.json', [FACT, BOXES], config='c.py', depth='full')
    content = json.loads((tmp_path / 'deep' / 'report.json').read_text())
    assert (content['config'], content['level'], content['errors'], content['warnings']) == ('c.py', 'full', 1, 0)
    assert [finding['rule'] for finding in content['findings']] == ['box-inverted', 'classes']
    first = content['findings'][0]
    assert first['count'] == 5
    assert first['examples'][0] == {
        'file': 'a.json',
        'key': 'annotations[0].bbox',
        'value': [9, 9, -1, 0],
        'fix': 'swap the corners',
    }


def test_the_fix_report_has_every_place(tmp_path):
    assert write_fixes(tmp_path / 'fixes.jsonl', [FACT, WARNING, BOXES]) == 6
    lines = [json.loads(line) for line in (tmp_path / 'fixes.jsonl').read_text().splitlines()]
    assert [line['key'] for line in lines[:5]] == [f'annotations[{i}].bbox' for i in range(5)]
    assert lines[5] == {
        'level': 'warning', 'rule': 'few', 'file': 'a.json', 'key': '', 'value': None, 'fix': 'add some',
    }  # fmt: skip


def test_reports_are_json_whatever_the_values(tmp_path):
    values = {'mean': math.nan, 'std': [math.inf, -math.inf]}
    broken = Finding(
        level='error', rule='r', message='m', remedy='r', value=values, cases=[Case('f', 'k', values, 'x')]
    )
    write_report(tmp_path / 'report.json', [broken], config='c.py', depth='quick')
    write_fixes(tmp_path / 'fixes.jsonl', [broken, replace(broken, cases=())])

    def refuse(word):
        raise AssertionError(f'{word} is not of JSON')

    (found,) = json.loads((tmp_path / 'report.json').read_text(), parse_constant=refuse)['findings']
    assert found['value'] == found['examples'][0]['value'] == {'mean': 'NaN', 'std': ['Infinity', '-Infinity']}
    for line in (tmp_path / 'fixes.jsonl').read_text().splitlines():
        assert json.loads(line, parse_constant=refuse)['value'] == found['value']


def test_long_values_are_shortened():
    text = Finding(level='error', rule='r', key='k', value=list(range(1000)), message='m').text()
    assert len(text) < 400
    assert '...' in text
