"""Whether the data is still what finished and begun runs were made with."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from swin_dense.checks.isolation import silent
from swin_dense.comparison.plan import Plan
from swin_dense.comparison.run_commands import RESULTS
from swin_dense.engine.checkpoint_files import newest_checkpoint, read_meta
from swin_dense.engine.fingerprints import data_fingerprint
from swin_dense.engine.settings import restored_scope

_TRAINING, _TEST = 'train_dataloader', 'test_dataloader'


def refuse_changed_data(plan: Plan) -> None:
    """Refuse to go on with, or to report, runs of data that is now other data. Without such runs, nothing is read.

    Raises:
        ValueError: a fingerprint is another one than now.
    """
    now: dict[str, str | None] = {}
    for run in plan.runs:
        for loader, told in _told(run.folder):
            dataset = (run.model.cfg.get(loader) or {}).get('dataset')
            if dataset is None:
                continue
            key = json.dumps([run.model.cfg.get('default_scope'), dataset], default=str)
            if key not in now:
                now[key] = _fingerprint(run.model.cfg, dataset)
            if now[key] is not None and told != now[key]:
                raise ValueError(
                    f'{run.folder} holds a run with other data than {loader}.dataset has now: fingerprint {told}, now '
                    f'{now[key]} (classes, annotations, names and sizes of images). Bring the data back, choose '
                    'another --out, or delete that folder to run it again.'
                )


def _told(folder: Path) -> Iterator[tuple[str, str | None]]:
    """(loader, fingerprint) of what a run was made with, as far as it is."""
    results = _read(folder / RESULTS)
    if results:
        yield _TEST, (results.get('protocol') or {}).get('data_fingerprint')
        yield _TRAINING, results.get('trained_data_fingerprint')
    elif folder.is_dir() and (newest := newest_checkpoint(folder)) is not None:
        yield _TRAINING, read_meta(newest).get('data_fingerprint')


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _fingerprint(cfg: Config, dataset: Mapping[str, Any]) -> str | None:
    """Of the data as it is now; None where it cannot be read, which whoever needs it will say."""
    with restored_scope(), silent(), DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        try:
            return data_fingerprint(DATASETS.build(Config(dict(dataset))._cfg_dict))
        except (OSError, ValueError, KeyError):
            return None
