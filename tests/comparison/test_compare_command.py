"""The whole command on fake runs; costs, statistics and reports are those of other modules, stood in for here."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
from fake_runs import fake_plan, write_configs

from swin_dense.comparison import command
from swin_dense.comparison.command import Request, compare
from swin_dense.comparison.results import Comparison, ModelCosts
from swin_dense.comparison.run_commands import RunOptions

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    'cost_measurement.measure_costs',
    'disagreements.disagreements',
    'html_report.write_html',
    'markdown_report.write_markdown',
    'published.published_rows',
    'receptive_fields.receptive_field_pictures',
    'summary.summarise',
)


def summarise(records, costs, **told):
    told['notes'] = list(told['notes'])
    return Comparison(runs=records, costs=costs, groups=(), **told)


@pytest.fixture
def parts(monkeypatch):
    """The parts of a report by name; a test may exchange them."""
    functions = {
        'measure_costs': lambda configs, **how: {},
        'disagreements': lambda comparison, configs, out, **how: [],
        'receptive_field_pictures': lambda configs, checkpoints, out, **how: [],
        'published_rows': lambda names: [],
        'summarise': summarise,
        'write_markdown': lambda comparison, path: path.write_text(repr(comparison)),
        'write_html': lambda comparison, path: path.write_text(repr(comparison)),
    }
    for part in PARTS:
        module, name = part.split('.')
        path = f'swin_dense.comparison.{module}'
        stand_in = types.ModuleType(path)
        setattr(stand_in, name, lambda *given, _name=name, **named: functions[_name](*given, **named))
        monkeypatch.setitem(sys.modules, path, stand_in)
    # imported anew with these, and gone after the test
    monkeypatch.delitem(sys.modules, 'swin_dense.comparison.reporting', raising=False)
    yield functions
    sys.modules.pop('swin_dense.comparison.reporting', None)


@pytest.fixture
def request_of(tmp_path, monkeypatch):
    """A request on two configs whose runs are made by the fake scripts."""
    plan, options = fake_plan(tmp_path)
    monkeypatch.setattr(command, 'RunOptions', lambda **given: RunOptions(**{**given, 'tools': options.tools}))

    def make(**options):
        configs = [model.config for model in plan.models]
        return Request(**{'configs': configs, 'seeds': [0, 1], 'out': tmp_path / 'out', 'command': ['x'], **options})

    return make


def test_runs_are_made_and_reported(parts, request_of, tmp_path):
    seen = {}

    def measured(configs, *, out, device, precision, checkpoints):
        seen.update(configs=configs, out=out, precision=precision, checkpoints=checkpoints)
        return {'a': ModelCosts(
            parameters=1, macs=2, backbone_parameters=1, backbone_macs=1, image_size=(1, 2), device='d', precision='p',
        )}  # fmt: skip

    parts['measure_costs'] = measured
    assert compare(request_of(title='Mine')) == 0
    assert list(seen['configs']) == ['a', 'b']
    assert seen['configs']['a'].model.backbone.type == 'a'
    assert seen['precision'] == 'fp32'
    assert seen['checkpoints']['a'] == tmp_path / 'out' / 'runs' / 'a' / 'seed_0' / 'iter_5.pth'
    text = (tmp_path / 'out' / 'report.md').read_text()
    assert "title='Mine'" in text
    assert text.count('RunRecord(') == 4
    assert 'ModelCosts(parameters=1, macs=2' in text
    assert len((tmp_path / 'out' / 'results.jsonl').read_text().splitlines()) == 4
    assert len((tmp_path / 'out' / 'results.csv').read_text().splitlines()) == 5


def test_a_wrong_published_name_is_told_before_any_run(parts, request_of, tmp_path):
    with pytest.raises(ValueError, match='swin_giant'):
        compare(request_of(published=['swin_giant']))
    assert not (tmp_path / 'out').exists()


def test_a_failed_run_is_in_the_report_and_in_the_exit_code(parts, request_of, tmp_path, capsys):
    config = tmp_path / 'configs' / 'a.py'
    config.write_text(f"{config.read_text()}\nfails = 'training'")
    assert compare(request_of()) == 1
    assert (tmp_path / 'out' / 'report.html').read_text().count("state='failed'") == 2
    assert 'the loss is a pumpkin' in capsys.readouterr().err
    rows = [json.loads(line) for line in (tmp_path / 'out' / 'results.jsonl').read_text().splitlines()]
    assert sorted((row['name'], row['state']) for row in rows) == [
        ('a', 'failed'), ('a', 'failed'), ('b', 'finished'), ('b', 'finished'),
    ]  # fmt: skip


@pytest.mark.parametrize('part', ['measure_costs', 'disagreements', 'receptive_field_pictures'])
def test_a_part_that_fails_is_a_note(parts, request_of, tmp_path, part):
    def fail(*given, **named):
        raise RuntimeError('no ink')

    parts[part] = fail
    assert compare(request_of(receptive_fields=True)) == 0
    for name in ('report.md', 'report.html'):
        assert 'could not be had: RuntimeError: no ink' in (tmp_path / 'out' / name).read_text()


def test_statistics_that_fail_are_no_note(parts, request_of, tmp_path):
    def fail(*given, **named):
        raise ValueError('images do not fit together')

    parts['summarise'] = fail
    with pytest.raises(ValueError, match='images do not fit together'):
        compare(request_of())
    assert not (tmp_path / 'out' / 'report.md').exists()


def test_a_dry_run_makes_nothing(request_of, tmp_path, capsys):
    assert compare(request_of(dry_run=True)) == 0
    out = capsys.readouterr().out
    assert out.count('to run') == 4
    assert '4 runs; time: unknown' in out
    assert not (tmp_path / 'out').exists()


def test_runs_of_elsewhere_join_and_others_than_they_are_noted(parts, request_of, tmp_path):
    first = request_of(seeds=[0])
    assert compare(first) == 0
    here = [tmp_path / 'out' / 'runs' / name / 'seed_0' for name in ('a', 'b')]
    again = Request(collect=here, out=tmp_path / 'second', command=['x'])
    assert compare(again) == 0
    assert (tmp_path / 'second' / 'report.md').read_text().count("state='finished'") == 2
    with pytest.raises(ValueError, match='a seed 0, b seed 0 would be in the comparison twice'):
        compare(request_of(seeds=[0], collect=here))


def test_without_anything_to_compare_it_says_so(tmp_path):
    with pytest.raises(ValueError, match='nothing to compare'):
        compare(Request(out=tmp_path))


def test_the_tool_refuses_other_recipes_in_one_paragraph(tmp_path):
    configs = write_configs(tmp_path, ['a', 'b'])
    Path(configs[1]).write_text(Path(configs[1]).read_text().replace('=5', '=6'))
    words = [sys.executable, str(ROOT / 'tools' / 'compare.py'), *configs, '--out', str(tmp_path / 'out')]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, 'OMP_NUM_THREADS': '1'})
    assert done.returncode == 2
    assert '--allow train_cfg.max_iters' in done.stderr
    assert 'Traceback' not in done.stderr
