"""The ledger: all configs that have a published result, its numbers, and nothing that was not trained."""

import re
from pathlib import Path

import pytest
import yaml

from swin_dense.comparison.published import published_results
from swin_dense.engine.settings import load_config
from swin_dense.reproduction.effort import effort_of
from swin_dense.reproduction.ledger import DOCUMENT, ledger_text
from swin_dense.reproduction.rows import METRICS, ledger_rows, read_trained
from tests.configs.recipes import CONFIGS, find_leaves

ROOT = CONFIGS.parent
ROWS = ledger_rows(CONFIGS)


def test_every_config_with_a_published_result_has_a_row():
    stems = {Path(leaf).name for leaf in find_leaves()}
    published = {name.partition('@')[0] for name, row in published_results().items()
                 if any(not metric.endswith('_ms') for metric in row.metrics)}  # fmt: skip
    assert {Path(row.config).stem for row in ROWS if not row.config.endswith('_ms_flip.py')} == published & stems
    assert len(ROWS) > 90
    assert {row.task for row in ROWS} == {'COCO', 'ADE20K', 'ImageNet-1K', 'Videos'}
    for row in ROWS:
        assert (CONFIGS / row.config).is_file()
        assert row.expected.keys() <= METRICS.keys()


def test_classifiers_and_recognisers_of_the_papers_are_there():
    stems = {Path(row.config).stem for row in ROWS}
    for leaf in find_leaves():
        name = Path(leaf).name
        if name.startswith('recogniser_') and '/ablations/' not in leaf and not leaf.startswith('demo/'):
            assert name in stems
        if name.startswith('classifier_swin_') and '/ablations/' not in leaf and not leaf.startswith('demo/'):
            assert name in stems


def test_the_document_has_the_rows():
    text = (ROOT / DOCUMENT).read_text()
    found = re.findall(r'^\| `(\S+)` \| (.+?) \| `(\S+)` \| .* \| (not trained|[\d.]+ \(.*\)) \|$', text, re.MULTILINE)
    expected = [
        (row.name, ', '.join(f'{metric} {value:g}' for metric, value in row.expected.items()), row.config)
        for row in ROWS
    ]
    assert sorted(each[:3] for each in found) == sorted(expected)
    assert {status for *_, status in found} == {'not trained'}  # nothing has been


def test_a_few_rows_are_what_would_be_written(monkeypatch):
    few = [row for row in ROWS if row.name in (
        'classifier_deit_small_imagenet1k_300_epochs@deit',
        'classifier_shift_vit_tiny_pixels0_imagenet1k_300_epochs@notes_classes',
    )]  # fmt: skip
    monkeypatch.setattr('swin_dense.reproduction.ledger.ledger_rows', lambda configs: few)
    written = [line for line in ledger_text(ROOT).splitlines() if line.startswith('| `')]
    assert len(written) == len(few) == 2
    assert set(written) <= set((ROOT / DOCUMENT).read_text().splitlines())


def test_effort_is_the_formula():
    cfg = load_config(str(CONFIGS / 'vit/classifier_deit_small_imagenet1k_300_epochs.py'))
    effort = effort_of(cfg, 'classifier_deit_small_imagenet1k_300_epochs')
    assert effort.samples == 300 * 1_281_167
    assert effort.iterations == -(-effort.samples // 1024)
    macs = 4.6e9  # published
    assert effort.hours == pytest.approx(6 * macs * effort.samples / (8 * 0.35 * 312e12) / 3600, rel=0.01)


def test_what_was_trained_has_to_be_repeatable(tmp_path):
    path = tmp_path / 'trained.yaml'
    row = {'config': 'a.py', 'value': 81.2, 'commit': '0123abc', 'seed': 0, 'hardware': '8 x A100'}

    def read(**changes):
        path.write_text(yaml.safe_dump([{**row, **changes}]))
        return read_trained(path, {'a.py'})

    assert read()[0].value == 81.2
    for changes, message in (
        ({'config': 'b.py'}, "there is no config 'b.py'"),
        ({'commit': 'main'}, "commit 'main' is no hash"),
        ({'seed': '0'}, 'seed is a whole number'),
        ({'value': '81'}, 'value a number'),
        ({'note': 'x'}, r'row 1 has .*note'),
    ):
        with pytest.raises(ValueError, match=message):
            read(**changes)
    assert read_trained(CONFIGS / 'trained.yaml', set()) == []
