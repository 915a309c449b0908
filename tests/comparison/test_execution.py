"""Runs in processes: states, failures, places, stops and kills; the scripts are fakes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fake_runs import ITERATIONS, fake_plan, notes

from swin_dense.comparison.collecting import planned_record
from swin_dense.comparison.execution import FINISHED, FINISHED_BEFORE, Execution, StoppedOnRequestError
from swin_dense.comparison.gpus import Places, places
from swin_dense.comparison.run_commands import RunOptions, option_words, steps
from swin_dense.comparison.run_folders import FolderLock, look

SWIN_DENSE = Path(__file__).resolve().parents[2]


class Heard:
    """What an execution told."""

    def __init__(self):
        self.lines = []

    def __call__(self, run, what):
        self.lines.append((run.title, what))

    def of(self, title):
        return [what for name, what in self.lines if name == title]


def make(plan, options, **arguments):
    heard = Heard()
    Execution(options, told=heard, **arguments).make(plan.runs)
    return heard


def test_every_run_is_trained_and_tested_and_never_again(tmp_path):
    plan, options = fake_plan(tmp_path)
    heard = make(plan, options)
    assert all(heard.of(run.title) == ['started', FINISHED] for run in plan.runs)
    assert len(heard.lines) == 8
    for run in plan.runs:
        assert [line['what'] for line in notes(run.folder) if line['what'] != 'step'] == [
            'train begins', 'train ends', 'test begins', 'test ends',
        ]  # fmt: skip
        assert look(run.folder).state == 'finished'
        assert planned_record(run).metrics == {'mIoU': 50.0 + run.seed}
    before = [notes(run.folder) for run in plan.runs]
    assert {what for _, what in make(plan, options).lines} == {FINISHED_BEFORE}
    assert [notes(run.folder) for run in plan.runs] == before


@pytest.mark.parametrize(
    ('fails', 'step', 'code', 'reason'),
    [('training', 'training', 1, 'the loss is a pumpkin'), ('test', 'test', 7, 'no output')],
)
def test_a_failing_run_is_recorded_and_tried_again_from_its_checkpoint(tmp_path, fails, step, code, reason):
    plan, options = fake_plan(tmp_path, seeds=[0])
    config = Path(plan.models[0].config)
    config.write_text(f'{config.read_text()}\nfails = {fails!r}')
    heard = make(plan, options)
    bad, good = plan.runs
    assert heard.of(bad.title)[1].startswith(f'failed: {step} ended with code {code}')
    assert heard.of(good.title)[-1] == FINISHED
    failure = json.loads((bad.folder / 'failure.json').read_text())
    assert (failure['step'], failure['exit_code']) == (step, code)
    assert failure['command'][0] == sys.executable
    assert reason in failure['reason']
    assert planned_record(bad).state == 'failed'
    assert reason in planned_record(bad).reason
    done = look(bad.folder).iteration
    assert done == {'training': 2, 'test': ITERATIONS}[fails]
    (options.tools / 'mended').touch()
    assert make(plan, options).lines == [
        (bad.title, f'goes on at iteration {done}'), (bad.title, FINISHED), (good.title, FINISHED_BEFORE),
    ]  # fmt: skip
    assert len([line for line in notes(bad.folder) if line['what'] == 'step']) == ITERATIONS
    assert not (bad.folder / 'failure.json').exists()


def spans(plan):
    lines = [notes(run.folder) for run in plan.runs]
    return [(each[0]['time'], each[-1]['time'], each[0]['environment']) for each in lines]


@pytest.mark.parametrize('jobs', [1, 3])
def test_as_many_runs_at_once_as_asked_for(tmp_path, jobs):
    plan, options = fake_plan(tmp_path, seeds=[0, 1, 2], more='seconds = 0.15\n')
    make(plan, options, jobs=jobs)
    found = spans(plan)
    at_once = [sum(start <= moment < end for start, end, _ in found) for moment, _, _ in found]
    assert max(at_once) == jobs


def test_runs_at_once_have_gpus_and_threads_of_their_own(tmp_path, monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda process: set(range(8)))
    plan, options = fake_plan(tmp_path, more='seconds = 0.1\n', seeds=[0, 1])
    make(plan, options, jobs=2, gpus=['4', 'GPU-7'])
    found = spans(plan)
    for start, end, environment in found:
        others = [
            other for begin, finish, other in found if begin < end and start < finish and other is not environment
        ]
        assert all(other['CUDA_VISIBLE_DEVICES'] != environment['CUDA_VISIBLE_DEVICES'] for other in others)
        assert environment['CUDA_VISIBLE_DEVICES'] in ('4', 'GPU-7')
        assert environment['OMP_NUM_THREADS'] == '4'
    assert len({environment['CUDA_VISIBLE_DEVICES'] for _, _, environment in found}) == 2


def test_commands_by_launcher(tmp_path):
    plan, _ = fake_plan(tmp_path, names=['a'], seeds=[5], processes=4)
    run = plan.runs[0]
    words = ['train_cfg.max_iters=3']
    train, test = (step.command for step in steps(run, RunOptions(cfg_options=words, skip_checks=True)))
    assert train[:5] == [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=4']
    assert train[6:] == [
        run.model.config, '--work-dir', str(run.folder), '--resume', '--seed', '5',
        '--skip-checks', '--cfg-options', *words,
    ]  # fmt: skip
    assert test[6:8] == [run.model.config, str(run.folder)]
    assert test[-3:] == ['--skip-checks', '--cfg-options', *words]
    train = steps(run, RunOptions(launcher='slurm'))[0].command
    assert train[:3] == ['srun', '--ntasks=4', '--gpus-per-task=1']
    assert train[-2:] == ['--launcher', 'slurm']


def test_options_survive_the_command_line():
    import argparse

    from swin_dense.engine.arguments import ConfigChanges

    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigChanges)
    given = [
        'a.lr=1e-05',
        'a.scale=(192,144)',
        'b=[1,2,3]',
        'c=None',
        'd=True',
        'e=some text',
        'f=[(1,2),(3,4)]',
        'g=3',
    ]
    options = parser.parse_args(['--cfg-options', *given]).cfg_options
    again = parser.parse_args(['--cfg-options', *option_words(options)]).cfg_options
    assert again == options
    assert options['a.lr'] == 1e-05


def test_places_follow_from_the_gpus(monkeypatch):
    monkeypatch.setattr('swin_dense.comparison.gpus.visible_gpus', lambda: ('0', '1', '2', '3'))
    assert places(None, gpus_per_run=2, launcher='none') == Places(2, ('0', '1', '2', '3'))
    assert places(8, gpus_per_run=1, launcher='none').jobs == 8
    assert places(3, gpus_per_run=2, launcher='slurm') == Places(3, ())
    with pytest.raises(ValueError, match='--gpus-per-run 5: there are 4 GPUs'):
        places(None, gpus_per_run=5, launcher='none')
    with pytest.raises(ValueError, match='Use --jobs 2'):
        places(3, gpus_per_run=2, launcher='none')
    monkeypatch.setattr('swin_dense.comparison.gpus.visible_gpus', lambda: ())
    assert places(None, gpus_per_run=1, launcher='none') == Places(1, ())


def test_a_changed_config_is_refused_with_its_key_and_not_taken_for_finished(tmp_path):
    plan, options = fake_plan(tmp_path, seeds=[0])
    make(plan, options)
    config = Path(plan.models[0].config)
    config.write_text(config.read_text().replace("type='a'", "type='a', depth=9"))
    plan, options = fake_plan_again(tmp_path)
    with pytest.raises(ValueError, match=r'(?s)a/seed_0 holds a run.*model.backbone.depth: 9 is new'):
        make(plan, options)
    plan, options = fake_plan(tmp_path, seeds=[0], processes=2)
    with pytest.raises(ValueError, match='--gpus-per-run: 1 -> 2'):
        make(plan, options)


def test_a_run_that_made_nothing_is_made_by_the_config_as_it_is_now(tmp_path):
    plan, options = fake_plan(tmp_path, names=['a'], seeds=[0], more="import os\nfails = 'training'\n")
    (options.tools / 'iter_1.pth').unlink()  # fails at its first iteration
    assert make(plan, options).lines[-1][1].startswith('failed')
    config = Path(plan.models[0].config)
    config.write_text(config.read_text().replace('max_iters=5', 'max_iters=6').replace("'training'", "''"))
    plan, options = fake_plan_again(tmp_path)
    assert make(plan, options).lines[-1][1] == FINISHED


def test_a_killed_run_says_that_it_was_killed(tmp_path):
    plan, options = fake_plan(tmp_path, names=['a'], seeds=[0], more='seconds = 0.5\n')
    sent = []

    def kill(running):
        if not sent and running and (running[0].folder / 'notes.jsonl').is_file():
            sent.append(os.kill(notes(running[0].folder)[0]['pid'], signal.SIGKILL))

    make(plan, options, idle=kill)
    assert 'ended by SIGKILL, as Linux does when memory is short' in planned_record(plan.runs[0]).reason


def fake_plan_again(tmp_path):
    """The configs as they are now."""
    from fake_runs import write_tools

    from swin_dense.comparison.plan import make_plan

    plan = make_plan([str(path) for path in sorted((tmp_path / 'configs').glob('*.py'))], [0], tmp_path / 'out')
    return plan, write_tools(tmp_path / 'tools', plan.models)


def test_a_folder_that_another_process_runs_in_is_waited_for(tmp_path):
    plan, options = fake_plan(tmp_path, names=['a', 'b'], seeds=[0])
    lock = FolderLock.take(plan.runs[0].folder)
    released = []

    def release():
        released.append(time.time())
        lock.release()

    threading.Timer(1.0, release).start()
    heard = make(plan, options)
    assert heard.of(plan.runs[0].title) == ['waiting for another process that runs in its folder', 'started', FINISHED]
    assert heard.lines.index((plan.runs[1].title, 'started')) < heard.lines.index((plan.runs[0].title, 'started'))
    assert notes(plan.runs[0].folder)[0]['time'] > released[0]


def test_a_signal_stops_all_runs_at_an_iteration_and_the_next_command_goes_on(tmp_path):
    plan, options = fake_plan(tmp_path, more='seconds = 0.4\n')
    heard, sent = Heard(), []

    def send(running):
        if not sent and len(running) == 2 and all(look(run.folder).iteration for run in running):
            sent.append(time.time())
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(StoppedOnRequestError):
        Execution(options, jobs=2, told=heard, idle=send).make(plan.runs)
    assert [what for _, what in heard.lines] == ['started', 'started', 'interrupted', 'interrupted']
    for run in plan.runs[:2]:
        assert notes(run.folder)[-1]['what'] == 'stopped'
        assert planned_record(run).state == 'interrupted'
    assert planned_record(plan.runs[2]).state == 'waiting'
    heard = make(plan, options, jobs=2)
    assert heard.of(plan.runs[0].title)[0].startswith('goes on at iteration')
    assert all(planned_record(run).state == 'finished' for run in plan.runs)


DRIVER = """
import sys
from pathlib import Path
import swin_dense
from fake_runs import fake_plan
from swin_dense.comparison.collecting import planned_record
from swin_dense.comparison.execution import Execution
from swin_dense.comparison.rows import append_rows, row_of, write_csv

