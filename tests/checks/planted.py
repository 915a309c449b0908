"""Faults planted into the demo configs and data, one change each, and what the checks have to say of them."""

import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from mmengine.config import Config

from swin_dense.checks.command import find_faults, try_run
from swin_dense.checks.findings import Depth, Finding
from swin_dense.datasets.demo import DemoRecipe, make_demo_data
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.settings import load_config, restored_scope
from swin_dense.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
LEAVES = {'detection': 'mask_rcnn_swin_demo.py', 'segmentation': 'upernet_swin_demo.py'}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One change of a sound config or data set.

    Attributes:
        name: of the test, and of the row in docs/faults.md: what a user did.
        task: whose demo is changed.
        data: changes the files in the folder of the task's data (`annotations/instances_train.json`, ...).
        config: text that a config inheriting from the demo's has.
        rule, where: of the finding; `where` is part of `file: key`.
        says: words that message, cases or remedy have.
        depth: the quickest level that finds it.
        level: of the finding.
        in_trial: whether only a trial of training finds it.
        silent: what is wrong with the result where plain mmdet or mmseg say nothing, for docs/faults.md.
    """

    name: str
    task: str
    rule: str
    where: str
    says: tuple[str, ...]
    data: Callable[[Path], None] | None = None
    config: str = ''
    depth: Depth = 'quick'
    level: str = 'error'
    silent: str = ''
    in_trial: bool = False


def make_sound_data(folder: Path) -> None:
    """Write a small demo data set that has no fault: `folder`/data/{detection,segmentation}."""
    make_demo_data(folder / 'data', DemoRecipe(num_train=24, num_val=8))
    # the segmentor's checkpoint, whose backbone the demo's detector starts from
    backbone = MODELS.build(load_config(ROOT / 'configs' / '_base_' / 'backbones' / 'swin_demo.py').backbone)
    (folder / 'segmentation').mkdir()
    weights = {f'backbone.{name}': value for name, value in backbone.state_dict().items()}
    torch.save({'state_dict': weights}, folder / 'segmentation' / 'iter_300.pth')


def planted_config(fault: Fault, folder: Path) -> Config:
    """Change the data that lies in `folder`/data (a copy of its own), and give the changed config."""
    if fault.data:
        fault.data(folder / 'data' / fault.task)
    path = folder / 'planted.py'
    path.write_text(f"_base_ = ['{ROOT / 'configs' / 'demo' / LEAVES[fault.task]}']\n{fault.config}\n")
    with patch.dict(os.environ, {'SWIN_DENSE_DEMO': str(folder)}):
        return load_config(path)


def matching(fault: Fault, found: list[Finding]) -> list[Finding]:
    return [each for each in found if each.level == fault.level and each.rule == fault.rule and _fits(fault, each)]


def _fits(fault: Fault, finding: Finding) -> bool:
    text = ' '.join([finding.message, finding.remedy, *(f'{c.file} {c.key} {c.value} {c.fix}' for c in finding.cases)])
    return fault.where in f'{finding.file}: {finding.key}' and all(word in text for word in fault.says)


def find(fault: Fault, folder: Path) -> list[Finding]:
    """What tools/check.py finds."""
    cfg = planted_config(fault, folder)
    fill_classes(cfg)
    with restored_scope():
        found = list(find_faults(cfg, depth=fault.depth))
        if fault.in_trial and not any(finding.level == 'error' for finding in found):
            found += try_run(cfg, folder / 'check', overfit_steps=0, work_dir=folder / 'run')
    return found


def edited_json(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change an annotation file by a function of its content."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def all_faults() -> list[Fault]:
    """The faults of all tables beside this file, `faults_*.py`."""
    tables = sorted(path.stem for path in Path(__file__).parent.glob('faults_*.py'))
    return [fault for table in tables for fault in importlib.import_module(f'tests.checks.{table}').FAULTS]
