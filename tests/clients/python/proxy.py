"""Starts the real proxy for the tests, and stops it."""

import os
import re
import signal
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

MASTER_KEY = "sk-client-tests"
UPSTREAM_KEY = "sk-upstream-tests"
CONFIG = Path(__file__).resolve().parent.parent / "proxy.yaml"
# Far above what a start takes; reached only by a proxy that will never answer.
PATIENCE = 30.0


class Proxy:
    def __init__(self, upstream_url, folder, certificate=None, config=CONFIG):
        """`certificate` is a PEM file with certificate and key: with it, the proxy speaks HTTPS."""
        self._certificate = certificate
        self._output = folder / "proxy.log"
        environment = {key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")}
        environment |= {
            "LLMUX_TEST_MASTER_KEY": MASTER_KEY,
            "LLMUX_TEST_UPSTREAM_KEY": UPSTREAM_KEY,
            "LLMUX_TEST_OPENAI_BASE": f"{upstream_url}/v1",
            "LLMUX_TEST_ANTHROPIC_BASE": upstream_url,
        }
        command = [os.environ["LLMUX_PROXY_BIN"], "--config", str(config), "--host", "127.0.0.1", "--port", "0"]
        if certificate:
            command += ["--tls-cert", str(certificate), "--tls-key", str(certificate)]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            self.url = self._wait_for_address()
            self._wait_for_readiness()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def stop(self):
        """Asks it to drain, as a service manager does, and returns its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def log(self):
        return self._output.read_text(errors="replace")

    def _wait_for_address(self):
        def address():
            found = re.search(r"listening on (https?://[\w.:\[\]]+)", self.log())
            return found and found.group(1)

        return self._wait_for(address, "it never said where it listens")

    def _wait_for_readiness(self):
        trust = ssl.create_default_context(cafile=self._certificate) if self._certificate else None

        def ready():
            try:
                with urllib.request.urlopen(f"{self.url}/health/readiness", timeout=5, context=trust) as answer:
                    return answer.status == 200
            except OSError:
                return False

        self._wait_for(ready, "it never became ready")

    def _wait_for(self, condition, complaint):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            if result := condition():
                return result
            time.sleep(0.05)
        raise RuntimeError(f"{complaint} (exit code {self._process.poll()}):\n{self.log()}")
