"""Print one table of result files: python tools/summarize.py RESULTS.json [RESULTS.json ...]."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

from swin_dense.engine.errors import run_tool
from swin_dense.engine.results_table import results_table

EXAMPLES = """
examples:
  python tools/summarize.py demo/detection/results.json demo/segmentation/results.json
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('results', nargs='+', type=Path, help='files that tools/test.py --out wrote')
    arguments = parser.parse_args()
    return run_tool(lambda: _print(results_table(arguments.results)))


def _print(text: str) -> int:
    print(text)
    return 0


if __name__ == '__main__':
    sys.exit(main())
