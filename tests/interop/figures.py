"""Others read the page of figures: curl, promtool, Prometheus itself."""

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request

from clients import command, program_missing
from mta import PEERS, write
from node import World
from report import at_end, wait_until


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def node_with(listen):
    world = World()
    world.make_shore(metrics={"listen": listen}).start()
    return world


def found(program):
    """Installed, or unpacked by tests/deps."""
    return shutil.which(program) or next(
        (path for path in [f"{PEERS}/prometheus/usr/bin/{program}"]
         if os.access(path, os.X_OK)), None)


def prometheus_missing():
    return None if found("promtool") and found("prometheus") \
        else "prometheus is not installed"


def by_curl():
    port = free_port()
    node_with(f"127.0.0.1:{port}")
    text = command(["curl", "-sSf", "--retry", "5",
                    f"http://127.0.0.1:{port}/metrics"]).stdout
    assert b"tidepost_sessions " in text, text


def by_curl_over_a_socket():
    world = World()
    path = f"{world.dir}/metrics"
    world.make_shore(metrics={"listen": f"unix:{path}"}).start()
    text = command(["curl", "-sSf", "--retry", "5", "--unix-socket", path,
                    "http://localhost/metrics"]).stdout
    assert b"tidepost_sessions " in text, text


def by_promtool():
    world = World()
    world.make_shore().start()
    path = f"{world.shore.dir}/run/tidepost.prom"
    assert wait_until(lambda: os.path.exists(path))
    with open(path, "rb") as stream:
        told = command([found("promtool"), "check", "metrics"], stream.read())
    assert not told.stdout + told.stderr, told


def query(port, what):
    """The first value; None: there is none (yet)."""
    try:
        with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/api/v1/query?query={what}",
                timeout=5) as answer:
            result = json.load(answer)["data"]["result"]
    except OSError:
        return None
    return result[0]["value"][1] if result else None


def by_prometheus():
    figures, port = free_port(), free_port()
    world = node_with(f"127.0.0.1:{figures}")
    file = f"{world.dir}/prometheus.yml"
    write(file, f"""
scrape_configs:
  - job_name: tidepost
    scrape_interval: 1s
    static_configs: [ targets: ["127.0.0.1:{figures}"] ]
""")
    with open(f"{world.dir}/prometheus.log", "wb") as log:
        process = subprocess.Popen(
            [found("prometheus"), f"--config.file={file}",
             f"--storage.tsdb.path={world.dir}/tsdb",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    at_end(process.wait)
    at_end(lambda: process.send_signal(signal.SIGTERM))
    assert wait_until(lambda: query(port, "tidepost_sessions") == "0", 60)
    assert query(port, "up") == "1"


def pairs():
    curl = program_missing("curl")
    yield "curl -> the page of figures", curl, by_curl
    yield ("curl -> the page of figures on a socket", curl,
           by_curl_over_a_socket)
    yield "promtool: the figures", prometheus_missing(), by_promtool
    yield "Prometheus -> the page of figures", prometheus_missing(), by_prometheus
