"""Published results that a config of this package stands for, and what was trained of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from swin_dense.comparison.published import published_results
from swin_dense.comparison.results import PublishedRow

TRAINED = 'trained.yaml'
_SEVERAL_SCALES = '_ms_flip'
# metric of a published result -> its name in results.json, and factor to percent
METRICS = {
    'bbox_mAP': ('coco/bbox_mAP', 100),
    'segm_mAP': ('coco/segm_mAP', 100),
    'mIoU': ('mIoU', 1),
    'mIoU_ms': ('mIoU', 1),
    'top1': ('acc/top1', 1),
    'top5': ('acc/top5', 1),
}


@dataclass(frozen=True)
class Trained:
    """A training of a config: `value` in percent of the first metric of its row."""

    config: str
    value: float
    commit: str
    seed: int
    hardware: str


@dataclass(frozen=True)
class LedgerRow:
    """Attributes:

    name: `name@source` of the published result; with `_ms_flip` before the @ where it is of a test at several scales.
    config: path below the folder of configs.
    expected: metric -> percent, the first one decides.
    published: all that is known of the result.
    trained: of this config, the newest last.
    """

    name: str
    config: str
    expected: Mapping[str, float]
    published: PublishedRow
    trained: tuple[Trained, ...] = ()

    @property
    def task(self) -> str:
        metric = next(iter(self.expected))
        return {'b': 'COCO', 's': 'COCO', 'm': 'ADE20K'}.get(
            metric[0], 'ImageNet-1K' if Path(self.config).stem.startswith('classifier') else 'Videos'
        )


def ledger_rows(configs: Path) -> list[LedgerRow]:
    """All, in the order of the files of published results.

    Args:
        configs: the folder `configs` of a checkout; `trained.yaml` in it says what was trained.
    """
    paths = {path.stem: str(path.relative_to(configs)) for path in sorted(configs.rglob('*.py'))}
    trained = read_trained(configs / TRAINED, set(paths.values()))
    rows = []
    for name, published in published_results().items():
        stem, _, source = name.partition('@')
        plain = {metric: value for metric, value in published.metrics.items() if not metric.endswith('_ms')}
        several = {metric: value for metric, value in published.metrics.items() if metric == 'mIoU_ms'}
        for key, expected in ((stem, plain), (stem + _SEVERAL_SCALES, several)):
            if expected and (config := paths.get(key)):
                found = tuple(each for each in trained if each.config == config)
                rows.append(LedgerRow(f'{key}@{source}', config, expected, published, found))
    return rows


def read_trained(path: Path, configs: set[str]) -> list[Trained]:
    """What was trained; raises ValueError for a row that a stranger could not repeat."""
    if not path.is_file():
        return []
    content: Sequence[Mapping[str, Any]] = yaml.safe_load(path.read_text(encoding='utf-8')) or []
    found = []
    for number, row in enumerate(content):
        where = f'{path}, row {number + 1}'
        fields = set(Trained.__dataclass_fields__)
        if set(row) != fields:
            raise ValueError(f'{where} has {sorted(row)}; each has {sorted(fields)}.')
        if row['config'] not in configs:
            raise ValueError(f'{where}: there is no config {row["config"]!r}.')
        if not re.fullmatch('[0-9a-f]{7,40}', str(row['commit'])):
            raise ValueError(f'{where}: commit {row["commit"]!r} is no hash of a commit; write it in quotes.')
        if not isinstance(row['seed'], int) or not isinstance(row['value'], (int, float)):
            raise ValueError(f'{where}: seed is a whole number and value a number; got {row["seed"]}, {row["value"]}.')
        found.append(Trained(**row))
    return found
