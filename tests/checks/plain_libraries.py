"""What users of mmengine, mmdet and mmseg alone get from each planted fault: docs/faults.md is written from this.

    python -m tests.checks.plain_libraries --write docs/faults.md

Each fault is planted into the same small demo data and config, in which every part of this package is exchanged for
the one of mmdet, mmseg or mmengine (their Runner, data sets, Swin, hooks, metrics), and trained for one pass over the
data with a validation at its end, in a process of its own.
"""

import argparse
import contextlib
import io
import json
import logging
import multiprocessing
import os
import re
import shutil
import tempfile
import traceback
import warnings
from pathlib import Path
from queue import Empty
from typing import Any

import torch

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.engine.atomic import write_text
from tests.checks.planted import Fault, all_faults, find, make_sound_data, matching, planted_config

_TYPES = {
    'swin_dense.CocoDataset': 'CocoDataset',
    'swin_dense.SegmentationDataset': 'BaseSegDataset',
    'swin_dense.IterTrainLoop': 'IterBasedTrainLoop',
    'swin_dense.EpochTrainLoop': 'EpochBasedTrainLoop',
    'swin_dense.OptimWrapper': 'OptimWrapper',
    'swin_dense.CheckpointHook': 'CheckpointHook',
}
_ITERATIONS = {'detection': 3, 'segmentation': 2}  # 24 images in batches of 8 and 16
_SECONDS = 240
_NO_ERROR = 'no error'
_HEAD = """# Wrong configs and wrong data: what plain mmdet and mmseg say, and what `tools/check.py` says

{count} mistakes, each one change of the sound demo data or config. In the middle: mmengine, mmdet and mmseg alone, with
their own runner, data sets, backbone and metrics, trained for one pass over 24 images with a validation at its end.
{silent} of the {count} raise nothing there: they train, to the wrong thing or to nothing. On the right: the finding
here, before a model is built. Findings marked *full* are those of `--level full`.

Written by `python -m tests.checks.plain_libraries --write docs/faults.md`; the same mistakes are planted by
`tests/checks/test_planted_faults.py`.
"""


def plain(node: Any) -> Any:
    """The config node with the types of mmengine, mmdet and mmseg in the place of this package's."""
    if isinstance(node, (list, tuple)):
        return type(node)(plain(item) for item in node)
    if not isinstance(node, dict):
        return node
    values = {key: plain(value) for key, value in node.items()}
    kind = values.get('type')
    if kind == 'swin_dense.SwinTransformer':
        arch = values.pop('arch', {})
        # of another file: weights are not what is looked at, unless they are the fault
        if 'segmentation/iter' in str(values.get('init_cfg')):
            values['init_cfg'] = None
        values = {**(arch if isinstance(arch, dict) else {}), **values, 'type': 'SwinTransformer'}
        if 'num_frozen_stages' in values:
            values['frozen_stages'] = values.pop('num_frozen_stages')
    elif isinstance(kind, str) and kind.startswith('swin_dense.') and kind != 'swin_dense.CocoMetric':
        values['type'] = _TYPES.get(kind, kind.removeprefix('swin_dense.'))
    if kind == 'swin_dense.SegmentationDataset':
        for argument in ('label_map', 'mask_colors'):  # mmseg has nothing like them
            values.pop(argument, None)
    return values


def plain_config(fault: Fault, folder: Path) -> Any:
    from mmengine.config import Config

    values = plain(planted_config(fault, folder).to_dict())
    values.pop('runner_type', None)
    if (values.get('optim_wrapper') or {}).get('constructor') == 'swin_dense.ParameterGroups':
        del values['optim_wrapper']['constructor']
    values['custom_hooks'] = [hook for hook in values.get('custom_hooks') or () if hook.get('type') != 'OverlayHook']
    for split in ('val', 'test'):
        evaluator = values.get(f'{split}_evaluator')
        if isinstance(evaluator, dict) and evaluator.get('type') == 'swin_dense.CocoMetric':
            dataset = values[f'{split}_dataloader']['dataset']
            file = os.path.join(dataset.get('data_root', ''), dataset.get('ann_file', ''))
            values[f'{split}_evaluator'] = {'ann_file': file, **evaluator, 'type': 'CocoMetric'}
    for split in ('train', 'val', 'test'):
        loader = values.get(f'{split}_dataloader')
        if isinstance(loader, dict) and loader.get('num_workers') in (0, 1):  # as the demo and its variants have it
            loader['num_workers'] = 0
            loader.pop('persistent_workers', None)
    loop = values.get('train_cfg') or {}
    if loop.get('type') == 'IterBasedTrainLoop' and loop.get('max_iters') in (300, 400):
        loop.update(max_iters=_ITERATIONS[fault.task], val_interval=_ITERATIONS[fault.task])
    values.update(work_dir=str(folder / 'work'), visualizer=None, vis_backends=None, log_level='ERROR')
    return Config({key: value for key, value in values.items() if value is not None or key != 'visualizer'})


