"""A headless Chromium, driven over the DevTools protocol, that says what a page did wrong.

Each wait has an end, and the browser ends with the block that it was started in.
"""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import websocket

VARIABLE = 'SWIN_DENSE_CHROMIUM'
_NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
_LONGEST_WAIT = 20.0
_OPTIONS = (
    '--headless=new',
    '--no-sandbox',  # root has none, as in containers
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--disable-background-networking',
    '--remote-debugging-port=0',
)


def found_browser() -> str | None:
    """Path of a Chromium, by the variable or of the usual names."""
    return os.environ.get(VARIABLE) or next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser_page(browser: str, profile: Path) -> Iterator['Page']:
    """Start a browser with an empty page; both end with the block."""
    command = [browser, *_OPTIONS, f'--user-data-dir={profile}', 'about:blank']
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port, path = _waited(lambda: _address(profile, process), 'the address of the browser')
        address = f'ws://127.0.0.1:{port}{path}'
        socket = websocket.create_connection(
            address, timeout=_LONGEST_WAIT, suppress_origin=True, http_no_proxy=['127.0.0.1']
        )
        with closing(socket):
            yield Page(socket)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


class Page:
    """One page. `requests` are the addresses it asked for, `complaints` its errors, warnings and exceptions."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket, self._number, self._session = socket, 0, ''
        self._events: list[str] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self._session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        session = {'sessionId': self._session} if self._session else {}
        self._socket.send(json.dumps({'id': self._number, 'method': method, 'params': parameters, **session}))
        end = time.monotonic() + _LONGEST_WAIT
        while time.monotonic() < end:
            message = self._received()
            if message.get('id') == self._number:
                if 'error' in message:
                    raise RuntimeError(f'{method}: {message["error"]}')
                return message['result']
        raise TimeoutError(f'no answer to {method}')

    def open(self, address: str) -> None:
        """Go there, and wait for all that the page loads."""
        self._events.clear()
        self.call('Page.navigate', url=address)
        self.wait(self._is_loaded, f'load of {address}')

    def evaluate(self, expression: str) -> Any:
        """The value of JavaScript; of a promise, what it gives."""
        answer = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in answer:
            raise RuntimeError(f'{expression}: {answer["exceptionDetails"]}')
        return answer['result'].get('value')

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Ask until it is so, and return what the answer was."""
        return _waited(condition, what)

    def resize(self, width: int, height: int) -> None:
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, **features: str) -> None:
        """Emulate what users prefer: `prefers_color_scheme='dark'`."""
        told = [{'name': name.replace('_', '-'), 'value': value} for name, value in features.items()]
        self.call('Emulation.setEmulatedMedia', features=told)

    def center(self, selector: str) -> tuple[float, float]:
        """Where an element is in the window, scrolled into sight."""
        x, y = self.evaluate(
            '(() => {'
            f'const element = document.querySelector({json.dumps(selector)});'
            "element.scrollIntoView({block: 'center', behavior: 'instant'});"
            'const box = element.getBoundingClientRect();'
            'return [box.x + box.width / 2, box.y + box.height / 2];'
            '})()'
        )
        return x, y

    def move(self, x: float, y: float) -> None:
        self.call('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)

    def click(self, selector: str) -> None:
        x, y = self.center(selector)
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)

    def press(self, key: str, code: int, text: str = '') -> None:
        pressed = {'key': key, 'code': key, 'windowsVirtualKeyCode': code}
        self.call('Input.dispatchKeyEvent', type='keyDown', text=text, **pressed)
        self.call('Input.dispatchKeyEvent', type='keyUp', **pressed)

    def type(self, text: str) -> None:
        self.call('Input.insertText', text=text)

    def picture(self, path: Path) -> None:
        """Save the whole page as PNG."""
        answer = self.call('Page.captureScreenshot', captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer['data']))

    def _is_loaded(self) -> bool:
        self.evaluate('0')  # events come with answers
        return 'Page.loadEventFired' in self._events

    def _received(self) -> dict[str, Any]:
        message = json.loads(self._socket.recv())
        method, told = message.get('method', ''), message.get('params', {})
        self._events.append(method)
        if method == 'Network.requestWillBeSent':
            self.requests.append(told['request']['url'])
        elif method == 'Runtime.exceptionThrown':
            self.complaints.append(str(told['exceptionDetails']))
        elif method == 'Runtime.consoleAPICalled' and told['type'] in ('error', 'warning', 'assert'):
            self.complaints.append(str(told['args']))
        elif method == 'Log.entryAdded' and told['entry']['level'] in ('error', 'warning'):
            self.complaints.append(told['entry']['text'])
        return message


def _address(profile: Path, process: subprocess.Popen) -> list[str] | None:
    if process.poll() is not None:
        raise RuntimeError(f'the browser ended with {process.returncode}')
    file = profile / 'DevToolsActivePort'
    lines = file.read_text().splitlines() if file.is_file() else []
    return lines if len(lines) == 2 else None


def _waited(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + _LONGEST_WAIT
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError(f'{what}: not within {_LONGEST_WAIT:.0f} s')
