"""The start log: one screen that says what is trained, with what, on what. Details are in files of the work dir."""

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook

import swin_dense
from swin_dense.engine.exact_data import describe_source
from swin_dense.engine.schedule_notes import schedule_notes
from swin_dense.engine.settings import changes
from swin_dense.engine.states import bare
from swin_dense.registry import HOOKS
from swin_dense.version import __version__

# the distributions of one library have two names: of the maintained fork and of the original
LIBRARIES = {
    'mmengine': ('onedl-mmengine', 'mmengine'),
    'mmcv': ('onedl-mmcv', 'mmcv', 'mmcv-lite'),
    'mmdet': ('onedl-mmdetection', 'mmdet'),
    'mmseg': ('onedl-mmsegmentation', 'mmsegmentation'),
}
_SHOWN_CHANGES = 12
_SHOWN_CLASSES = 5
_SHOWN_GROUPS = 12  # more, as with layer decay: the first and the last half


def versions() -> dict[str, str]:
    """Give the versions of what a result depends on."""
    found = {'swin_dense': __version__, 'python': platform.python_version(), 'torch': str(torch.__version__)}
    for library, distributions in LIBRARIES.items():
        for distribution in distributions:
            try:
                found[library] = metadata.version(distribution)
                break
            except metadata.PackageNotFoundError:
                continue
    return found


def device_name(model: torch.nn.Module) -> str:
    """Name the device that a model is on."""
    device = next(model.parameters()).device
    if device.type == 'cuda':
        return f'{torch.cuda.get_device_name(device)} (CUDA {torch.version.cuda})'
    return f'{device.type}, {torch.get_num_threads()} threads'


@HOOKS.register_module()
class StartLogHook(Hook):
    """Writes the start log before the first iteration."""

    priority = 'LOWEST'

    def before_train(self, runner: Any) -> None:
        runner.logger.info('\n' + '\n'.join(start_log(runner)))


def start_log(runner: Any) -> Iterator[str]:
    found = versions()
    package = Path(swin_dense.__file__).parent
    yield _line('versions', ', '.join(f'{name} {version}' for name, version in found.items() if name != 'swin_dense'))
    yield _line('swin_dense', f'{found["swin_dense"]} from {package}')
    for name in runner.cfg.get('custom_imports', {}).get('imports', ()):
        yield _line('plug-in', f'{name} from {getattr(sys.modules.get(name), "__file__", "(not imported)")}')
    yield _line('device', f'{runner.world_size} x {device_name(bare(runner.model))}')
    yield _line('config', f'{runner.cfg.filename or "(none)"}, hash {runner.config_hash}, seed {runner.seed}')
    yield _line('work dir', runner.work_dir)
    yield from _data(runner)
    yield from _batch(runner)
    yield from _groups(runner)
    yield _line('weights', '; '.join(_sources(runner)))
    length = len(runner.train_loop.dataloader)
    disagreements = schedule_notes(runner.cfg.get('param_scheduler'), runner.cfg.train_cfg, length)
    for note in (*runner.notes, *disagreements):
        yield _line('note', note)
    yield from _resumed(runner)


def _line(label: str, text: str) -> str:
    return f'{label:<11} {text}'


def _data(runner: Any) -> Iterator[str]:
    loaders = {'train': runner.train_dataloader}
    if runner.val_loop is not None:
        loaders['val'] = runner.val_dataloader
    for name, loader in loaders.items():
        dataset = loader.dataset
        classes = (getattr(dataset, 'metainfo', None) or {}).get('classes') or ()
        names = ', '.join(classes[:_SHOWN_CLASSES]) + (', ...' if len(classes) > _SHOWN_CLASSES else '')
        yield _line(name, f'{len(dataset):,} samples, {len(classes)} classes ({names}), {describe_source(dataset)}')


