"""Parameters and multiply-adds against those in papers and READMEs: parameters within 1 %, multiply-adds within 2 %.

A figure that is published in whole millions is met, too, by what rounds to it: 19.6 M are published as 20 M. With what
the papers' tools count besides products, every figure is met to 0.1 % or its last digit: see `papers_counter`.
Each row is in the tables of docs/costs.md.
"""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn

from swin_dense.costs import build_model, closed_form_macs, count_costs, count_macs
from tests.costs.papers_counter import papers_macs
from tests.costs.published_costs import CLASSIFIERS, MODELS, UNMET

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / 'docs' / 'costs.md'
PARAMETERS, MACS = 0.01, 0.02
CLASSES = 1000


def assert_parameters(count, published):
    millions = count / 1e6
    rounded = round(millions, 2 if isinstance(published, float) else None)
    assert rounded == published or abs(millions - published) <= PARAMETERS * published


def assert_documented(name, published, parameters, macs, *more):
    """The line of a table in the document: published and ours of both, the difference of multiply-adds, more."""
    difference = f'{100 * (macs / 1e9 / published.macs_g - 1):+.1f} %'
    figures = [
        f'{published.parameters_m} M',
        f'{parameters / 1e6:.2f} M',
        f'{published.macs_g} G',
        f'{macs / 1e9:.2f} G',
    ]
    line = f'| {" | ".join([name, *figures, difference, *more])} |'
    assert line in DOCUMENT.read_text().splitlines(), line


def counted(config, size):
    model = build_model(Config.fromfile(ROOT / 'configs' / f'{config}.py'), 'meta')
    parts = count_costs(model, size)
    return model, sum(part.parameters for part in parts), sum(part.macs or 0 for part in parts)


@pytest.mark.parametrize('row', CLASSIFIERS, ids=lambda row: row.name)
def test_classifiers(row):
    """The norm of the last level is the final norm; a linear layer of its mean is the head."""
    backbone = build_model(Config({'backbone': row.backbone}), 'meta')
    (part,) = count_costs(backbone, (row.side, row.side))
    assert part.macs == closed_form_macs(row.backbone, (row.side, row.side))
    with torch.device('meta'):
        head = nn.Linear(backbone.out_channels[0], CLASSES)
        _, head_macs = count_macs(head, torch.empty(1, backbone.out_channels[0]))
    parameters = part.parameters + sum(parameter.numel() for parameter in head.parameters())
    macs = part.macs + head_macs
    assert_parameters(parameters, row.published.parameters_m)
    assert row.parameters in (None, parameters)
    assert macs / 1e9 == pytest.approx(row.published.macs_g, rel=MACS)
    assert_documented(f'{row.name}, {row.side} x {row.side}', row.published, parameters, macs)


@pytest.mark.parametrize('row', MODELS, ids=lambda row: row.config)
def test_models(row):
    model, parameters, macs = counted(row.config, row.size)
    published = row.published
    assert_parameters(parameters, published.parameters_m)
    assert macs / 1e9 == pytest.approx(published.macs_g, rel=MACS)

    papers = papers_macs(model, torch.empty(1, 3, *row.size, device='meta')).total() / 1e9
    if not row.another_model:
        assert papers == pytest.approx(published.macs_g, rel=0.001, abs=0.51)
    assert_documented(f'`{row.config}`', published, parameters, macs, f'{papers:.2f} G')


@pytest.mark.parametrize('row', UNMET, ids=lambda row: row.config)
def test_rows_that_are_not_met(row):
    _, parameters, macs = counted(row.config, row.size)
    assert parameters / 1e6 == pytest.approx(row.parameters_m, abs=0.01)
    assert macs / 1e9 == pytest.approx(row.macs_g, abs=0.01)
    assert_documented(f'`{row.config}`', row.published, parameters, macs)


def test_upernet_with_swin_large_as_others_counted_it():
    """2468 G: ConvNeXt, arXiv 2201.03545v2, table 4; InternImage, arXiv 2211.05778, table 5; at 640 x 2560."""
    model, _, _ = counted(UNMET[0].config, UNMET[0].size)
    kinds = papers_macs(model, torch.empty(1, 3, *UNMET[0].size, device='meta'))
    every = kinds.total() / 1e9
    without_attention = every - kinds['attention'] / 1e9
    assert without_attention == pytest.approx(2468, abs=0.5)
    assert f'{every:.2f} G, and {without_attention:.2f} G without the products' in DOCUMENT.read_text()
