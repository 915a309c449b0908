"""Compare backbones: python tools/compare.py CONFIG... --out DIR. The work is in swin_dense.comparison."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.comparison.command import Request, compare
from swin_dense.comparison.run_commands import LAUNCHERS
from swin_dense.engine.arguments import ConfigChanges
from swin_dense.engine.errors import run_tool

EXAMPLES = """
examples:
  python tools/compare.py configs/demo/comparison/upernet_*.py --out comparison --allow model.neck
  python tools/compare.py CONFIG... --seeds 0 1 2 --out DIR --dry-run      what would run, and how long
  python tools/compare.py CONFIG... --out DIR --jobs 2                     the same again goes on after a stop
  python tools/compare.py CONFIG... --out DIR --gpus-per-run 4             torchrun for each run
  python tools/compare.py CONFIG... --out DIR --launcher slurm --jobs 4    in an allocation: a step for each run
  python tools/compare.py --collect work_dirs/a work_dirs/b --out DIR      runs that were tested with --per-image

Exit code: 0; 1 where a run failed (the report is written all the same); 2 for a fault of the command or its configs;
130 after Ctrl-C.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('configs', nargs='*', metavar='CONFIG', help='they may differ in their backbone alone, within a task')
    add('--seeds', nargs='+', type=int, default=[0, 1, 2], help='each config is trained with each (default: 0 1 2)')
    add('--out', type=Path, required=True, metavar='DIR', help='for runs, rows and reports')
    add('--allow', nargs='+', default=[], metavar='KEY', help='let configs differ here; the report says so')
    add('--jobs', type=int, help='runs at once (default: one for each of the GPUs, else 1)')
    add('--gpus-per-run', type=int, default=1, metavar='K', help='processes of a run (default: 1)')
    add('--launcher', choices=LAUNCHERS, default='none', help='what starts the processes of a run (default: none)')
    add('--dry-run', action='store_true', help='list the runs, their state and time, and end')
    add('--collect', nargs='+', type=Path, default=[], metavar='RUN_DIR', help='add runs that were made elsewhere')
    add('--published', nargs='+', default=[], metavar='NAME', help='published results to show; a wrong one lists all')
    add('--receptive-fields', action='store_true', help='draw effective receptive fields')
    add('--no-costs', action='store_true', help='leave out MACs, latency and memory')
    add('--device', help='for costs (default: cuda where there is one, else cpu)')
    add('--amp', choices=('bf16', 'fp16'), help='train under autocast; costs are measured so, too')
    add('--title', default=Request.title, help='of the report')
    add('--skip-checks', action='store_true', help='start runs without the quick checks of config and data')
    add('--cfg-options', nargs='+', action=ConfigChanges, metavar='KEY=VALUE', help='change values in all configs')
    given = parser.parse_args()
    options = {key: value for key, value in vars(given).items() if key not in ('allow', 'no_costs')}
    request = Request(**options, allowed=given.allow, costs=not given.no_costs, command=['python', *sys.argv])
    return run_tool(lambda: compare(request))


if __name__ == '__main__':
    sys.exit(main())