def _batch(runner: Any) -> Iterator[str]:
    loop, loader = runner.train_loop, runner.train_dataloader
    per_process, accumulated = loader.batch_sampler.batch_size, runner.optim_wrapper._accumulative_counts
    yield _line(
        'batch',
        f'{runner.effective_batch} = {runner.world_size} processes x {per_process} samples x {accumulated} accumulated',
    )
    epochs = f'{loop.max_epochs} epochs x {len(loader):,} = ' if runner.by_epoch else ''
    yield _line('iterations', f'{epochs}{loop.max_iters:,}')
    yield _line('lr', runner.lr_statement)


def _groups(runner: Any) -> Iterator[str]:
    if not hasattr(runner.optim_wrapper, 'optimizer'):
        return
    for line in group_table(runner.optim_wrapper.optimizer.param_groups):
        yield _line('', line)
    if frozen := sum(p.numel() for p in runner.model.parameters() if not p.requires_grad):
        yield _line('', _group_row('frozen, in no group', '', '', '', f'{frozen:,}'))


def group_table(groups: list[dict[str, Any]]) -> Iterator[str]:
    """Give an optimiser's groups, a line each, and their sum; of many, the first and the last."""
    yield _group_row('group', 'lr', 'decay', 'tensors', 'parameters')
    sizes = [sum(parameter.numel() for parameter in group['params']) for group in groups]
    left_out = range(_SHOWN_GROUPS // 2, len(groups) - _SHOWN_GROUPS // 2) if len(groups) > _SHOWN_GROUPS else range(0)
    for number, (group, size) in enumerate(zip(groups, sizes, strict=True)):
        if number in left_out:
            if number == left_out[0]:
                yield f'... {len(left_out)} more'
            continue
        # before the first step the schedule has its warm-up factor in `lr`
        rate, decay = group.get('initial_lr', group['lr']), group.get('weight_decay', 0)
        name = group.get('name', f'group {number}')
        yield _group_row(name, f'{rate:.4g}', f'{decay:g}', f'{len(group["params"]):,}', f'{size:,}')
    yield _group_row('all', '', '', f'{sum(len(group["params"]) for group in groups):,}', f'{sum(sizes):,}')


def _group_row(name: str, rate: str, decay: str, tensors: str, size: str) -> str:
    return f'{name:<24} {rate:>10} {decay:>8} {tensors:>8} {size:>14}'


def _sources(runner: Any) -> Iterator[str]:
    if runner.load_report:
        yield runner.load_report
        return
    found: list[Any] = [getattr(module, 'load_report', None) for module in bare(runner.model).modules()]
    reports = [report for report in found if report is not None]
    yield from (report.summary for report in reports)
    # parts of mmdet and mmseg load their own way, and report nothing
    checkpoints = [] if reports else sorted(set(_init_checkpoints(runner.cfg.get('model', {}))))
    yield from (f'init_cfg {checkpoint}' for checkpoint in checkpoints)
    if not reports and not checkpoints:
        yield 'initialised at random'


def _init_checkpoints(cfg: Any) -> Iterator[str]:
    if isinstance(cfg, dict):
        init = cfg.get('init_cfg')
        if isinstance(init, dict) and init.get('checkpoint'):
            yield str(init['checkpoint'])
        for value in cfg.values():
            yield from _init_checkpoints(value)
    elif isinstance(cfg, (list, tuple)):
        for item in cfg:
            yield from _init_checkpoints(item)


def _resumed(runner: Any) -> Iterator[str]:
    if not runner.resumed_meta:
        return
    yield _line('resumed', f'after iteration {runner.iter:,} of {runner.max_iters:,}, in epoch {runner.epoch + 1}')
    old = runner.resumed_meta.get('recipe')
    lines = changes(old, runner.recipe) if old else []
    for line in lines[:_SHOWN_CHANGES]:
        yield _line('changed', line)
    if len(lines) > _SHOWN_CHANGES:
        yield _line('changed', f'and {len(lines) - _SHOWN_CHANGES} more')
    if any(line.startswith(('optim_wrapper', 'param_scheduler')) for line in lines):
        yield _line('', 'learning rates, weight decay and the state of schedules go on as in the checkpoint')
