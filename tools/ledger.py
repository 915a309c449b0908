"""Write docs/reproduction.md: every published result with a config, what to expect, and what was trained."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from swin_dense.engine.errors import run_tool
from swin_dense.reproduction.ledger import write_ledger

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = """examples:
  python tools/ledger.py            write the document; a minute, as each model is counted
  python tools/ledger.py --check    exit code 1 where it is not what would be written
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--check', action='store_true', help='compare, and write nothing')
    given = parser.parse_args()
    return run_tool(lambda: write_ledger(ROOT, check=given.check))


if __name__ == '__main__':
    sys.exit(main())
