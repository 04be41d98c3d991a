"""A scripted model provider: Chat Completions and Messages, whole and streamed, with made-up answers.

What it answers depends only on the request: a word in the last user message chooses the answer (see `Script`). It
keeps every request, and `GET /requests` returns and forgets them. Runs by itself, too, for suites in other
languages: `python3 upstream.py` prints `listening on http://127.0.0.1:PORT`. Needs only the standard library.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = "The harbour lies quiet under a thin moon."
THOUGHT = "They ask about the harbour."
SIGNATURE = "c2lnbmVkLWhhcmJvdXI="
ARGUMENTS = {"place": "harbour", "days": 2}
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 11, 5, 7


def pieces(text, size=6):
    """The text cut as a provider might cut it, in the middle of words."""
    return [text[at : at + size] for at in range(0, len(text), size)]


class Script:
    """Which answer a request gets, whatever its dialect."""

    def __init__(self, body):
        self.streamed = bool(body.get("stream"))
        self.with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        last = body["messages"][-1]
        content = last["content"]
        parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
        text = " ".join(part.get("text", "") for part in parts)
        answered = last["role"] == "tool" or any(part["type"] == "tool_result" for part in parts)
        names = [tool.get("name") or tool["function"]["name"] for tool in body.get("tools") or []]
        self.calls = [] if answered else [name for name in names if name in text]
        self.thinks = "think" in text
        self.fault = next((int(code) for code in ("400", "429", "500", "529") if f"fail-{code}" in text), None)
        self.slow = "slowly" in text


class ChatCompletions:
    """The answers in OpenAI's dialect."""

    @staticmethod
    def error(status):
        kind = {400: "invalid_request_error", 429: "rate_limit_error"}.get(status, "server_error")
        return {"error": {"message": f"scripted fault {status}", "type": kind, "param": None, "code": None}}

    @staticmethod
    def usage():
        return {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
            "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        }

    @staticmethod
    def calls(script):
        return [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(ARGUMENTS)},
            }
            for number, name in enumerate(script.calls)
        ]

    @classmethod
    def whole(cls, script):
        message = {"role": "assistant", "content": None if script.calls else TEXT, "refusal": None}
        if script.calls:
            message["tool_calls"] = cls.calls(script)
        if script.thinks:
            message["reasoning_content"] = THOUGHT
        reason = "tool_calls" if script.calls else "stop"
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1760000000, "model": "scripted-1"}
        return {**answer, "choices": [choice], "usage": cls.usage(), "x_tide": "rising"}

    @classmethod
    def streamed(cls, script):
        base = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1760000000,
            "model": "scripted-1",
        }
        deltas = [{"role": "assistant", "content": None if script.calls else ""}]
        if script.thinks:
            deltas += [{"reasoning_content": piece} for piece in pieces(THOUGHT)]
        for index, call in enumerate(cls.calls(script)):
            arguments = call["function"].pop("arguments")
            call["function"]["arguments"] = ""
            deltas.append({"tool_calls": [{"index": index, **call}]})
            for piece in pieces(arguments):
                deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        if not script.calls:
            deltas += [{"content": piece} for piece in pieces(TEXT)]
        for delta in deltas:
            yield None, {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        reason = "tool_calls" if script.calls else "stop"
        yield None, {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
        if script.with_usage:
            yield None, {**base, "choices": [], "usage": cls.usage()}
        yield None, "[DONE]"


class Messages:
    """The answers in Anthropic's dialect."""

    @staticmethod
    def error(status):
        kind = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}
        error = {"type": kind.get(status, "api_error"), "message": f"scripted fault {status}"}
        return {"type": "error", "error": error, "request_id": "req_1"}

    @staticmethod
    def usage(output):
        return {
            "input_tokens": INPUT_TOKENS - CACHED_TOKENS,
            "cache_read_input_tokens": CACHED_TOKENS,
            "cache_creation_input_tokens": 0,
            "output_tokens": output,
        }

    @staticmethod
    def blocks(script):
        blocks = []
        if script.thinks:
            blocks.append({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE})
        for number, name in enumerate(script.calls):
            blocks.append({"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": ARGUMENTS})
        if not script.calls:
            blocks.append({"type": "text", "text": TEXT})
        return blocks

    @classmethod
    def envelope(cls, output):
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted-1"}
        return {**message, "stop_reason": None, "stop_sequence": None, "usage": cls.usage(output)}

    @classmethod
    def whole(cls, script):
        reason = "tool_use" if script.calls else "end_turn"
        envelope = cls.envelope(OUTPUT_TOKENS)
        return {**envelope, "content": cls.blocks(script), "stop_reason": reason, "x_tide": "rising"}

    @staticmethod
    def opened(block):
        """The block as it begins, and the deltas that fill it."""
        if block["type"] == "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        if block["type"] == "tool_use":
            arguments = pieces(json.dumps(block["input"]))
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in arguments]
            return {**block, "input": {}}, deltas
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(TEXT)]

    @classmethod
    def streamed(cls, script):
        def event(kind, **fields):
            return kind, {"type": kind, **fields}

        yield event("message_start", message={**cls.envelope(1), "content": []})
        yield event("ping")
        for index, block in enumerate(cls.blocks(script)):
            empty, deltas = cls.opened(block)
            yield event("content_block_start", index=index, content_block=empty)
            for delta in deltas:
                yield event("content_block_delta", index=index, delta=delta)
            yield event("content_block_stop", index=index)
        reason = {"stop_reason": "tool_use" if script.calls else "end_turn", "stop_sequence": None}
        yield event("message_delta", delta=reason, usage={"output_tokens": OUTPUT_TOKENS})
        yield event("message_stop")


