"""What backbones with stages (Swin, ShiftViT) do without, and what files of their trunk alone do not have."""

import re

from swin_dense.checkpoints.layouts.layout import Names, State, has
from swin_dense.checkpoints.layouts.values import COMPUTED


def ignored_of_dense(name: str, own: Names, present: Names) -> str:
    """Computed tables, and what belongs to levels that a backbone does not return."""
    if COMPUTED.search(name):
        return 'computed, not loaded'
    last = max((int(found[1]) for key in own if (found := re.match(r'layers\.(\d+)\.', key))), default=-1)
    if found := re.match(r'layers\.(\d+)\.(downsample\.)?', name):
        stage, merging = int(found[1]), found[2] is not None
        if (stage > last >= 0) or (stage == last and merging and _has_stage(present, last + 1)):
            return f'stages after layers.{last} are not built for these out_indices'
    if (found := re.match(r'norm(\d+)\.', name)) and _has_stage(present, int(found[1])):
        return 'output norm of a level that is not in out_indices'
    return ''


def ignored_of_classifier(name: str, own: Names, present: Names) -> str:
    """And the end of a classifier."""
    if re.match(r'head\.', name):
        return 'classification head'
    if re.match(r'norm\.', name):
        return 'norm before the classification head, which no output level has'
    if name == 'mask_token':
        return 'token of masked pretraining'
    return ignored_of_dense(name, own, present)


def missing_of_trunk(name: str, present: Names) -> str:
    """Output norms, where a file has none at all: it is of a classifier, or was converted from one's."""
    norms = re.compile(r'norm\d+\.')
    if norms.match(name) and not any(norms.match(other) for other in present):
        return 'the file has no output norms; they start from scratch'
    return ''


def _has_stage(present: Names, stage: int) -> bool:
    block = f'layers.{stage}.blocks.0'
    return f'{block}.norm2.weight' in present or f'{block}.norm2.norm.weight' in present  # ShiftViT's batch norm


def is_of_own_classifier(names: Names, beside: Names) -> bool:
    """Whether a file is of `ImageClassifier`, whose backbone has the norm before the head as that of its last level."""
    norms = {found[1] for name in names if (found := re.match(r'norm(\d+)\.', name))}
    return len(norms) == 1 and has(beside, r'(.*\.)?cls_head\.fc_cls\.')


def with_plain_final_norm(state: State) -> State:
    """The norm of the one level there is, as classifiers call it: `norm`."""
    return {re.sub(r'^norm\d+\.', 'norm.', name): value for name, value in state.items()}
