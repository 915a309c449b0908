"""tools/train.py and tools/test.py as programs: exit codes, signals, errors, processes."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.engine.checkpoint_files import newest_checkpoint
from swin_dense.engine.training import resume_command
from tests.engine.forked import Forked
from tests.engine.toys import toy_config

ROOT = Path(__file__).resolve().parents[2]
TRAIN, TEST = ROOT / 'tools' / 'train.py', ROOT / 'tools' / 'test.py'


def write_config(folder, **options):
    cfg = toy_config('unused', **options)
    cfg.pop('work_dir')
    cfg.custom_imports = {'imports': ['tests.engine.toys']}
    cfg.dump(folder / 'toy.py')
    return folder / 'toy.py'


def environment():
    # the root for the toys; the tools themselves need nothing on the path
    return {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}


def run(*words, cwd):
    """Run a tool in a new interpreter."""
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=120)


def run_here(tool, *words, cwd):
    return Forked(tool, *words, cwd=cwd).wait()


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.wait().stderr
        assert time.monotonic() < end, 'waited too long'
        time.sleep(0.02)


def weights(folder):
    return torch.cat([tensor.flatten() for tensor in read_checkpoint(newest_checkpoint(folder))['state_dict'].values()])


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """A finished run of tools/train.py from a folder outside the repository."""
    folder = tmp_path_factory.mktemp('finished')
    config = write_config(folder, epochs=2)
    return folder, config, run(TRAIN, config.name, cwd=folder)


def test_training_writes_its_files(finished):
    folder, _, result = finished
    assert result.returncode == 0, result.stderr
    work_dir = folder / 'work_dirs' / 'toy'
    names = {each.name for each in work_dir.iterdir()}
    assert {'config.py', 'environment.json', 'metrics.jsonl', 'epoch_2.pth', 'last_checkpoint'} <= names
    before, _, _ = (result.stderr + result.stdout).partition('Epoch(train)')
    assert len(before.splitlines()) < 60
    for piece in (
        'torch',
        'mmengine',
        'hash',
        'batch       6 = 1 processes x 2 samples x 3',
        'no decay',
        '11 samples',
        f'tests.engine.toys from {ROOT}',
    ):
        assert piece in before
    lines = [json.loads(line) for line in (work_dir / 'metrics.jsonl').read_text().splitlines()]
    assert [(line['mode'], line['step']) for line in lines] == [
        ('train', 2), ('train', 4), ('train', 6), ('val', 6), ('train', 8), ('train', 10), ('train', 12), ('val', 12)
    ]  # fmt: skip
    assert all(line['loss'] > 0 and line['lr'] > 0 and line['time'] > 0 for line in lines if line['mode'] == 'train')


def test_a_second_run_in_one_folder_is_refused(finished):
    folder, config, _ = finished
    result = run_here(TRAIN, config, cwd=folder)
    assert result.returncode == 2
    assert 'holds a run already' in result.stderr
    assert 'Traceback' not in result.stderr


def test_another_seed_for_a_run_that_goes_on_is_refused(finished):
    folder, config, _ = finished
    result = run_here(TRAIN, config, '--resume', '--seed', '4', cwd=folder)
    assert result.returncode == 2
    assert '--seed 4: the run to go on with has seed 3' in ' '.join(result.stderr.split())


def test_a_complete_run_says_so(finished):
    folder, config, _ = finished
    again = run_here(TRAIN, config, '--resume', cwd=folder)
    assert again.returncode == 0, again.stderr
    assert 'nothing left to train: the checkpoint is at epoch 2' in again.stdout


def test_testing_writes_results(finished):
    folder, config, _ = finished
    checkpoint = folder / 'work_dirs' / 'toy' / 'epoch_2.pth'
    result = run_here(TEST, config, checkpoint.parent, '--out', folder / 'out' / 'results.json', cwd=folder)
    assert result.returncode == 0, result.stderr
    results = json.loads((folder / 'out' / 'results.json').read_text())
    val = json.loads((folder / 'work_dirs' / 'toy' / 'metrics.jsonl').read_text().splitlines()[-1])
    assert results['metrics']['toy/mean'] == val['toy/mean']
    assert f'toy/mean  {val["toy/mean"]:.4f}' in result.stdout
    assert results['checkpoint'] == str(checkpoint)
    digest = subprocess.run(['sha256sum', checkpoint], capture_output=True, text=True, check=True).stdout.split()[0]
    assert results['checkpoint_sha256'] == digest
    assert results['weights'] == 'averaged (EMA)'
    assert results['trained_config_hash'] == results['config_hash']
    assert results['protocol']['batch_size'] == 2
    assert results['protocol']['samples'] == 11


@pytest.mark.parametrize(
    ('checkpoint', 'message'), [('none.pth', "there is no checkpoint 'none.pth'"), ('.', 'holds no whole checkpoint')]
)
def test_testing_needs_a_checkpoint(finished, checkpoint, message):
    folder, config, _ = finished
    result = run_here(TEST, config, checkpoint, cwd=folder)
    assert result.returncode == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            ['--cfg-options', 'model.sync_bm=True'],
            r"model \(type='ToyModel'\) has no such key.*'model.sync_bn'|sync_bn",
        ),
        (['--cfg-options', 'model.type=ToyModle'], r"model\.type = 'ToyModle'.*Did you mean 'ToyModel'"),
        (['--cfg-options', 'train_dataloader.sampler.kind=1'], 'has no such key'),
        (['--resume', 'nowhere.pth'], r"load_from = 'nowhere\.pth'"),
        (['--launcher', 'pytorch'], 'torchrun'),
    ],
)
def test_faults_of_the_user_are_one_paragraph(tmp_path_factory, options, message):
    folder = tmp_path_factory.mktemp('t')  # a short name: lines are counted, and some say where it is
    config = write_config(folder, epochs=1)
    result = run_here(TRAIN, config, *options, cwd=folder)
    assert result.returncode == 2
    assert 'Traceback' not in result.stderr
    paragraph = result.stderr[result.stderr.index('error: ') :]
    assert re.search(message, ' '.join(paragraph.split()))
    assert len(paragraph.splitlines()) < 8


def test_missing_config(tmp_path):
    result = run(TRAIN, 'none.py', cwd=tmp_path)
    assert result.returncode == 2
    assert "there is no config 'none.py'" in result.stderr
    assert 'Traceback' not in result.stderr


def test_ctrl_c_saves_and_the_printed_command_goes_on(tmp_path):
    config = write_config(tmp_path, epochs=40, train_dataloader__num_workers=2, model__seconds=0.01)
    process = Forked(TRAIN, config, '--work-dir', 'run', cwd=tmp_path)
    log = tmp_path / 'run' / 'metrics.jsonl'
    wait_for(lambda: log.exists() and len(log.read_text().splitlines()) > 5, process)
    os.kill(process.pid, signal.SIGINT)
    error = process.wait().stderr
    assert process.returncode == 130
    assert 'Traceback' not in error
    saved = read_checkpoint(tmp_path / 'run' / 'interrupted.pth')['meta']['iter']
    command = error[error.index('go on with: ') :].split(': ', 1)[1].splitlines()[0]
    assert command == f'python {TRAIN} {config} --work-dir run --resume'
    more = run_here(*command.split()[1:], '--cfg-options', f'train_cfg.max_epochs={saved // 6 + 1}', cwd=tmp_path)
    assert more.returncode == 0, more.stderr
    assert f'after iteration {saved} of' in more.stdout
    assert not (tmp_path / 'run' / 'interrupted.pth').exists()


def test_second_ctrl_c_stops_at_once(tmp_path):
    config = write_config(tmp_path, iterations=3, model__seconds=30.0)
    process = Forked(TRAIN, config, '--work-dir', 'run', cwd=tmp_path)
    wait_for(lambda: (tmp_path / 'run' / 'metrics.jsonl').exists(), process)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGINT)
    time.sleep(1.5)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(10).returncode != 0


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_where_an_unbroken_run_ends(tmp_path):
    config = write_config(
        tmp_path, iterations=60, default_hooks__checkpoint__interval=1, default_hooks__checkpoint__max_keep_ckpts=3
    )
    assert run_here(TRAIN, config, '--work-dir', 'whole', cwd=tmp_path).returncode == 0
    generator, parts = random.Random(4), tmp_path / 'parts'
    for target in (20, 40):
        process = Forked(TRAIN, config, '--work-dir', 'parts', '--resume', cwd=tmp_path)
        wait_for(lambda target=target: newest(parts) > target, process)
        time.sleep(generator.random() * 0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert run_here(TRAIN, config, '--work-dir', 'parts', '--resume', cwd=tmp_path).returncode == 0
    assert torch.equal(weights(parts), weights(tmp_path / 'whole'))
    assert not list(parts.glob('.*.tmp'))


def newest(folder):
    try:
        path = newest_checkpoint(folder) if folder.exists() else None
        return read_checkpoint(path)['meta']['iter'] if path else 0
    except FileNotFoundError:  # deleted between listing and reading
        return 0


@pytest.mark.slow
def test_two_processes_train_and_resume(tmp_path):
    # a shard of 6 and its copy: 12 samples / 2 processes / batch 2 = 3 iterations an epoch
    config = write_config(tmp_path, epochs=2, model__sync_bn=True, default_hooks__checkpoint__interval=1)
    torchrun = ['-m', 'torch.distributed.run', '--nproc_per_node=2', '--master_port=29617']
    result = run(*torchrun, TRAIN, config, '--work-dir', 'run', cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert 'batch       12 = 2 processes x 2 samples x 3' in result.stdout
    assert 'SyncBN runs as BN' in result.stdout
    checkpoint = read_checkpoint(tmp_path / 'run' / 'epoch_2.pth')
    assert len(checkpoint['random_states']) == 2
    assert checkpoint['meta']['iter'] == 6
    assert not any(name.startswith('module.') for name in checkpoint['state_dict'])
    first = tmp_path / 'parts' / 'epoch_1.pth'
    first.parent.mkdir()
    first.write_bytes((tmp_path / 'run' / 'epoch_1.pth').read_bytes())
    place = {'WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': '29618'}
    ranks = [
        Forked(
            TRAIN, config, '--work-dir', 'parts', '--resume', cwd=tmp_path,
            variables={**place, 'RANK': str(rank), 'LOCAL_RANK': str(rank)},
        )
        for rank in range(2)
    ]  # fmt: skip
    for rank in ranks:
        assert rank.wait().returncode == 0, rank.stderr
    assert torch.equal(weights(tmp_path / 'parts'), weights(tmp_path / 'run'))


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        (['t.py', 'c.py'], 'python t.py c.py --resume'),
        (['t.py', 'c.py', '--resume'], 'python t.py c.py --resume'),
        (['t.py', 'c.py', '--resume', 'a b.pth', '--seed', '1'], 'python t.py c.py --seed 1 --resume'),
        (['t.py', 'c.py', '--resume', '--seed', '1'], 'python t.py c.py --seed 1 --resume'),
        (['t.py', 'c.py', '--resume=a.pth'], 'python t.py c.py --resume'),
        (['t.py', 'c.py', '--cfg-options', 'a=1', 'b=x y'], "python t.py c.py --resume --cfg-options a=1 'b=x y'"),
    ],
)
def test_resume_command(words, expected):
    assert resume_command(words) == expected


def test_one_rank_s_signal_stops_both(tmp_path):
    config = write_config(tmp_path, iterations=10_000, model__seconds=0.001)
    place = {'WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': '29619'}
    ranks = [
        Forked(TRAIN, config, '--work-dir', 'run', cwd=tmp_path, variables={**place, 'RANK': rank, 'LOCAL_RANK': rank})
        for rank in '01'
    ]
    log = tmp_path / 'run' / 'metrics.jsonl'
    wait_for(lambda: log.exists() and len(log.read_text().splitlines()) > 5, ranks[0])
    os.kill(ranks[1].pid, signal.SIGTERM)
    for rank in ranks:
        assert rank.wait().returncode == 130, rank.stderr
    checkpoint = read_checkpoint(tmp_path / 'run' / 'interrupted.pth')
    assert checkpoint['meta']['iter'] % 10 == 0
    assert len(checkpoint['random_states']) == 2
