"""A scripted Bedrock: answers of Converse and of `invoke`, whole and as event streams, to requests that are signed."""

import base64
import json
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from upstream import INPUT_TOKENS, OUTPUT_TOKENS, SIGNATURE, TEXT, THOUGHT, Messages, Script, pieces

ACCESS_KEY, SECRET_KEY, REGION = "AKIDTESTS", "secret-of-the-tests", "eu-central-1"
USAGE = {"inputTokens": INPUT_TOKENS, "outputTokens": OUTPUT_TOKENS, "totalTokens": INPUT_TOKENS + OUTPUT_TOKENS}


def message(payload, **headers):
    """A message of an event stream, by the encoding's specification."""
    block = b""
    for name, value in headers.items():
        name, value = b":" + name.replace("_", "-").encode(), value.encode()
        block += struct.pack(">B", len(name)) + name + struct.pack(">BH", 7, len(value)) + value
    payload = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    framed = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return framed + struct.pack(">I", zlib.crc32(framed))


def event(kind, payload):
    return message(payload, event_type=kind, content_type="application/json", message_type="event")


def exception(kind, text):
    return message({"message": text}, exception_type=kind, content_type="application/json", message_type="exception")


def is_signed(method, path, headers, body):
    """Whether the signature is the one that AWS's own library makes."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme != "AWS4-HMAC-SHA256" or not parts["Credential"].endswith(f"/{REGION}/bedrock/aws4_request"):
        return False
    signed = {name: headers[name] for name in parts["SignedHeaders"].split(";")}
    request = AWSRequest(method=method, url=f"http://{headers['host']}{path}", data=body, headers=signed)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "bedrock", REGION)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return signer.signature(text, request) == parts["Signature"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        data = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(data)
        self.server.kept.append({"path": self.path, "headers": headers, "body": body})
        if not is_signed("POST", self.path, headers, data):
            return self.refuse(403, "InvalidSignatureException", "The request signature does not match.")
        _, _, model, method = self.path.split("/")
        if "scripted" not in unquote(model):
            return self.refuse(400, "ValidationException", "The provided model identifier is invalid.")
        if "too-long" in data.decode():
            return self.refuse(400, "ValidationException", "Input is too long for requested model.")
        getattr(self, method.replace("-", "_"))(body)

    def converse(self, body):
        tools = [tool["toolSpec"]["name"] for tool in body.get("toolConfig", {}).get("tools", [])]
        signed = {"text": THOUGHT, "signature": SIGNATURE}
        content = [{"reasoningContent": {"reasoningText": signed}}, {"text": TEXT}]
        content += [{"toolUse": {"toolUseId": "tooluse_1", "name": name, "input": {"a": 1}}} for name in tools]
        self.answer(200, {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "tool_use" if tools else "end_turn", "usage": USAGE, "metrics": {"latencyMs": 7},
        })

    def converse_stream(self, body):
        frames = [event("messageStart", {"role": "assistant"})]
        text = json.dumps(body)
        if "fail-first" in text:
            return self.stream([exception("throttlingException", "slow down")])
        frames += [event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": p}}) for p in pieces(TEXT)]
        if "fail-late" in text:
            return self.stream(frames + [exception("modelStreamErrorException", "lost the thread")])
        frames.append(event("contentBlockStop", {"contentBlockIndex": 0}))
        frames.append(event("messageStop", {"stopReason": "end_turn"}))
        frames.append(event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 7}}))
        self.stream(frames)

    def invoke(self, body):
        self.answer(200, Messages.whole(Script(body)))

    def invoke_with_response_stream(self, body):
        def chunk(data):
            return event("chunk", {"bytes": base64.b64encode(json.dumps(data).encode()).decode()})

        self.stream([chunk(data) for _, data in Messages.streamed(Script(body))])

    def count_tokens(self, _body):
        self.answer(200, {"inputTokens": INPUT_TOKENS})

    def refuse(self, status, name, text):
        self.answer(status, {"message": text}, {"x-amzn-errortype": name})

    def answer(self, status, body, headers=None):
        self.send(status, "application/json", json.dumps(body).encode(), headers or {})

    def stream(self, frames):
        self.send(200, "application/vnd.amazon.eventstream", b"".join(frames), {})

    def send(self, status, kind, data, headers):
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Bedrock(ThreadingHTTPServer):
    """The scripted Bedrock on a free port of the loopback interface."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.kept = []
        threading.Thread(target=self.serve_forever, daemon=True).start()
