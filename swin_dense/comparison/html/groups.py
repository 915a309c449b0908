"""What belongs to which group: names for people, colours of models, runs and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swin_dense.comparison.results import Comparison, Curve, Group, RunRecord, ScoreTable

_WORDS = {'detection': 'Detection', 'segmentation': 'Segmentation', 'classification': 'Classification'}
_SIZES = {'s': 'small', 'm': 'medium', 'l': 'large'}
_KINDS = {'bbox': 'box', 'segm': 'mask'}
_OTHERS = {
    'Acc': 'accuracy',
    'mAcc': 'mean accuracy',
    'aAcc': 'pixel accuracy',
    'top1': 'top-1 accuracy',
    'top5': 'top-5 accuracy',
    'mean_class': 'mean class accuracy',
}


@dataclass(frozen=True)
class Named:
    """A group with a key for ids, unique in the page, and a title."""

    key: str
    title: str
    group: Group

    @property
    def headline(self) -> ScoreTable | None:
        return self.group.scores[0] if self.group.scores else None


def named_groups(comparison: Comparison) -> list[Named]:
    """Groups of one task are numbered; what they are is told with the conclusions."""
    tasks = [group.task for group in comparison.groups]
    return [
        Named(
            key=f'group-{number}',
            title=_WORDS.get(group.task, group.task)
            + (f', group {tasks[:number].count(group.task) + 1}' if tasks.count(group.task) > 1 else ''),
            group=group,
        )
        for number, group in enumerate(comparison.groups)
    ]


def score_words(score: str) -> str:
    """`segm_mAP_s` -> `mask mAP, small`; `IoU/wall` -> `IoU of wall`."""
    name, slash, of = score.partition('/')
    kind, _, rest = name.rpartition('coco/')[2].partition('_')
    if kind not in _KINDS:
        words = _OTHERS.get(name, name)
    else:
        base, _, detail = rest.partition('_')
        words = f'{_KINDS[kind]} {base}' + (f', {_SIZES[detail]}' if detail in _SIZES else f' {detail}').rstrip()
    return f'{words} of {of}' if slash else words


def is_in(run: RunRecord, group: Group) -> bool:
    return (run.task, run.recipe, run.data) == (group.task, group.recipe, group.data)


def curves_of(comparison: Comparison, group: Group) -> list[Curve]:
    """Of its runs, and of runs of its models that have no results."""
    belongs = {
        (run.name, run.seed)
        for run in comparison.runs
        if is_in(run, group) or (run.state != 'finished' and run.name in group.models)
    }
    return [curve for curve in comparison.curves if (curve.model, curve.seed) in belongs]


def without_group(comparison: Comparison) -> list[str]:
    """Models of which no run has results."""
    ranked = {name for group in comparison.groups for name in group.models}
    every: Mapping[str, None] = dict.fromkeys([*(run.name for run in comparison.runs), *comparison.costs])
    return [name for name in every if name not in ranked]


def listed_names(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return ' and '.join(part for part in (', '.join(names[:-1]), names[-1] if names else '') if part)
