"""What deploy/ holds is run, or verified, by the programs it is for, as far as they are here."""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from onetrail_collector.settings import load

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
MOST_EXPOSED = 20  # of 100, as systemd-analyze counts


def needs(program: str) -> str:
    found = shutil.which(
        program, path=f"{os.environ['PATH']}:/usr/sbin:{Path(sys.executable).parent}"
    )
    if found is None:
        pytest.skip(f"{program} is not installed; `make test` installs it on Debian as root")
    return found


def test_the_example_configuration_is_valid() -> None:
    settings = load(DEPLOY / "onetrail.toml").settings
    assert settings.retention.days == 395
    assert settings.host == "127.0.0.1"
    assert settings.limits.trusted_proxies


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with the program where it is on this machine."""
    text = (DEPLOY / "onetrail-collector.service").read_text()
    path = tmp_path / "onetrail-collector.service"
    path.write_text(text.replace("/opt/onetrail/bin", str(Path(sys.executable).parent)))
    return path


def test_systemd_finds_no_fault_in_the_unit(unit: Path) -> None:
    done = subprocess.run(
        [needs("systemd-analyze"), "verify", unit],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_hardened(unit: Path) -> None:
    words = ["security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
    done = subprocess.run(
        [needs("systemd-analyze"), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout


def test_hadolint_finds_no_fault_in_the_containerfile() -> None:
    done = subprocess.run(
        [needs("hadolint"), DEPLOY / "Containerfile"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "")


def containerfile() -> list[str]:
    """Its instructions, one a line."""
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_what_the_containerfile_copies_is_enough_to_build(tmp_path: Path) -> None:
    """No container runtime is here: its COPY lines are carried out by hand, and a wheel built."""
    for line in containerfile():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, target = line.split()[1:]
            for source in sources:
                to = tmp_path / target / (source if target == "./" else "")
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, to)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        tmp_path / "out",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert list((tmp_path / "out").glob("onetrail-*.whl"))


def test_the_image_is_built_in_a_format_that_keeps_its_health_check() -> None:
    """OCI's drops it with a warning that nobody reads."""
    said = (DEPLOY / "Containerfile").read_text()
    assert all("--format docker" in line for line in said.splitlines() if "podman build" in line)


def test_the_containers_health_check_tells_a_living_from_a_dead_collector(collector: Any) -> None:
    [check] = [
        line.split("CMD ", 1)[1] for line in containerfile() if line.startswith("HEALTHCHECK")
    ]
    command = [sys.executable, *json.loads(check)[1:]]
    environment = {**os.environ, "ONETRAIL_PORT": str(collector.port)}
    assert subprocess.run(command, env=environment, check=False, timeout=20).returncode == 0
    collector.stop()
    done = subprocess.run(command, env=environment, check=False, capture_output=True, timeout=20)
    assert done.returncode != 0


def test_the_containers_variables_are_settings() -> None:
    [variables] = [line for line in containerfile() if line.startswith("ENV ")]
    pairs = dict(pair.split("=", 1) for pair in shlex.split(variables)[1:])
    settings = load(
        None, {name: text for name, text in pairs.items() if "ONETRAIL" in name}
    ).settings
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)  # noqa: S104 - within a container
    assert settings.db.parent == Path("/var/lib/onetrail")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def nginx(folder: Path, port: int, upstream: int) -> list[str]:
    """The example without TLS, in the smallest configuration around it."""
    program = needs("nginx")
    server = (DEPLOY / "nginx.conf").read_text()
    server = re.sub(r"^ *ssl_\w+ .*\n", "", server, flags=re.MULTILINE)
    server = server.replace("listen 443 ssl http2", f"listen 127.0.0.1:{port}")
    server = server.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    server = server.replace("/var/cache/nginx/onetrail", str(folder / "cache"))
    (folder / "onetrail.conf").write_text(server)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{}} http {{ {paths} include {folder}/onetrail.conf; }}"
    )
    return [
        program,
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "error.log"),
    ]


