"""Our backbones against their peers: one run, taken in turn; medians of pairwise ratios with spread.

Swin-T against mmdet's and mmseg's, with the same weights; ShiftViT-T against a plain channels-first one with the same
weights, and against Swin-T, ours and mmdet's; Video Swin-T against a plain one with the same weights, and against
torchvision's, which works beside few builds of torch (--peers leaves it out).

examples:
  python benchmarks/backbones.py                                   everything, float32 and bf16 (a while on a CPU)
  python benchmarks/backbones.py --model shift_vit_tiny --modes inference --sizes 512x512 --dtypes float32 --rounds 9
  python benchmarks/backbones.py --model video_swin_tiny --peers plain_video_swin --sizes 32x224x224
  python benchmarks/backbones.py --device cuda --rounds 50 --out benchmarks/results/h200.jsonl
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.models import PEERS, build, copy_weights
from swin_dense.costs.measurement import ResidentPeak
from swin_dense.engine.start_log import versions
from swin_dense.layers.linear import product_dtypes

MODES = ('inference', 'training')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='swin_tiny', choices=PEERS)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--sizes', nargs='+', default=['512x512', '800x1344'], metavar='HxW', help='of videos TxHxW')
    parser.add_argument('--dtypes', nargs='+', default=['float32', 'bfloat16'], choices=['float32', 'bfloat16'])
    parser.add_argument('--modes', nargs='+', default=list(MODES), choices=MODES)
    parser.add_argument('--peers', nargs='+', help="default: all of the model's")
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=7, help='timed turns, after one that is not')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument(
        '--clock', choices=['wall', 'cpu'], default='wall', help="cpu: the process' own time, one thread"
    )
    parser.add_argument('--out', type=Path, help='append a JSON line for each row to this file')
    parser.add_argument('--memory-of', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if set(arguments.peers or ()) - set(PEERS[arguments.model]):
        parser.error(f'peers of {arguments.model} are {", ".join(PEERS[arguments.model])}')
    arguments.peers = arguments.peers or PEERS[arguments.model]
    if arguments.clock == 'cpu':
        arguments.threads = 1
    torch.set_num_threads(arguments.threads)
    if arguments.memory_of:
        print(measured_memory(arguments))
        return
    for mode in arguments.modes:
        for dtype in arguments.dtypes:
            for size in arguments.sizes:
                for row in compare(arguments, mode, dtype, size):
                    report(row, arguments.out)


def step(model: nn.Module, images: torch.Tensor, mode: str, dtype: str) -> Callable[[], tuple[torch.Tensor, ...]]:
    """One forward pass, or one forward and backward pass, as a function."""
    autocast = torch.autocast(images.device.type, torch.bfloat16, enabled=dtype == 'bfloat16')

    def inference() -> tuple[torch.Tensor, ...]:
        with torch.inference_mode(), autocast:
            return model(images)

    def training() -> tuple[torch.Tensor, ...]:
        model.zero_grad(set_to_none=True)
        with autocast:
            levels = model(images)
        torch.stack([level.float().square().mean() for level in levels]).sum().backward()
        return levels

    model.train(mode == 'training')
    return inference if mode == 'inference' else training


def compare(arguments: argparse.Namespace, mode: str, dtype: str, size: str) -> list[dict]:
    images = torch.randn(arguments.batch_size, 3, *map(int, size.split('x')), device=arguments.device)
    ours = build(arguments.model, arguments.device)
    models = {'ours': ours, **{name: build(name, arguments.device) for name in arguments.peers}}
    equal = [name for name in arguments.peers if copy_weights(ours, models[name])]
    steps = {name: step(model, images, mode, dtype) for name, model in models.items()}
    outputs = {name: steps[name]() for name in ('ours', *equal)} if mode == 'inference' else {}
    difference = largest_difference(outputs) if outputs else {}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(arguments.rounds + 1):
        for name, one in steps.items():
            seconds = timed(one, arguments)
            if turn:
                times[name].append(seconds)
    floor = gemm_seconds(ours, images, dtype, arguments) if mode == 'inference' else None
    rows = []
    for peer in arguments.peers:
        ratios = [theirs / mine for theirs, mine in zip(times[peer], times['ours'], strict=True)]
        rows.append(
            {
                'benchmark': 'backbones', 'model': arguments.model, 'peer': peer, 'mode': mode, 'dtype': dtype,
                'size': size, 'batch_size': arguments.batch_size, 'ratio_median': round(statistics.median(ratios), 3),
                'ratio_min': round(min(ratios), 3), 'ratio_max': round(max(ratios), 3), 'rounds': arguments.rounds,
                'ours_s': round(statistics.median(times['ours']), 4),
                'peer_s': round(statistics.median(times[peer]), 4),
                'gemm_share_of_ours': floor and round(floor / statistics.median(times['ours']), 3),
                'max_relative_difference': float(f'{difference[peer]:.2g}') if peer in difference else None,
                'ours_peak_mb': memory(arguments.model, arguments, mode, dtype, size),
                'peer_peak_mb': memory(peer, arguments, mode, dtype, size),
                **environment(arguments),
            }
        )  # fmt: skip
    return rows


def timed(one: Callable[[], object], arguments: argparse.Namespace) -> float:
    clock = time.process_time if arguments.clock == 'cpu' else time.perf_counter
    if arguments.device == 'cuda':
        torch.cuda.synchronize()
    start = clock()
    one()
    if arguments.device == 'cuda':
        torch.cuda.synchronize()
    return clock() - start


def largest_difference(levels: dict[str, tuple[torch.Tensor, ...]]) -> dict[str, float]:
    """Of each peer's outputs from ours, relative to the largest value of a level."""
    return {
        name: max(
            ((a.float() - b.float()).abs().max() / b.float().abs().max()).item()
            for a, b in zip(levels['ours'], theirs, strict=True)
        )
        for name, theirs in levels.items()
    }


