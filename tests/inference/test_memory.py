"""Memory that batches leave is given back, and not all the time."""

import time

from swin_dense.inference import memory


def test_memory_is_given_back_now_and_then(monkeypatch):
    freed, calls = memory.FreedMemory(), []
    monkeypatch.setattr(freed, '_trim', calls.append)
    for _ in range(10):
        freed.give_back()
    assert calls == []  # it was only just made
    time.sleep(memory._SECONDS_BETWEEN)
    for _ in range(10):
        freed.give_back()
    assert calls == [0]


def test_other_libraries_have_no_such_call(monkeypatch):
    monkeypatch.setattr(memory.sys, 'platform', 'darwin')
    freed = memory.FreedMemory()
    freed._last = 0.0
    freed.give_back()
