"""The work of `tools/check.py`, and the checks that training and testing start with."""

from collections.abc import Callable, Iterator, Sequence

from mmengine.config import Config

from swin_dense.checks.dataset_configs import SPLITS
from swin_dense.checks.findings import Depth, Finding

# (config, splits, depth) -> findings
Check = Callable[[Config, Sequence[str], Depth], Iterator[Finding]]
CHECKS: tuple[Check, ...] = ()


def find_faults(cfg: Config, *, splits: Sequence[str] = SPLITS, depth: Depth = 'quick') -> Iterator[Finding]:
    """Run all checks of a config and of the data sets of `splits` that it names."""
    for check in CHECKS:
        yield from check(cfg, splits, depth)