class CohereChat:
    """The answers in Cohere's dialect."""

    @staticmethod
    def error(status):
        return {"id": "err_1", "message": f"scripted fault {status}"}

    @staticmethod
    def usage():
        billed = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
        tokens = {"input_tokens": INPUT_TOKENS + 500, "output_tokens": OUTPUT_TOKENS + 3}
        return {"billed_units": billed, "tokens": tokens, "cached_tokens": CACHED_TOKENS}

    @staticmethod
    def content(script):
        thought = [{"type": "thinking", "thinking": THOUGHT}] if script.thinks else []
        return thought + ([] if script.calls else [{"type": "text", "text": TEXT}])

    @classmethod
    def whole(cls, script):
        message = {"role": "assistant", "content": cls.content(script)}
        if script.calls:
            message |= {"tool_plan": "I will look.", "tool_calls": ChatCompletions.calls(script)}
        reason = "TOOL_CALL" if script.calls else "COMPLETE"
        answer = {"id": "co-1", "message": message, "finish_reason": reason}
        return {**answer, "usage": cls.usage(), "x_tide": "rising"}

    @classmethod
    def streamed(cls, script):
        def event(kind, **fields):
            return kind, {"type": kind, **fields}

        def delta(**message):
            return {"message": message}

        yield event("message-start", id="co-1", delta=delta(role="assistant", content=[]))
        for index, block in enumerate(cls.content(script)):
            name = block["type"]
            yield event("content-start", index=index, delta=delta(content={"type": name, name: ""}))
            for piece in pieces(block[name]):
                yield event("content-delta", index=index, delta=delta(content={name: piece}))
            yield event("content-end", index=index)
        for index, call in enumerate(ChatCompletions.calls(script)):
            arguments = call["function"]["arguments"]
            call["function"]["arguments"] = ""
            yield event("tool-call-start", index=index, delta=delta(tool_calls=call))
            for piece in pieces(arguments):
                calls = {"function": {"arguments": piece}}
                yield event("tool-call-delta", index=index, delta=delta(tool_calls=calls))
            yield event("tool-call-end", index=index)
        reason = "TOOL_CALL" if script.calls else "COMPLETE"
        yield event("message-end", delta={"finish_reason": reason, "usage": cls.usage()})
        yield None, "[DONE]"