folder = Path(sys.argv[1])
plan, options = fake_plan(folder, more=sys.argv[2])
rows = folder / 'out' / 'results.jsonl'

def told(run, what):
    print(run.title, what, flush=True)
    if what == 'finished':
        append_rows(rows, [row_of(planned_record(run))])

Execution(options, jobs=2, told=told).make(plan.runs)
records = [planned_record(run) for run in plan.runs]
append_rows(rows, [row_of(record) for record in records])
write_csv(folder / 'out' / 'results.csv', records)
"""


def drive(tmp_path, kill_after=None, more='seconds = 0.1\n', heard=lambda line: None):
    script = tmp_path / 'driver.py'
    script.write_text(DRIVER)
    variables = {**os.environ, 'PYTHONPATH': f'{SWIN_DENSE}{os.pathsep}{Path(__file__).parent}'}
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), more], env=variables, stdout=subprocess.PIPE, text=True
    )
    if kill_after is not None:
        assert any('started' in line or 'goes on' in line for line in iter(process.stdout.readline, ''))
        time.sleep(kill_after)
        process.kill()
    lines = []
    for line in process.stdout:
        lines.append(line)
        heard(line)
    process.communicate()
    assert process.returncode == (-signal.SIGKILL if kill_after is not None else 0)
    return ''.join(lines)


def test_killed_at_three_times_the_table_is_the_same(tmp_path):
    whole = tmp_path / 'whole'
    killed = tmp_path / 'killed'
    for folder in (whole, killed):
        folder.mkdir()
    drive(whole)
    for seconds in (0.3, 0.55, 0.75):
        drive(killed, kill_after=seconds)
    drive(killed)
    tables = [(folder / 'out' / 'results.csv').read_text().replace(str(folder), '') for folder in (whole, killed)]
    assert tables[0] == tables[1]
    assert tables[0].count('finished') == 4
    for path in (killed / 'out' / 'runs').glob('*/*'):  # never two processes between one another
        writers = [line['pid'] for line in notes(path)]
        blocks = [writer for place, writer in enumerate(writers) if place == 0 or writers[place - 1] != writer]
        assert len(blocks) == len(set(blocks))


def test_a_run_that_outlives_its_command_is_waited_for(tmp_path):
    go = tmp_path / 'go'
    more = f'is_stubborn = True\nwaits_for = {str(go)!r}\n'
    drive(tmp_path, kill_after=0.5, more=more)
    heard = []

    def let_go(line):
        if 'waiting for another process' in line:
            heard.append(line)
        if len(heard) == 2:  # of two runs at once
            go.touch()

    timer = threading.Timer(120, go.touch)  # a second command that does not wait fails, and does not hang
    timer.start()
    drive(tmp_path, more=more, heard=let_go)
    timer.cancel()
    assert len(heard) == 2
    for path in (tmp_path / 'out' / 'runs').glob('*/seed_0'):
        lines = notes(path)
        first = lines[0]['pid']
        assert [line['what'] for line in lines if line['pid'] == first] == ['train begins', *['step'] * 5, 'train ends']
        assert [line['what'] for line in lines].count('step') == ITERATIONS  # what it did was not done again
        assert look(path).state == 'finished'


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux tells a process that its parent died')
def test_runs_stop_when_their_command_is_killed(tmp_path):
    drive(tmp_path, kill_after=0.5, more='seconds = 0.3\n')
    time.sleep(1.0)
    runs = list((tmp_path / 'out' / 'runs').glob('*/seed_0'))
    assert len(runs) == 2
    assert all(notes(path)[-1]['what'] == 'stopped' for path in runs)
