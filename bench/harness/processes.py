"""Processes that are pinned to a CPU and never outlive the runner."""

import atexit
import ctypes
import json
import os
import resource
import select
import signal
import socket
import subprocess
import time
import urllib.request

GATEWAY_CPU, LOAD_CPU = 0, 1
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)
_running = []


def prepare():
    """Pins the runner beside the load and makes sure that nothing is left behind."""
    os.sched_setaffinity(0, {LOAD_CPU})
    atexit.register(stop_all)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda number, _: exit(128 + number))


def raise_open_files(wanted):
    """Raises the limit of open files as far as allowed, and returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in ((wanted, max(wanted, hard)), (hard, hard)):
        if soft >= wanted:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        except (ValueError, OSError):
            continue
        soft = limit[0]
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def spawn(command, cpu, log, cwd=None, stdin=subprocess.DEVNULL, stdout=None):
    """Starts a program on one CPU, with an environment that has nothing of ours in it."""

    def before_exec():
        os.sched_setaffinity(0, {cpu})
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={"PATH": os.environ.get("PATH", ""), "HOME": cwd or "/"},
        stdin=stdin,
        stdout=stdout or log,
        stderr=log,
        text=True,
        preexec_fn=before_exec,
        start_new_session=True,
    )
    _running.append(process)
    return process


def stop(process):
    """Ends a process: politely, then not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    if process in _running:
        _running.remove(process)


def stop_all():
    for process in list(_running):
        stop(process)


def free_port(start=21000):
    """A port below those that the kernel gives to outgoing connections."""
    for port in range(start, 32000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SystemExit("no free port on 127.0.0.1")


def read_line(process, patience):
    """The next line that a process prints."""
    ready, _, _ = select.select([process.stdout], [], [], patience)
    line = process.stdout.readline() if ready else ""
    if not line:
        raise RuntimeError("%s said nothing" % process.args[0])
    return line.strip()


class Upstream:
    """The scripted provider."""

    def __init__(self, program, log):
        self.process = spawn([program], LOAD_CPU, log, stdout=subprocess.PIPE)
        self.port = int(read_line(self.process, 10).rsplit(":", 1)[1])

    def script(self, delay_ms=0, chunks=50, interval_ms=5):
        body = json.dumps({"delay_ms": delay_ms, "chunks": chunks, "interval_ms": interval_ms})
        request = urllib.request.Request(
            "http://127.0.0.1:%d/script" % self.port, data=body.encode(), method="PUT"
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            assert answer.status == 200


class Load:
    """One run of the load generator; see its own documentation for the conversation."""

    def __init__(self, program, peer, arguments, log):
        command = [program, "--address", "127.0.0.1:%d" % peer.port, "--key", peer.key] + arguments
        self.process = spawn(command, LOAD_CPU, log, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def hear(self, patience):
        return read_line(self.process, patience)

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self):
        stop(self.process)


def wait_until(condition, patience, what, pause=0.001):
    """Waits for a condition; returns the seconds it took."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > patience:
            raise RuntimeError("gave up waiting for " + what)
        time.sleep(pause)
    return time.monotonic() - begun
