"""Whether published weights, tested with this package on the user's data, give the published number."""

import difflib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from swin_dense.checkpoints.classifiers import load_classifier
from swin_dense.checkpoints.download import local_file
from swin_dense.costs.models import build_model
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.config_options import merge_options
from swin_dense.engine.settings import load_config
from swin_dense.engine.testing import evaluate
from swin_dense.reproduction.rows import METRICS, LedgerRow, ledger_rows

WITHIN, OUTSIDE = 0, 1
# in percent: half a digit of what is published, and what another decoder or resizing of pictures makes; on COCO and
# ADE20K sources of one set of weights differ by as much
TOLERANCES = {'top1': 0.1, 'top5': 0.1, 'bbox_mAP': 0.1, 'segm_mAP': 0.1, 'mIoU': 0.15, 'mIoU_ms': 0.15}


@dataclass(frozen=True)
class Outcome:
    """Of one metric, in percent."""

    metric: str
    published: float
    found: float | None
    tolerance: float

    @property
    def is_within(self) -> bool:
        return self.found is not None and abs(self.found - self.published) <= self.tolerance + 1e-9

    def __str__(self) -> str:
        if self.found is None:
            return f'{self.metric}: published {self.published:g}, and the test gave none'
        word = 'within' if self.is_within else 'OUTSIDE'
        return (
            f'{self.metric}: published {self.published:g}, found {self.found:.2f}, {word} {self.tolerance:g} '
            f'(difference {self.found - self.published:+.2f})'
        )


def find_row(name: str, configs: Path) -> LedgerRow:
    """The row of a name, of a config (by its stem or path), or of published weights.

    Raises:
        ValueError: there is none, or none with weights.
    """
    rows = ledger_rows(configs)
    stem = Path(name).stem if name.endswith('.py') else name
    found = [row for row in rows if stem in (row.name, Path(row.config).stem, row.published.weights)]
    if not found:
        known = {
            each for row in rows if row.published.weights
            for each in (row.name, Path(row.config).stem, row.published.weights)
        }  # fmt: skip
        close = difflib.get_close_matches(stem, sorted(known), n=3)
        meant = f' Did you mean {" or ".join(close)}?' if close else ''
        raise ValueError(
            f'no row of docs/reproduction.md is called {name!r}, and none has a config or weights of that name.{meant} '
            '--list shows those with weights.'
        )
    return next((row for row in found if row.published.weights), found[0])


def verify(
    row: LedgerRow,
    configs: Path,
    *,
    checkpoint: str | None = None,
    data_root: str | None = None,
    out: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    tolerances: Mapping[str, float] = TOLERANCES,
) -> int:
    """Test the row's weights on its test set, print what came out; gives 0 within the tolerance, 1 outside.

    Args:
        checkpoint: of these weights where they lie; None: downloaded, with its checksum, or taken from the cache.
        data_root: of the test set; None: as the config says.
        out: for what the test and this wrote.

    Raises:
        ValueError: there are no published weights, or they are not of this model.
        OSError: weights or data are not there.
    """
    source = checkpoint or row.published.weights
    if not source:
        raise ValueError(
            f'{row.name} has no published weights. Give --checkpoint, a file of weights that should have these numbers.'
        )
    config, options = str(configs / row.config), dict(cfg_options or {})
    if data_root is not None:
        options['test_dataloader.dataset.data_root'] = data_root
    with tempfile.TemporaryDirectory() as folder:
        results = Path(out or Path(folder, 'results.json'))
        weights = prepared_weights(config, source, Path(folder), options)
        evaluate(config, str(weights), out=str(results), cfg_options=options or None)
        content = json.loads(results.read_text())
    outcomes = compared(row, content['metrics'], tolerances)
    print(f'{row.name}: {row.published.model}, {row.published.recipe} ({row.published.source})')
    print(f'weights: {source}; {content["protocol"]["samples"]} samples')
    print('\n'.join(f'  {outcome}' for outcome in outcomes))
    return WITHIN if all(outcome.is_within for outcome in outcomes) else OUTSIDE


def compared(row: LedgerRow, metrics: Mapping[str, Any], tolerances: Mapping[str, float]) -> list[Outcome]:
    """Each published metric beside what a test gave."""
    outcomes = []
    for metric, published in row.expected.items():
        key, factor = METRICS[metric]
        found = metrics.get(key)
        outcomes.append(Outcome(metric, published, None if found is None else found * factor, tolerances[metric]))
    return outcomes


def prepared_weights(config: str, source: str, folder: Path, options: Mapping[str, Any]) -> Path:
    """A file that `tools/test.py` takes: published classifiers have other names, and no number of the whole model.

    Detectors, segmentors and recognisers of videos are renamed when they are loaded.
    """
    path = local_file(source)
    cfg = load_config(config)
    merge_options(cfg, dict(options))
    fill_classes(cfg)
    if cfg.model.get('type') != 'swin_dense.ImageClassifier':
        return path
    cfg.model.init_cfg = None
    model: nn.Module = build_model(cfg, 'cpu')
    load_classifier(model, str(path))
    prepared = folder / f'{path.stem}.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, prepared)
    return prepared
