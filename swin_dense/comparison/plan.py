"""Which runs a comparison is made of: every config with every seed, under one recipe for each task."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from swin_dense.comparison.recipes import Difference, differences, refuse_other_recipes
from swin_dense.comparison.tasks import task_of
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.config_options import RUNNER_KEYS, merge_options
from swin_dense.engine.fingerprints import recipe_fingerprint, shared_recipe
from swin_dense.engine.settings import load_config, recipe
from swin_dense.engine.training import use_autocast
from swin_dense.quiet import quieter


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """A config of a comparison.

    Attributes:
        name: unique: the stem of the file, with folders before it where two stems are equal.
        config: path of the file.
        cfg: what it resolves to, with the options of the command.
        values: those of `cfg` that decide on the result, as plain values; under autocast where that is asked for.
        tested: fingerprint of the recipe as the test reads it, which knows nothing of autocast.
        task: `detection`, `segmentation` or `classification`.
    """

    name: str
    config: str
    cfg: Config
    values: dict[str, Any]
    tested: str
    task: str

    @property
    def identity(self) -> dict[str, Any]:
        """What a finished run must have been made with to be one of this config."""
        return {**shared_recipe(self.values), 'model': self.values.get('model')}


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A config with a seed, its work dir, autocast in training if any, and the number of its processes."""

    model: PlannedModel
    seed: int
    folder: Path
    amp: str | None = None
    processes: int = 1

    @property
    def title(self) -> str:
        return f'{self.model.name} seed {self.seed}'


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run, in this order."""

    models: Sequence[PlannedModel]
    runs: Sequence[PlannedRun]


def make_plan(
    configs: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    *,
    allowed: Sequence[str] = (),
    cfg_options: dict[str, Any] | None = None,
    amp: str | None = None,
    processes: int = 1,
) -> Plan:
    """Read the configs and see that those of one task have one recipe.

    The runs go seed by seed, so that a comparison that is stopped early has some of each model.

    Raises:
        ValueError: a config or a seed is given twice, or recipes differ in what is not in `allowed`.
    """
    if twice := [seed for seed, count in Counter(seeds).items() if count > 1]:
        raise ValueError(f'--seeds: {", ".join(map(str, twice))} is given more than once; a seed makes one run.')
    models = [_read(name, path, cfg_options, amp) for name, path in unique_names(configs).items()]
    for names, found in recipe_differences([(model.name, model.task, model.values) for model in models], allowed):
        refuse_other_recipes(found, names)
    runs = [
        PlannedRun(
            model=model, seed=seed, folder=out / 'runs' / model.name / f'seed_{seed}', amp=amp, processes=processes
        )
        for seed in seeds
        for model in models
    ]
    return Plan(models=models, runs=runs)


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


def recipe_differences(
    recipes: Sequence[tuple[str, str, Mapping[str, Any]]], allowed: Sequence[str]
) -> list[tuple[list[str], list[Difference]]]:
    """For each task the names of its configs, and what their recipes do not have in common.

    Args:
        recipes: (name, task, values of the config).
    """
    tasks: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for name, task, values in recipes:
        tasks.setdefault(task, []).append((name, values))
    return [
        ([name for name, _ in those], differences([shared_recipe(values) for _, values in those], allowed))
        for those in tasks.values()
    ]


def _read(name: str, path: str, cfg_options: dict[str, Any] | None, amp: str | None) -> PlannedModel:
    with quieter(logging.INFO):  # mmengine logs every variable of the environment that a config names
        cfg = load_config(path)
    merge_options(cfg, cfg_options)
    fill_classes(cfg)
    tested = recipe_fingerprint(recipe(cfg, RUNNER_KEYS))
    if amp is not None:
        use_autocast(cfg, amp)
    values = recipe(cfg, RUNNER_KEYS)
    task = task_of(values.get('model'))
    return PlannedModel(name=name, config=path, cfg=cfg, values=values, tested=tested, task=task)
