"""Programs in forks of the test process, which saves them the imports."""

import os
import runpy
import sys
import tempfile
import time
import traceback
import warnings

import torch


class Forked:
    """A tool in a fork of this process, which saves the imports. Its output is in `stdout` and `stderr` at the end."""

    def __init__(self, tool, *words, cwd, variables=None):
        self.files = [tempfile.TemporaryFile('w+') for _ in range(2)]  # noqa: SIM115 - closed in wait()
        self.pid = os.fork()
        if self.pid == 0:
            os.environ.update(variables or {})
            self._be_the_tool(tool, [str(word) for word in words], cwd)
        self.returncode = None

    def _be_the_tool(self, tool, words, cwd):
        code = 70
        try:
            os.chdir(cwd)
            for number, file in enumerate(self.files, start=1):
                os.dup2(file.fileno(), number)
            sys.stdout, sys.stderr = (os.fdopen(number, 'w', buffering=1, closefd=False) for number in (1, 2))
            sys.argv = [str(tool), *words]
            warnings.resetwarnings()
            torch.set_num_threads(1)
            runpy.run_path(str(tool), run_name='__main__')
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, seconds=60):
        end = time.monotonic() + seconds
        while self.poll() is None:
            assert time.monotonic() < end, 'waited too long'
            time.sleep(0.01)
        self.stdout, self.stderr = (self._read(file) for file in self.files)
        return self

    def _read(self, file):
        with file:
            file.seek(0)
            return file.read()