def run_plain(fault: Fault, folder: Path) -> str:
    """Train and validate; gives what a user sees: the last line of the traceback, or the metrics."""
    from mmengine.runner import Runner

    try:
        cfg = plain_config(fault, folder)
        runner = Runner.from_cfg(cfg)
        runner.train()
    except BaseException as error:
        return _last_line(error)
    found = runner.message_hub.log_scalars
    metrics = {
        key.split('/', 1)[1]: float(history.current()) for key, history in found.items() if key.startswith('val/')
    }
    shown = ', '.join(
        f'{key.split("/")[-1]} {value:.3g}' for key, value in metrics.items() if 'mAP' in key[-4:] or 'mIoU' in key
    )
    return f'{_NO_ERROR}{f" ({shown})" if shown else ""}'


def _last_line(error: BaseException) -> str:
    lines = [
        line.strip() for line in ''.join(traceback.format_exception_only(error)).strip().splitlines() if line.strip()
    ]
    text = ' '.join(lines)
    return text if len(text) <= 300 else f'{text[:297]}...'


def _in_process(fault: Fault, sound: Path, queue: Any) -> None:
    warnings.simplefilter('ignore')
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(sound, folder, dirs_exist_ok=True)
        os.environ.update(SWIN_DENSE_HOME=str(folder / 'home'), SWIN_DENSE_DEMO=str(folder))
        ours = matching(fault, find(fault, folder))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(sound, folder, dirs_exist_ok=True)
        os.environ['SWIN_DENSE_DEMO'] = str(folder)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            theirs = run_plain(fault, folder)
        queue.put(
            {
                'name': fault.name,
                'task': fault.task,
                'depth': fault.depth,
                'rule': fault.rule,
                'silent': fault.silent,
                'plain': _without_paths(theirs),
                'ours': _without_paths(ours[0].message) if ours else 'NOT FOUND',
                'remedy': _without_paths(ours[0].remedy) if ours else '',
                'key': _without_paths(ours[0].key or ours[0].file) if ours else '',
            }
        )


def _without_paths(text: str) -> str:
    text = re.sub(re.escape(tempfile.gettempdir()) + r'/tmp\w+/', '', text)
    root = re.escape(str(Path(__file__).resolve().parents[2]))
    return re.sub(rf' \(looked from {root}\)|{root}/', '', text)


def outcomes(names: list[str] | None = None) -> list[dict[str, str]]:
    context = multiprocessing.get_context('fork')
    found = []
    torch.set_num_threads(1)  # a pool of threads would be missing in the forks, which would wait for it
    with tempfile.TemporaryDirectory() as name:
        make_sound_data(Path(name))
        import mmseg.models  # noqa: F401 - before the forks, which share them

        for fault in all_faults():
            if names and fault.name not in names:
                continue
            queue = context.Queue()
            process = context.Process(target=_in_process, args=(fault, Path(name), queue))
            process.start()
            try:
                outcome = queue.get(timeout=_SECONDS)
            except Empty:
                raise RuntimeError(f'{fault.name}: no outcome in {_SECONDS} s') from None
            finally:
                process.terminate()
                process.join()
            print(json.dumps(outcome), flush=True)
            found.append(outcome)
    return found


def document(rows: list[dict[str, str]]) -> str:
    """docs/faults.md: a table for each task."""
    silent = sum(row['plain'].startswith(_NO_ERROR) for row in rows)
    lines = _HEAD.format(count=len(rows), silent=silent).splitlines()
    for task in dict.fromkeys(row['task'] for row in rows):
        lines += [
            '',
            f'## {task.capitalize()}',
            '',
            '| mistake | plain mmdet / mmseg | `tools/check.py` |',
            '|---|---|---|',
        ]
        lines += [_table_row(row) for row in rows if row['task'] == task]
    return '\n'.join(lines) + '\n'


def _table_row(row: dict[str, str]) -> str:
    theirs = row['plain'] if row['plain'].startswith(_NO_ERROR) else f'`{row["plain"]}`'
    theirs += f': {row["silent"]}' if row['silent'] and row['plain'].startswith(_NO_ERROR) else ''
    depth = ' *full*' if row['depth'] == 'full' else ''
    ours = f'**{row["rule"]}**{depth} `{row["key"]}` {row["ours"]} → {row["remedy"]}'
    return '| ' + ' | '.join(_cell(text) for text in (row['name'], theirs, ours)) + ' |'


def _cell(text: str) -> str:
    return ' '.join(text.split()).replace('|', '\\|').replace('<', '&lt;')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--write', metavar='FILE', help='write the document')
    parser.add_argument('names', nargs='*', help='faults (default: all)')
    arguments = parser.parse_args()
    rows = outcomes(arguments.names)
    if arguments.write:
        write_text(arguments.write, document(rows))
