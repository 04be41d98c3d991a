"""The gateways that are compared, and how each is started."""

import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

from . import processes

KEY = "sk-bench-5d0c7a41f2e94b8896a3"  # made up; guards a gateway on loopback for a few seconds
MODEL = "gpt-4o-mini"
MESSAGES_MODEL = "claude-bench"  # at a provider that speaks Anthropic's dialect


class Peer:
    """Something that answers chat requests on a port of 127.0.0.1."""

    name = ""
    key = KEY
    program = None
    translates = False  # between dialects

    def __init__(self, upstream, log):
        self.upstream, self.log = upstream, log
        self.port, self.process, self.folder = upstream.port, None, None

    @classmethod
    def missing(cls):
        """Why this peer cannot run here, if it cannot."""
        return None

    def command(self, folder):
        """The command line; writes what configuration it needs into `folder`."""
        return None

    def version(self):
        return ""

    def start(self):
        """Starts it; returns the seconds until it first answered a chat request."""
        self.folder = tempfile.TemporaryDirectory(prefix="llmux-bench-")
        self.port = processes.free_port()
        command = self.command(self.folder.name)
        begun = time.monotonic()
        self.process = processes.spawn(command, processes.GATEWAY_CPU, self.log, cwd=self.folder.name)
        processes.wait_until(self._answers, 20, self.name + " to answer")
        return time.monotonic() - begun

    def stop(self):
        if self.process:
            processes.stop(self.process)
            self.folder.cleanup()
            self.process = None

    def size(self):
        return os.path.getsize(os.path.realpath(self.program)) if self.program else None

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("%s ended with status %s" % (self.name, self.process.returncode))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]})
        headers = {"content-type": "application/json", "authorization": "Bearer " + self.key}
        try:
            connection.request("POST", "/v1/chat/completions", body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except OSError:
            return False
        finally:
            connection.close()
        if answer.status in (401, 403, 404):
            raise RuntimeError("%s refuses: %d %r" % (self.name, answer.status, text[:300]))
        return answer.status == 200


class Direct(Peer):
    """No gateway: what load and upstream take by themselves."""

    name = "direct"

    def start(self):
        return None


class Nginx(Peer):
    """A plain reverse proxy, the yardstick."""

    name = "nginx"
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

    @classmethod
    def missing(cls):
        return None if cls.program else "nginx is not installed"

    def version(self):
        told = subprocess.run([self.program, "-v"], capture_output=True, text=True)
        return told.stderr.strip().rpartition("/")[2]

    def command(self, folder):
        path = os.path.join(folder, "nginx.conf")
        temporary = "".join(
            "  %s_temp_path %s/%s;\n" % (kind, folder, kind)
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        with open(path, "w") as file:
            file.write(
                NGINX
                % {"folder": folder, "temporary": temporary, "port": self.port, "upstream": self.upstream.port}
            )
        return [self.program, "-c", path, "-p", folder, "-e", os.path.join(folder, "error.log")]


NGINX = """\
worker_processes 1;
daemon off;
master_process off;
pid %(folder)s/nginx.pid;
events { worker_connections 24000; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  client_max_body_size 10m;
  client_body_buffer_size 256k;
%(temporary)s
  upstream provider {
    server 127.0.0.1:%(upstream)d;
    keepalive 512;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:%(port)d backlog=4096;
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
    }
  }
}
"""


class Llmux(Peer):
    """Our proxy with a master key and one model group over four deployments."""

    name = "llmux"
    program = os.environ.get("LLMUX_PROXY_BIN")
    translates = True

    @classmethod
    def missing(cls):
        if not cls.program:
            return "LLMUX_PROXY_BIN is not set"
        return None if os.access(cls.program, os.X_OK) else cls.program + " is no program"

    def version(self):
        told = subprocess.run([self.program, "--version"], capture_output=True, text=True)
        return (told.stdout.split() or [""])[-1]

    def command(self, folder):
        path = os.path.join(folder, "config.yaml")
        deployment = {
            "model_name": MODEL,
            "litellm_params": {
                "model": "openai/gpt-4o-mini-2026",
                "api_base": "http://127.0.0.1:%d/v1" % self.upstream.port,
                "api_key": "sk-up",
            },
        }
        messages = {
            "model_name": MESSAGES_MODEL,
            "litellm_params": {
                "model": "anthropic/claude-bench-2026",
                "api_base": "http://127.0.0.1:%d" % self.upstream.port,
                "api_key": "sk-up",
            },
        }
        config = {"model_list": [deployment] * 4 + [messages] * 4, "general_settings": {"master_key": KEY}}
        with open(path, "w") as file:
            json.dump(config, file, indent=2)  # JSON is YAML
        return [self.program, "--config", path, "--host", "127.0.0.1", "--port", str(self.port)]


ALL = {peer.name: peer for peer in (Direct, Nginx, Llmux)}
