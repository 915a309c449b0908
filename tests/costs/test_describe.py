"""tools/describe.py: tables, JSON, sweeps, plots, errors."""

import json
from pathlib import Path

import pytest

from swin_dense.costs.description import describe
from swin_dense.costs.models import build_model, usual_size
from swin_dense.engine.settings import load_config
from tests.costs.test_parts import BACKBONE, detector, standard_heads
from tests.engine.forked import Forked

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'describe.py'


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'small_detector.py'
    detector(**standard_heads()).dump(path)
    return str(path)


@pytest.fixture
def five_runs(monkeypatch):
    monkeypatch.setattr('swin_dense.costs.measurement.MAX_RUNS', 5)


@pytest.fixture
def backbone(tmp_path):
    path = tmp_path / 'small_backbone.py'
    path.write_text(f'backbone = {BACKBONE}\n')
    return str(path)


def run(*words, cwd=ROOT):
    return Forked(TOOL, *words, cwd=cwd).wait()


def test_table(config):
    """From another folder, a row a part and a total that is their sum."""
    result = run(config, '--shape', '64', '96', cwd='/')
    assert result.returncode == 0, result.stderr
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.startswith('  ')}
    parts = ['backbone', 'neck', 'rpn_head', 'roi_head.bbox_head', 'roi_head.mask_head']
    assert list(rows) == ['part', *parts, 'total']
    for column in range(3):
        assert sum(float(rows[part][column]) for part in parts) == pytest.approx(float(rows['total'][column]), abs=0.03)
    assert '1000 boxes, 100 masks' in result.stdout
    assert 'counted twice' in result.stdout
    assert 'ms' not in result.stdout.split('MACs:')[0]


def test_json(config, five_runs):
    result = run(config, '--shape', '64', '96', '--latency', '--device', 'cpu', '--json')
    assert result.returncode == 0, result.stderr
    (line,) = result.stdout.splitlines()
    found = json.loads(line)
    (size,) = found['sizes']
    assert (size['height'], size['width']) == (64, 96)
    assert sum(part['macs'] for part in size['parts']) == size['macs'] == size['flops'] // 2
    assert sum(part['parameters'] for part in size['parts']) == found['parameters']
    assert size['backbone_macs_by_formula'] == size['parts'][0]['macs']
    assert {part['group'] for part in size['parts']} == {'backbone', 'neck', 'heads'}
    assert set(size['measured']) == {'parts', 'total', 'peak_memory_bytes'}
    assert size['measured']['total']['median_ms'] > 0
    assert found['device'].startswith('cpu')


def test_sweep_and_plot(config, backbone, tmp_path, capsys):
    plot = tmp_path / 'plots' / 'sweep.png'
    assert describe([config, backbone], sweep='224,64', plot=str(plot), as_json=True) == 0
    detectors, backbones = (json.loads(line)['sizes'] for line in capsys.readouterr().out.splitlines())
    assert [size['height'] for size in detectors] == [size['width'] for size in backbones] == [64, 224]
    assert detectors[1]['parts'][0]['macs'] == backbones[1]['macs']
    assert plot.read_bytes().startswith(b'\x89PNG')

    describe([backbone], sweep='64,224')
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if ' x ' in line]
    assert [row[:3] for row in rows] == [['64', 'x', '64'], ['224', 'x', '224']]
    assert [float(row[3]) for row in rows] == [round(size['macs'] / 1e9, 2) for size in backbones]


def test_table_with_latency(config, five_runs, capsys):
    describe([config], shape=(64, 96), latency=True, device='cpu')
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith('  ')}
    assert rows['roi_align'][:3] == ['-', '-', '-']
    assert all(float(row[-1]) > 0 for name, row in rows.items() if name != 'part')
    assert 'peak memory' in out


def test_options(backbone, config, capsys):
    describe([backbone], cfg_options={'backbone.out_indices': (0, 1)}, as_json=True)
    describe([config], cfg_options={'model.neck.out_channels': 16}, shape=(64, 64), as_json=True)
    cut, _ = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    whole = sum(parameter.numel() for parameter in build_model(load_config(backbone), 'meta').parameters())
    assert cut['parameters'] < whole / 4


@pytest.mark.parametrize(
    ('name', 'size'),
    [
        ('swin/mask_rcnn_swin_tiny_coco_1x', (800, 1280)),
        ('swin/upernet_swin_tiny_ade20k_160k', (512, 2048)),
        ('swin/upernet_swin_base_22k_ade20k_640_160k', (640, 2560)),
        ('_base_/backbones/swin_tiny', (224, 224)),
    ],
)
def test_usual_sizes(name, size):
    assert usual_size(load_config(ROOT / 'configs' / f'{name}.py')) == size


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'shape': (0, 5)}, 'at least 1; got 0 5'),
        ({'sweep': '224'}, '--sweep is two or more'),
        ({'sweep': '224,big'}, "got '224,big'"),
        ({'sweep': '64,96', 'shape': (64, 64)}, 'exclude each other'),
        ({'plot': 'a.png'}, '--plot shows a sweep'),
        ({'sweep': '64,96', 'plot': 'a.jpg'}, 'writes .png or .svg'),
        ({'device': 'cpu'}, 'use it with --latency'),
        ({'device': 'gpu', 'latency': True}, 'cpu, cuda or cuda:NUMBER'),
        ({'cfg_options': {'backbone.windowsize': 3}}, "unexpected keyword argument 'windowsize'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_errors(backbone, options, message, capsys):
    with pytest.raises((ValueError, TypeError), match=message):
        describe([backbone], **options)
    assert capsys.readouterr().out == ''  # before anything was printed


def test_a_config_without_a_model(tmp_path):
    (tmp_path / 'data.py').write_text('data_root = 1\n')
    result = run(tmp_path / 'data.py')
    assert result.returncode == 2
    assert 'neither a model nor a backbone' in result.stderr
    assert 'Traceback' not in result.stderr


def test_help_has_examples():
    result = run('--help')
    assert result.returncode == 0
    assert 'examples:' in result.stdout
    assert '--sweep 224,448,896' in result.stdout


def test_counters_that_differ_stop_the_tool(backbone, monkeypatch, capsys):
    """A formula without the padding of windows, for example."""
    monkeypatch.setattr('swin_dense.costs.closed_form.padded_extent', lambda extent, window_size: extent)
    with pytest.raises(AssertionError, match='by formula'):
        describe([backbone], shape=(65, 96))
    assert capsys.readouterr().out == ''


def test_a_config_of_several_views_is_that_of_its_model():
    leaf = ROOT / 'configs/swin/upernet_swin_tiny_ade20k_160k.py'
    found = []
    for path in (leaf, leaf.with_name(f'{leaf.stem}_ms_flip.py')):
        result = run(path, '--shape', '64', '96', '--json')
        assert result.returncode == 0, result.stderr
        found.append(json.loads(result.stdout)['sizes'])
    assert found[0] == found[1]
