"""The work of `tools/train.py`."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.registry import RUNNERS

from swin_dense.checks.command import refuse_faults
from swin_dense.engine.checkpoint_files import training_checkpoints
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.config_options import merge_options
from swin_dense.engine.interrupts import EXIT_CODE, Interrupted
from swin_dense.engine.launch import find_launcher, prepare_determinism, process_group
from swin_dense.engine.runner import Runner
from swin_dense.engine.settings import load_config, restored_scope


def train(
    config: str,
    *,
    work_dir: str | None = None,
    resume: str | bool = False,
    amp: str | None = None,
    compile_backbone: bool = False,
    seed: int | None = None,
    deterministic: bool = False,
    launcher: str | None = None,
    cfg_options: dict[str, Any] | None = None,
    skip_checks: bool = False,
) -> int:
    """Train `config`; gives the exit code: 0 when training is complete, 130 when it was interrupted and saved.

    `resume` is a path, or True for the newest whole checkpoint of the work dir (a fresh start where there is none).
    `skip_checks` leaves out the quick checks of config and data that a run starts with.
    """
    cfg = load_config(config)
    merge_options(cfg, cfg_options)
    fill_classes(cfg)
    cfg.launcher = find_launcher(launcher)
    cfg.work_dir = work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(config).stem)
    cfg.randomness = _randomness(cfg, seed, deterministic)
    cfg.resume = bool(resume)
    if isinstance(resume, str):
        cfg.load_from = resume
    elif resume:
        cfg.load_from = None
    if amp is not None:
        use_autocast(cfg, amp)
    if compile_backbone:
        cfg.compile = True
    if 'module' in (cfg.get('model') or {}):
        raise ValueError(
            f'{config} shows a model several views of an image, for tools/test.py. Train the config it names.'
        )
    _refuse_second_run(cfg)
    with restored_scope(), process_group(cfg.launcher):
        notes = [] if skip_checks else refuse_faults(cfg, splits=('train', 'val'))
        return _run(cfg, seed, notes)


def _randomness(cfg: Config, seed: int | None, deterministic: bool) -> dict:
    randomness = dict(cfg.get('randomness') or {'seed': None})
    if seed is not None:
        randomness['seed'] = seed
    if deterministic:
        randomness['deterministic'] = True
        prepare_determinism()
    return randomness


def use_autocast(cfg: Config, dtype: str) -> None:
    """Exchange the optimiser wrapper of a config by the one with autocast."""
    wrapper = cfg.optim_wrapper
    for key in ('loss_scale', 'use_fsdp'):  # of mmengine's AmpOptimWrapper
        wrapper.pop(key, None)
    wrapper.type, wrapper.dtype = 'swin_dense.AutocastOptimWrapper', dtype


def _refuse_second_run(cfg: Config) -> None:
    there = training_checkpoints(cfg.work_dir)
    if there and not cfg.resume:
        raise ValueError(
            f'{cfg.work_dir} holds a run already ({there[-1].name}). Add --resume to go on with it, choose another '
            '--work-dir, or delete it.'
        )


def _run(cfg: Config, seed: int | None, notes: Sequence[str]) -> int:
    runner = runner_class(cfg).from_cfg(cfg)
    runner.notes += notes
    if seed is not None and runner.seed != seed:
        raise ValueError(
            f'--seed {seed}: the run to go on with has seed {runner.seed}, and keeps it. Leave --seed out.'
        )
    if cfg.resume and not runner.cfg.resume:
        runner.notes.append(f'--resume: no checkpoint in {cfg.work_dir}, so training starts at the beginning')
    try:
        runner.train()
    except Interrupted as stop:
        runner.visualizer.close()
        if is_main_process():
            again = 'start the same command again with --resume' if cfg.launcher != 'none' else resume_command(sys.argv)
            print(f'\nstopped; everything is in {stop.checkpoint}\ngo on with: {again}', file=sys.stderr)
        return EXIT_CODE
    return 0


def runner_class(cfg: Config) -> type[Runner]:
    """Give the class that `runner_type` names: this package's, or one derived from it."""
    name = cfg.get('runner_type', 'swin_dense.Runner')
    found = RUNNERS.get(name)
    if not (isinstance(found, type) and issubclass(found, Runner)):
        raise ValueError(f'runner_type={name!r}: tools/train.py and tools/test.py need swin_dense.Runner or its child.')
    return found


def resume_command(arguments: Sequence[str]) -> str:
    """Give the command that goes on with the run that `arguments` started."""
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == '--resume':
            following = next(words, None)
            if following is not None and following.startswith('-'):
                kept.append(following)
        elif not word.startswith('--resume='):
            kept.append(word)
    return shlex.join(['python', kept[0], *_before_options(kept[1:])])


def _before_options(words: Sequence[str]) -> list[str]:
    # --cfg-options takes all words that follow: --resume goes before it
    place = words.index('--cfg-options') if '--cfg-options' in words else len(words)
    return [*words[:place], '--resume', *words[place:]]