class OllamaChat:
    """The answers in Ollama's dialect: lines instead of events."""

    lines = True

    @staticmethod
    def error(status):
        return {"error": f"scripted fault {status}"}

    @staticmethod
    def line(message, **fields):
        time = "2025-10-09T08:53:20.5Z"
        return {"model": "scripted-1", "created_at": time, "message": message, "done": False, **fields}

    @classmethod
    def end(cls, message):
        counts = {"prompt_eval_count": INPUT_TOKENS, "eval_count": OUTPUT_TOKENS, "total_duration": 5}
        return cls.line(message, **counts) | {"done": True, "done_reason": "stop"}

    @staticmethod
    def calls(script):
        return [{"function": {"name": name, "arguments": ARGUMENTS}} for name in script.calls]

    @classmethod
    def whole(cls, script):
        message = {"role": "assistant", "content": "" if script.calls else TEXT}
        if script.thinks:
            message["thinking"] = THOUGHT
        if script.calls:
            message["tool_calls"] = cls.calls(script)
        return {**cls.end(message), "x_tide": "rising"}

    @classmethod
    def streamed(cls, script):
        def message(**fields):
            return {"role": "assistant", "content": "", **fields}

        for piece in pieces(THOUGHT) if script.thinks else []:
            yield None, cls.line(message(thinking=piece))
        for piece in [] if script.calls else pieces(TEXT):
            yield None, cls.line(message(content=piece))
        if script.calls:
            yield None, cls.line(message(tool_calls=cls.calls(script)))
        yield None, cls.end(message())


DIALECTS = {"/v1/chat/completions": ChatCompletions, "/v1/messages": Messages, "/v2/chat": CohereChat}
DIALECTS["/api/chat"] = OllamaChat


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, self.server.take_requests())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.split("?")[0]
        self.server.keep({"path": path, "headers": headers, "body": body})
        dialect = DIALECTS.get(path)
        if dialect is None:
            return self.answer(404, {"error": {"message": f"nothing is scripted for {path}"}})
        script = Script(body)
        if script.fault:
            return self.answer(script.fault, dialect.error(script.fault))
        if script.streamed:
            return self.stream(dialect.streamed(script), script.slow, getattr(dialect, "lines", False))
        return self.answer(200, dialect.whole(script))

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if status == 429:
            self.send_header("retry-after", "1")
        self.end_headers()
        self.wfile.write(data)

    def stream(self, events, slow, lines):
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson" if lines else "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for name, data in events:
                text = data if isinstance(data, str) else json.dumps(data)
                frame = (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
                frame = f"{text}\n" if lines else frame
                self.chunk(frame.encode())
                if slow:
                    time.sleep(0.1)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            # The proxy has hung up, as it must when its client does.
            self.server.keep({"hung_up": True})
            self.close_connection = True

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *_):
        pass


class Upstream(ThreadingHTTPServer):
    """The scripted provider on a free port of the loopback interface."""

    daemon_threads = True
    # The default queue of five drops connections when many clients arrive at once.
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._kept = []
        self._changed = threading.Condition()

    def keep(self, entry):
        with self._changed:
            self._kept.append(entry)
            self._changed.notify_all()

    def take_requests(self):
        """Everything since the last call."""
        with self._changed:
            kept, self._kept = self._kept, []
            return kept

    def last_request(self):
        """The newest request; forgets all."""
        return self.take_requests()[-1]

    def hung_up(self, within):
        """Whether the other side closes a stream early within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: any("hung_up" in entry for entry in self._kept), within)


if __name__ == "__main__":
    server = Upstream()
    print(f"listening on {server.url}", flush=True)
    server.serve_forever()
