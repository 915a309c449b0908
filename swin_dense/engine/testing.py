"""The work of `tools/test.py`."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process

from swin_dense.checkpoints.digests import digest
from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.publishing import AVERAGED, TRAINED, told_kind
from swin_dense.checks.command import refuse_faults
from swin_dense.engine.atomic import write_text
from swin_dense.engine.checkpoint_files import newest_checkpoint, read_meta, trained_classes
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.config_options import RUNNER_KEYS, merge_options
from swin_dense.engine.exact_data import describe_source
from swin_dense.engine.fingerprints import data_fingerprint, recipe_fingerprint
from swin_dense.engine.launch import find_launcher, process_group
from swin_dense.engine.per_image import keep_per_image, save_per_image
from swin_dense.engine.settings import load_config, recipe, recipe_hash, restored_scope
from swin_dense.engine.start_log import device_name, versions
from swin_dense.engine.states import bare
from swin_dense.engine.training import runner_class

_TRAINING = ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'auto_scale_lr')
_VALIDATION = ('val_dataloader', 'val_cfg', 'val_evaluator')


def evaluate(
    config: str,
    checkpoint: str,
    *,
    out: str | None = None,
    launcher: str | None = None,
    cfg_options: dict[str, Any] | None = None,
    skip_checks: bool = False,
    per_image: str | None = None,
) -> int:
    """Evaluate `checkpoint` on the test set of `config`, print the metrics, write them to `out`; gives the exit code.

    The checkpoint has to fit the model exactly; a work dir stands for the newest one in it. `skip_checks` leaves out
    the quick checks of config and data. `per_image` is a folder for what the metrics found in each image; it is whole
    before `out` is written.
    """
    cfg = load_config(config)
    merge_options(cfg, cfg_options)
    checkpoint = _checkpoint_file(checkpoint)
    trained = trained_classes(read_meta(checkpoint))
    fill_classes(cfg, known=trained)
    cfg.launcher = find_launcher(launcher)
    values = recipe(cfg, RUNNER_KEYS)  # before what testing does not need is taken out
    identity = {'config_hash': recipe_hash(values), 'recipe_fingerprint': recipe_fingerprint(values)}
    for key in (*_TRAINING, *_VALIDATION):
        cfg[key] = None
    if per_image is not None:
        keep_per_image(cfg)
    cfg.load_from, cfg.resume = checkpoint, False
    cfg.work_dir = str(Path(out or checkpoint).resolve().parent / 'test')
    with restored_scope(), process_group(cfg.launcher):
        notes = [] if skip_checks else refuse_faults(cfg, splits=('test',))
        runner = runner_class(cfg).from_cfg(cfg)
        for note in notes:
            runner.logger.warning(note)
        _compare_classes(runner.test_dataloader.dataset, trained, checkpoint)
        start = time.monotonic()
        metrics = runner.test()
        seconds = time.monotonic() - start
        if is_main_process():
            if per_image is not None:
                save_per_image(runner.test_loop.evaluator, per_image)
            results = {'config': config, **identity, **_results(runner, checkpoint, metrics, seconds)}
            if out is not None:
                write_text(out, json.dumps(results, indent=1, allow_nan=False) + '\n')
            print(_table(results, out))
    return 0


def _compare_classes(dataset: Any, trained: Sequence[str], checkpoint: str) -> None:
    """Refuse a test set whose numbers mean other classes than the checkpoint's: the score would be of neither."""
    own = tuple((getattr(dataset, 'metainfo', None) or {}).get('classes') or ())
    if trained and own and tuple(trained) != own:
        raise ValueError(
            f'{checkpoint} was trained on the classes {", ".join(trained)}; the test set has {", ".join(own)}. Give '
            'the test set the same list in the same order (metainfo.classes), or leave its list out.'
        )


def _checkpoint_file(checkpoint: str) -> str:
    """The file itself, or the newest whole checkpoint of a work dir."""
    path = local_file(checkpoint)
    found = newest_checkpoint(path) if path.is_dir() else path
    if found is None:
        raise FileNotFoundError(f'the folder {checkpoint!r} holds no whole checkpoint of a training run')
    if not found.is_file():
        raise FileNotFoundError(f'there is no checkpoint {checkpoint!r} (looked from {Path.cwd()})')
    return str(found)


def _results(runner: Any, checkpoint: str, metrics: dict, seconds: float) -> dict:
    loader = runner.test_dataloader
    dataset, meta = loader.dataset, runner._loaded['meta']
    return {
        'checkpoint': checkpoint,
        'checkpoint_sha256': digest(Path(checkpoint)),
        'weights': told_kind(runner._loaded) or (AVERAGED if 'ema_state_dict' in runner._loaded else TRAINED),
        'trained_iterations': meta.get('iter'),
        'trained_config_hash': meta.get('config_hash'),
        'trained_recipe_fingerprint': meta.get('recipe_fingerprint'),
        'trained_processes': meta.get('world_size'),
        'trained_data_fingerprint': meta.get('data_fingerprint'),
        'seed': meta.get('seed'),
        'metrics': {name: _number(value) for name, value in metrics.items()},
        'protocol': {
            'samples': len(dataset),
            'classes': list((getattr(dataset, 'metainfo', None) or {}).get('classes') or ()),
            'annotations': describe_source(dataset),
            'data_fingerprint': data_fingerprint(dataset),
            'batch_size': loader.batch_size,
            'processes': runner.world_size,
            'device': device_name(bare(runner.model)),
            'test_cfg': _plain_test_cfg(runner.cfg),
        },
        'seconds': round(seconds, 1),
        'date': time.strftime('%Y-%m-%d %H:%M:%S'),
        'versions': versions(),
    }


def _plain_test_cfg(cfg: Config) -> Any:
    model = cfg.get('model', {})
    if 'module' in model:  # several views of each image
        test_cfg = {'around': model.get('type'), **(model.module.get('test_cfg') or {})}
    else:
        test_cfg = model.get('test_cfg')
    return json.loads(json.dumps(test_cfg, default=str))


def _number(value: Any) -> float | str | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None


def _table(results: dict, out: str | None) -> str:
    values = {n: v for n, v in results['metrics'].items() if isinstance(v, float) and n not in ('time', 'data_time')}
    width = max(map(len, values), default=0)
    rows = [f'  {name:<{width}}  {value:.4f}' for name, value in values.items()]
    head = f'{results["checkpoint"]} on {results["protocol"]["samples"]} samples in {results["seconds"]} s'
    return '\n'.join([head, *rows, *([f'written to {out}'] if out else [])])