def gemm_seconds(model: nn.Module, images: torch.Tensor, dtype: str, arguments: argparse.Namespace) -> float:
    """Time of the linear layers' products alone, each in one piece: what no arrangement of the rest can save."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=dtype == 'bfloat16'):
        multiplied = product_dtypes(images)[1]
    shapes: list[tuple[int, torch.Tensor]] = []
    original = F.linear

    def record(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        shapes.append((x.shape[:-1].numel(), weight))
        return original(x, weight, bias)

    F.linear = record  # type: ignore[assignment]
    try:
        step(model, images, 'inference', dtype)()
    finally:
        F.linear = original
    rows: dict[int, int] = {}  # tiles of one layer together
    for count, weight in shapes:
        rows[id(weight)] = rows.get(id(weight), 0) + count
    total = 0.0
    for weight in {id(weight): weight for _, weight in shapes}.values():
        x = torch.randn(rows[id(weight)], weight.shape[1], device=weight.device, dtype=multiplied)
        weight = weight.detach().to(multiplied)
        with torch.inference_mode():
            total += statistics.median(timed(lambda x=x, w=weight: x @ w.t(), arguments) for _ in range(3))
    return total


def memory(name: str, arguments: argparse.Namespace, mode: str, dtype: str, size: str) -> float:
    """Peak memory of a step over that of the loaded model, in MB, measured in a process of its own."""
    command = [
        sys.executable, __file__, '--memory-of', name, '--device', arguments.device, '--sizes', size, '--modes', mode,
        '--dtypes', dtype, '--threads', str(arguments.threads), '--batch-size', str(arguments.batch_size),
    ]  # fmt: skip
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def measured_memory(arguments: argparse.Namespace) -> float:
    model = build(arguments.memory_of, arguments.device)
    sides = [int(side) for side in arguments.sizes[0].split('x')]
    small = torch.randn(1, 3, *sides[:-2], 64, 64, device=arguments.device)
    step(model, small, arguments.modes[0], arguments.dtypes[0])()  # libraries and threads are loaded now
    images = torch.randn(arguments.batch_size, 3, *sides, device=arguments.device)
    one = step(model, images, arguments.modes[0], arguments.dtypes[0])
    model.zero_grad(set_to_none=True)  # those of the small step
    if arguments.device == 'cuda':
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        one()
        return round((torch.cuda.max_memory_allocated() - before) / 1e6, 1)
    with ResidentPeak() as peak:
        for _ in range(2):
            one()
    return round(peak.grown / 1e6, 1)


def environment(arguments: argparse.Namespace) -> dict:
    if arguments.device == 'cuda':
        hardware = torch.cuda.get_device_name()
    else:
        names = [
            line.split(':')[1].strip()
            for line in Path('/proc/cpuinfo').read_text().splitlines()
            if 'model name' in line
        ]
        hardware = names[0] if names else platform.processor()
    commit = subprocess.run(
        ['git', 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True, cwd=Path(__file__).parent
    )
    changed = subprocess.run(
        ['git', 'status', '--porcelain', '--', 'swin_dense', 'benchmarks', ':!benchmarks/results'],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    return {
        'hardware': hardware, 'threads': arguments.threads, 'clock': arguments.clock, 'seed': 0,
        'commit': commit.stdout.strip() + ('+changes' if changed.stdout.strip() else ''), 'versions': versions(),
    }  # fmt: skip


def report(row: dict, out: Path | None) -> None:
    print(
        f'{row["mode"]:9} {row["dtype"]:8} {row["size"]:9} against {row["peer"]}: {row["ratio_median"]:.2f}x '
        f'({row["ratio_min"]:.2f} to {row["ratio_max"]:.2f}), {row["ours_s"]:.3f} s against {row["peer_s"]:.3f} s, '
        f'peak {row["ours_peak_mb"]:.0f} against {row["peer_peak_mb"]:.0f} MB, GEMM share {row["gemm_share_of_ours"]}, '
        f'difference {row["max_relative_difference"]}',
        flush=True,
    )
    append_row(row, out)


def append_row(row: dict, out: Path | None) -> None:
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open('a') as lines:
            lines.write(json.dumps(row) + '\n')


if __name__ == '__main__':
    main()
