"""Which runs may be ranked together: one recipe apart from what is allowed to differ, and one set of data."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swin_dense.comparison.plan import PlannedModel, recipe_differences
from swin_dense.comparison.recipes import difference_lines, unused_allowances
from swin_dense.engine.checkpoint_files import newest_checkpoint, read_meta
from swin_dense.engine.fingerprints import recipe_fingerprint, shared_recipe
from swin_dense.engine.settings import recipe_hash


def planned_recipe(results: Mapping[str, Any], model: PlannedModel, allowed: Sequence[str]) -> str:
    """Identify the recipe of a run of this comparison, apart from `allowed`.

    Raises:
        ValueError: the results are of another recipe than the config has now.
    """
    trained = recipe_fingerprint(model.values)
    if (results.get('trained_recipe_fingerprint'), results.get('recipe_fingerprint')) != (trained, model.tested):
        raise ValueError(
            f'results of {results["config"]} were made by the recipe {results.get("trained_recipe_fingerprint")} and '
            f'tested by {results.get("recipe_fingerprint")}; now the config says {trained} and {model.tested}. Take '
            'the change of the config back, or choose another --out.'
        )
    return _identified(model.values, allowed, results.get('trained_processes'))


def collected_recipe(results: Mapping[str, Any], values: Mapping[str, Any] | None, allowed: Sequence[str]) -> str:
    """Identify the recipe of a run that was made elsewhere.

    Args:
        values: of the config that it was trained with; None where that is not known, and nothing can be allowed.
    """
    trained, tested = results['trained_recipe_fingerprint'], results['recipe_fingerprint']
    if values is None:
        return f'{trained}-{tested}-{results.get("trained_processes")}'
    identified = _identified(values, allowed, results.get('trained_processes'))
    return identified if trained == tested else f'{identified}-{tested}'


def trained_values(folder: Path) -> dict[str, Any] | None:
    """Values of the config that the newest checkpoint of a work dir was trained with."""
    newest = newest_checkpoint(folder)
    return (read_meta(newest).get('recipe') or None) if newest else None


@dataclass(frozen=True)
class Told:
    """What differs, in lines: by permission, and where runs are therefore not ranked together."""

    allowed: Sequence[str]
    notes: Sequence[str]


def tell_differences(recipes: Sequence[tuple[str, str, Mapping[str, Any]]], allowed: Sequence[str]) -> Told:
    """Put the differences of all runs into words.

    Args:
        recipes: (name, task, values of the config).

    Raises:
        ValueError: `allowed` has what differs nowhere.
    """
    found = recipe_differences(recipes, allowed)
    if unused := unused_allowances([each for _, those in found for each in those], allowed):
        raise ValueError(
            f'--allow {" ".join(unused)}: the configs do not differ there. Leave it out, or correct the key.'
        )
    lines: dict[bool, list[str]] = {True: [], False: []}
    for names, those in found:
        for each in those:
            lines[each.allowed].append('\n'.join(line.strip() for line in difference_lines(each, names)))
    notes = [f'not ranked together, for they differ in {line}' for line in lines[False]]
    return Told(lines[True], notes)


def _identified(values: Mapping[str, Any], allowed: Sequence[str], processes: int | None) -> str:
    shared = shared_recipe(copy.deepcopy(dict(values)))
    for key in allowed:
        _take_out(shared, key.split('.'))
    return recipe_hash({'shared': shared, 'processes': processes})  # as many processes, as large a batch


def _take_out(node: Any, parts: Sequence[str]) -> None:
    first, *rest = parts
    if isinstance(node, dict) and first in node:
        if rest:
            _take_out(node[first], rest)
        else:
            del node[first]
    elif isinstance(node, list) and first.isdigit() and int(first) < len(node):
        if rest:
            _take_out(node[int(first)], rest)
        else:
            node[int(first)] = None
