"""Browsers that Playwright does not drive as they are installed, by the W3C's WebDriver commands.

Firefox takes them on a socket of its own (Marionette), WebKitGTK by a program that speaks HTTP.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from harness import DEADLINE_S, free_port, wait_for

MINI_BROWSER = "*/webkit2gtk-4.*/MiniBrowser"  # under /usr/lib
HTTP = {  # the commands' names in Marionette, and what W3C WebDriver makes of them over HTTP
    "Navigate": ("POST", "url"),
    "ExecuteScript": ("POST", "execute/sync"),
    "NewWindow": ("POST", "window/new"),
    "SwitchToWindow": ("POST", "window"),
    "CloseWindow": ("DELETE", "window"),
}


class Driven:
    """A browser with one window more than a test closes."""

    def __init__(self, command: Callable[[str, dict[str, Any]], Any]) -> None:
        self._command = command

    def goto(self, url: str) -> None:
        self._command("Navigate", {"url": url})

    def evaluate(self, expression: str) -> Any:
        return self._command("ExecuteScript", {"script": f"return {expression}", "args": []})

    def open_window(self) -> str:
        """Another window, in front from now on."""
        handle: str = self._command("NewWindow", {"type": "tab"})["handle"]
        self._command("SwitchToWindow", {"handle": handle})
        return handle

    def close_window(self) -> None:
        """Close the window in front; another comes to the front."""
        left = self._command("CloseWindow", {})
        self._command("SwitchToWindow", {"handle": left[0]})


@contextmanager
def firefox(folder: Path) -> Iterator[Driven]:
    """Debian's Firefox, without a window; nothing but this machine is asked for anything."""
    port = free_port()
    preferences = {
        "marionette.port": port,
        "network.proxy.type": 1,  # all but this machine is behind a proxy that is not there
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": 9,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": 9,
        "browser.shell.checkDefaultBrowser": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "app.normandy.enabled": False,
        "browser.startup.page": 0,
        "privacy.globalprivacycontrol.enabled": False,
    }
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in preferences.items()]
    (folder / "user.js").write_text("\n".join(lines))
    command = ["firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", str(folder)]
    with _process(command, {"HOME": str(folder)}), ExitStack() as stack:
        connection = stack.enter_context(wait_for(lambda: _connected(port), "Firefox"))
        stream = stack.enter_context(connection.makefile("rwb"))

        def read() -> Any:
            length = b""
            while (digit := stream.read(1)) != b":":
                assert digit, "Firefox has hung up"
                length += digit
            return json.loads(stream.read(int(length)))

        def ask(name: str, parameters: dict[str, Any]) -> Any:
            message = json.dumps([0, 1, f"WebDriver:{name}", parameters]).encode()
            stream.write(b"%d:%s" % (len(message), message))
            stream.flush()
            _, _, error, result = read()
            assert error is None, error
            return result["value"] if isinstance(result, dict) and "value" in result else result

        read()  # its greeting
        ask("NewSession", {})
        yield Driven(ask)


def _connected(port: int) -> socket.socket | None:
    with suppress(OSError):
        return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    return None


@contextmanager
def webkit(folder: Path) -> Iterator[Driven]:
    """WebKitGTK's MiniBrowser on a screen that nobody sees: the engine that Safari is built on."""
    port = free_port()
    binary = str(next(Path("/usr/lib").glob(MINI_BROWSER)))
    with _process(["Xvfb", "-displayfd", "1", "-screen", "0", "1024x768x24"], {}) as screen:
        assert screen.stdout
        display = ":" + screen.stdout.readline().strip()
        here = {"DISPLAY": display, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        with _process(["WebKitWebDriver", f"--port={port}"], here):

            def ask(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
                try:
                    connection.request(method, path, None if body is None else json.dumps(body))
                    answer = connection.getresponse()
                    value = json.loads(answer.read())["value"]
                    assert answer.status == 200, value
                    return value
                finally:
                    connection.close()

            wait_for(lambda: _connected(port), "WebKitWebDriver").close()
            options = {"binary": binary, "args": ["--automation"]}
            wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
            session = ask("POST", "/session", {"capabilities": wanted})["sessionId"]

            def command(name: str, parameters: dict[str, Any]) -> Any:
                method, path = HTTP[name]
                body = parameters if method == "POST" else None
                return ask(method, f"/session/{session}/{path}", body)

            yield Driven(command)
            with suppress(OSError, AssertionError):
                ask("DELETE", f"/session/{session}")


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


def missing(*programs: str) -> list[str]:
    """Those of the programs that are not installed."""
    return [program for program in programs if not shutil.which(program)]
