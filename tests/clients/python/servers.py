"""Fixtures of every suite: the scripted provider, and the real proxy before it."""

import threading

import pytest
from proxy import MASTER_KEY, Proxy
from upstream import Upstream


@pytest.fixture(scope="session")
def upstream_server():
    server = Upstream()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def proxy(upstream_server, tmp_path_factory):
    proxy = Proxy(upstream_server.url, tmp_path_factory.mktemp("proxy"))
    yield proxy
    code = proxy.stop()
    assert code == 0, f"the proxy ended with {code}:\n{proxy.log()}"
    assert MASTER_KEY not in proxy.log(), "the master key stands in the log"