def caddy(folder: Path, port: int, upstream: int) -> list[str]:
    """The example without TLS and without Caddy's own administration."""
    program = needs("caddy")
    site = (DEPLOY / "Caddyfile").read_text()
    site = site.replace("track.example.com", f"http://127.0.0.1:{port}")
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + site)
    return [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


Proxy = Callable[[int], str]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proxy]:
    """Starts the proxy in front of a port; answers its URL."""
    running: list[subprocess.Popen[bytes]] = []

    def start(upstream: int) -> str:
        port = free_port()
        folder = tmp_path / "proxy"
        folder.mkdir()
        environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        log = (folder / "log").open("wb")
        command = request.param(folder, port, upstream)
        running.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                log.close()
                return f"http://127.0.0.1:{port}"
            assert running[0].poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, "the proxy does not listen"
            time.sleep(0.05)

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=20)


def test_events_and_answers_pass_through_a_proxy(proxy: Proxy, collector: Any) -> None:
    url = proxy(collector.port)
    body = {"source": {"id": "demo"}, "events": [{"type": "a"}]}
    answer = httpx.post(f"{url}/track", json=body, headers={"origin": "https://shop.example"})
    assert answer.json()["accepted"] == 1
    assert answer.headers["access-control-allow-origin"]
    refused = httpx.post(f"{url}/track", content=b"x" * 1_500_000)
    assert (refused.status_code, refused.json()["error"]) == (413, "too_large")
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert httpx.get(f"{url}/counts").status_code == 401
    token = {"authorization": f"Bearer {collector.token}"}
    assert httpx.get(f"{url}/counts", headers=token).json()["events"] == 1
    assert "onetrail_events_total" in httpx.get(f"{url}/metrics", headers=token).text


def test_a_body_far_too_large_ends_at_the_proxy(proxy: Proxy, collector: Any) -> None:
    url = proxy(collector.port)
    with contextlib.suppress(httpx.WriteError, httpx.RemoteProtocolError):
        assert httpx.post(f"{url}/track", content=b"x" * 3_000_000).status_code in {413, 502}
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_live_events_come_through_as_they_happen(proxy: Proxy, collector: Any) -> None:
    url = proxy(collector.port)
    headers = {"authorization": f"Bearer {collector.token}"}
    with httpx.stream("GET", f"{url}/events/live", headers=headers, timeout=10) as stream:
        assert stream.status_code == 200
        collector.post({"source": {"id": "demo"}, "events": [{"type": "seen-live"}]})
        assert any("seen-live" in line for line in stream.iter_lines())


def test_the_clients_address_is_forwarded_and_a_claimed_one_is_not(proxy: Proxy) -> None:
    """What the collector gets of a client that claims to be another, by a recording upstream."""
    seen: list[str] = []

    class Recording(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(str(self.headers["x-forwarded-for"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    upstream = HTTPServer(("127.0.0.1", 0), Recording)
    serving = threading.Thread(target=upstream.serve_forever)
    serving.start()
    try:
        url = proxy(upstream.server_port)
        assert httpx.get(f"{url}/a", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 204
    finally:
        upstream.shutdown()
        serving.join()
        upstream.server_close()
    assert seen == ["127.0.0.1"]


@pytest.mark.parametrize("proxy", [nginx], indirect=True, ids=["nginx"])
def test_the_tracker_comes_from_the_proxys_cache(proxy: Proxy, collector: Any) -> None:
    """Also while the collector is away."""
    url = proxy(collector.port)
    answers = [httpx.get(f"{url}/t.js") for _ in range(2)]
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "HIT"]
    assert answers[0].content == answers[1].content == httpx.get(f"{collector.url}/t.js").content
    collector.stop()
    assert httpx.get(f"{url}/t.js").status_code == 200
    assert httpx.get(f"{url}/healthz").status_code == 502
