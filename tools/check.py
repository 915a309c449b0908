"""Find wrong configs and wrong data before training: python tools/check.py CONFIG. The work is in swin_dense.checks."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.checks.command import check
from swin_dense.engine.arguments import ConfigChanges
from swin_dense.engine.errors import run_tool

EXAMPLES = """
examples:
  python tools/check.py CONFIG                                   seconds; training and testing begin with the same
  python tools/check.py CONFIG --level full                      every file, a batch in pictures, a step, a validation
  python tools/check.py CONFIG --fix-report fixes.jsonl          every single place to mend, a line each
  python tools/check.py CONFIG --level full --overfit 50         and 50 steps on one batch
  python tools/check.py CONFIG --cfg-options train_dataloader.batch_size=4

Exit code: 0 without errors (there may be warnings), 1 with errors.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of the config file')
    parser.add_argument(
        '--level', choices=('quick', 'full'), default='quick', help='how thoroughly (default: %(default)s)'
    )
    parser.add_argument('--work-dir', help='of the run that is to come (default: work_dirs/NAME OF THE CONFIG)')
    parser.add_argument('--out', metavar='DIR', help='for report.json and pictures (default: check in the work dir)')
    parser.add_argument(
        '--overfit',
        type=int,
        default=0,
        metavar='STEPS',
        help='at level full: steps on one batch; its loss has to fall',
    )
    parser.add_argument('--fix-report', metavar='FILE', help='write every place to mend, a line of JSON each')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigChanges, metavar='KEY=VALUE', help='change values of the config'
    )
    arguments = parser.parse_args()
    return run_tool(
        lambda: check(
            arguments.config,
            depth=arguments.level,
            out=arguments.out,
            fix_report=arguments.fix_report,
            overfit_steps=arguments.overfit,
            work_dir=arguments.work_dir,
            cfg_options=arguments.cfg_options,
        )
    )


if __name__ == '__main__':
    sys.exit(main())
