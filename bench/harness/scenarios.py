"""What every peer is put through."""

import json
import time

from . import measure, peers, processes

# How each scenario scripts the upstream and calls the load generator; seconds of warm-up and of measuring.
CPU = {
    "1 KB": ({}, ["--body-bytes", "1024"], 1.0, 3.0, 64),
    "10 KB": ({}, ["--body-bytes", "10240"], 1.0, 3.0, 64),
    "100 KB": ({}, ["--body-bytes", "102400"], 1.0, 3.0, 16),
    "streams": ({"chunks": 100, "interval_ms": 2}, ["--stream"], 1.0, 4.0, 32),
}
# The same through a translation: clients of one dialect, a provider of the other, in both directions.
TRANSLATED = {
    f"{name} {client}": (script, arguments + to, *rest)
    for client, to in {
        "messages to chat": ["--dialect", "messages"],
        "chat to messages": ["--model", peers.MESSAGES_MODEL],
    }.items()
    for name, (script, arguments, *rest) in CPU.items()
    if name != "10 KB"
}
LATENCY = {
    "latency": ({}, [], 1.0, 5.0, 100),
    "first byte": ({"chunks": 20, "interval_ms": 5}, ["--stream"], 1.0, 5.0, 20),
}
# Streams that stay open while memory is read; a little traffic keeps them honest.
HELD = {"chunks": 1000, "interval_ms": 5000}
STARTS = 3


class Runner:
    """Runs scenarios against one started peer after the other."""

    def __init__(self, load_program, upstream, log, scale, held):
        self.load_program, self.upstream, self.log = load_program, upstream, log
        self.scale, self.held = scale, held

    def run(self, peer):
        """Yields a record per scenario."""
        if peer.name != "direct":
            yield from self._starts(peer)
        peer.start()
        try:
            if peer.process:
                time.sleep(0.5)  # for what a process does once after its start
                rss, pss = measure.memory_kb(peer.process.pid)
                yield {"scenario": "idle", "rss_kb": rss, "pss_kb": pss, "size": peer.size()}
                for streams in self.held:
                    yield self._hold(peer, streams)
        finally:
            peer.stop()
        peer.start()
        try:
            loads = CPU | TRANSLATED if peer.translates else CPU
            for name, (script, arguments, warmup, seconds, connections) in loads.items():
                mode = ["closed", "--connections", str(connections)]
                yield {"scenario": name, **self._load(peer, script, arguments, mode, warmup, seconds)}
            for name, (script, arguments, warmup, seconds, rate) in LATENCY.items():
                mode = ["open", "--connections", "64", "--rate", str(rate)]
                yield {"scenario": name, **self._load(peer, script, arguments, mode, warmup, seconds)}
        finally:
            peer.stop()

    def _starts(self, peer):
        for _ in range(STARTS):
            try:
                yield {"scenario": "start", "seconds": peer.start()}
            finally:
                peer.stop()

    def _load(self, peer, script, arguments, mode, warmup, seconds):
        self.upstream.script(**script)
        seconds = max(seconds * self.scale, 0.5)
        warmup = max(warmup * self.scale, 0.3)
        span = ["--warmup", str(warmup), "--seconds", str(seconds)]
        load = processes.Load(self.load_program, peer, arguments + mode + span, self.log)
        try:
            assert load.hear(warmup + 60) == "ready"
            before = measure.on_cpu_ns(peer.process.pid) if peer.process else 0
            load.go()
            result = json.loads(load.hear(seconds + 60))
        finally:
            load.finish()
        if peer.process and result["ok"]:
            spent = measure.on_cpu_ns(peer.process.pid) - before
            result["cpu_us"] = spent / 1000 / result["ok"]
            result["cpu_share"] = spent / 1e9 / result["seconds"]
            if result["events"]:
                result["cpu_us_per_event"] = spent / 1000 / result["events"]
        return result

    def _hold(self, peer, streams):
        self.upstream.script(**HELD)
        load = processes.Load(self.load_program, peer, ["hold", "--streams", str(streams)], self.log)
        try:
            held = json.loads(load.hear(120))
            time.sleep(0.5)
            rss, pss = measure.memory_kb(peer.process.pid)
            load.go()
            held.update(json.loads(load.hear(30)))
        finally:
            load.finish()
        return {"scenario": "hold", "streams": streams, "rss_kb": rss, "pss_kb": pss, **held}
