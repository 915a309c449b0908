"""Which runs a comparison is made of: every config with every seed, under one recipe for each task."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from swin_dense.comparison.recipes import (
    difference_lines,
    differences,
    refuse_other_recipes,
    unused_allowances,
)
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.config_options import RUNNER_KEYS, merge_options
from swin_dense.engine.fingerprints import shared_recipe
from swin_dense.engine.settings import load_config, recipe, recipe_hash

DETECTION, SEGMENTATION = 'detection', 'segmentation'


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """A config of a comparison.

    Attributes:
        name: unique: the stem of the file, with folders before it where two stems are equal.
        config: path of the file.
        cfg: what it resolves to, with the options of the command.
        values: those of `cfg` that decide on the result, as plain values.
        task: `detection` or `segmentation`.
    """

    name: str
    config: str
    cfg: Config
    values: dict[str, Any]
    task: str

    @property
    def identity(self) -> dict[str, Any]:
        """What a finished run must have been made with to be one of this config."""
        return {**shared_recipe(self.values), 'model': self.values.get('model')}

    @property
    def config_hash(self) -> str:
        return recipe_hash(self.values)


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A config with a seed, the data type of autocast in training if any, and the work dir."""

    model: PlannedModel
    seed: int
    folder: Path
    amp: str | None = None

    @property
    def title(self) -> str:
        return f'{self.model.name} seed {self.seed}'


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run, and what differs by `--allow`, a line each."""

    models: Sequence[PlannedModel]
    runs: Sequence[PlannedRun]
    allowed: Sequence[str]


def make_plan(
    configs: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    *,
    allowed: Sequence[str] = (),
    cfg_options: dict[str, Any] | None = None,
    amp: str | None = None,
) -> Plan:
    """Read the configs and see that those of one task have one recipe.

    The runs go seed by seed, so that a comparison that is stopped early has some of each model.

    Raises:
        ValueError: a config or a seed is given twice, recipes differ in what is not in `allowed`, or `allowed` has what
            differs nowhere.
    """
    if twice := [seed for seed, count in Counter(seeds).items() if count > 1]:
        raise ValueError(f'--seeds: {", ".join(map(str, twice))} is given more than once; a seed makes one run.')
    models = [_read(name, path, cfg_options) for name, path in unique_names(configs).items()]
    lines = compare_recipes({model.name: model.values for model in models}, _tasks(models), allowed)
    runs = [
        PlannedRun(model=model, seed=seed, folder=out / 'runs' / model.name / f'seed_{seed}', amp=amp)
        for seed in seeds
        for model in models
    ]
    return Plan(models=models, runs=runs, allowed=lines)


def unique_names(configs: Sequence[str]) -> dict[str, str]:
    """Name -> path: the shortest ends of the paths that are different for all, `/` written as `-`."""
    paths = [Path(config).resolve().with_suffix('') for config in configs]
    if twice := [str(path) for path, count in Counter(paths).items() if count > 1]:
        raise ValueError(f'{", ".join(twice)} is given more than once; a comparison has each config once.')
    if not paths:
        return {}
    lengths = [1] * len(paths)
    for _ in range(max(len(path.parts) for path in paths)):
        names = ['-'.join(path.parts[-length:]) for path, length in zip(paths, lengths, strict=True)]
        counts = Counter(names)
        if max(counts.values()) == 1:
            return dict(zip(names, configs, strict=True))
        lengths = [
            length + (counts[name] > 1 and length < len(path.parts) - 1)
            for name, length, path in zip(names, lengths, paths, strict=True)
        ]
    raise ValueError(f'no different names can be made of {", ".join(configs)}: rename one of the files.')


def compare_recipes(
    values: Mapping[str, Mapping[str, Any]], tasks: Mapping[str, Sequence[str]], allowed: Sequence[str]
) -> list[str]:
    """Lines on what the recipes of one task do differently by permission; what is not permitted is a ValueError.

    Args:
        values: name -> values of the config.
        tasks: task -> names of its configs.
    """
    found, lines = [], []
    for names in tasks.values():
        others = differences([shared_recipe(values[name]) for name in names], allowed)
        refuse_other_recipes(others, names)
        found += others
        lines += [line for each in others for line in difference_lines(each, names)]
    if unused := unused_allowances(found, allowed):
        raise ValueError(
            f'--allow {" ".join(unused)}: the configs do not differ there. Leave it out, or correct the key.'
        )
    return lines


def task_of(model: Mapping[str, Any] | None) -> str:
    """The task of a model's config: those of mmseg have a decode head."""
    return SEGMENTATION if 'decode_head' in (model or {}) else DETECTION


def _tasks(models: Sequence[PlannedModel]) -> dict[str, list[str]]:
    tasks: dict[str, list[str]] = {}
    for model in models:
        tasks.setdefault(model.task, []).append(model.name)
    return tasks


def _read(name: str, path: str, cfg_options: dict[str, Any] | None) -> PlannedModel:
    cfg = load_config(path)
    merge_options(cfg, cfg_options)
    fill_classes(cfg)
    values = recipe(cfg, RUNNER_KEYS)
    return PlannedModel(name=name, config=path, cfg=cfg, values=values, task=task_of(values.get('model')))
