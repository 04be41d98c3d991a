"""Medians, ratios and tables."""

import statistics

# What docs/benchmarks.md promises: at most so many times nginx's CPU, or an absolute figure.
CPU_TARGETS = {"1 KB": 1.4, "10 KB": 1.3, "100 KB": 0.9, "streams": 1.2}
SIZES = ("1 KB", "10 KB", "100 KB")
# At most so many times the CPU of what passes as it is; microseconds more for each streamed event.
TRANSLATION_TARGETS = {"1 KB": 2.0, "100 KB": 3.0, "streams": 2.0}
DIRECTIONS = {
    "messages to chat": "Anthropic's client, OpenAI's provider",
    "chat to messages": "OpenAI's client, Anthropic's provider",
}
NONE = "–"


class Results:
    """Records of a run, by peer and scenario."""

    def __init__(self, results):
        self.meta, self.records = results["meta"], results["records"]
        self.peers = list(dict.fromkeys(record["peer"] for record in self.records))
        self.rounds = 1 + max(record["round"] for record in self.records)

    def of(self, peer, scenario, **match):
        return [
            record
            for record in self.records
            if record["peer"] == peer
            and record["scenario"] == scenario
            and all(record.get(key) == value for key, value in match.items())
        ]

    def median(self, peer, scenario, read, **match):
        values = [read(record) for record in self.of(peer, scenario, **match)]
        values = [value for value in values if value is not None]
        return statistics.median(values) if values else None

    def cpu(self, peer, scenario):
        """CPU microseconds per request, or per event for streams."""
        field = "cpu_us_per_event" if scenario.startswith("streams") else "cpu_us"
        return self.median(peer, scenario, lambda record: record.get(field))

    def ratio(self, peer, scenario, base="nginx"):
        """The median of the rounds' ratios of CPU to that of `base`."""
        field = "cpu_us_per_event" if scenario == "streams" else "cpu_us"
        return self._over(peer, scenario, base, lambda ours, theirs: ours.get(field) / theirs.get(field))

    def translation(self, peer, scenario, direction):
        """What a translation costs beside passing the same: the ratio, or for streams the microseconds more per event."""
        streams = scenario == "streams"
        field = "cpu_us_per_event" if streams else "cpu_us"
        values = []
        for record in self.of(peer, f"{scenario} {direction}"):
            passed = self.of(peer, scenario, round=record["round"])
            if passed and record.get("ok") and passed[0].get("ok"):
                ours, base = record[field], passed[0][field]
                values.append(ours - base if streams else ours / base)
        return statistics.median(values) if values else None

    def added_us(self, peer, scenario, times, quantile):
        """How much later than without a gateway, in microseconds."""
        return self._over(
            peer, scenario, "direct", lambda ours, direct: ours[times][quantile] - direct[times][quantile]
        )

    def _over(self, peer, scenario, base, compare):
        values = []
        for record in self.of(peer, scenario):
            other = self.of(base, scenario, round=record["round"])
            if other and record.get("ok") and other[0].get("ok"):
                values.append(compare(record, other[0]))
        return statistics.median(values) if values else None

    def failures(self, peer):
        return sum(record.get("failed", 0) for record in self.records if record["peer"] == peer)


def number(value, digits=1, unit=""):
    return NONE if value is None else f"{value:,.{digits}f}{unit}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def markdown(results):
    """All tables, with what they were measured on."""
    results = Results(results)
    gateways = [peer for peer in results.peers if peer != "direct"]
    meta, machine = results.meta, results.meta["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in meta["versions"].items())
    parts = [
        f"{meta['date']}; {versions}; {machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}; "
        f"medians of {results.rounds} rounds." + (" A quick trial, not a measurement." if meta["quick"] else ""),
        "CPU time of the gateway's process in microseconds; × is the ratio to nginx, round by round.",
        cpu_table(results, gateways),
        "What translations cost: × is the ratio to what passes as it is, + the microseconds more for each event.",
        translation_table(results, gateways),
        "Added time in microseconds over the same load without a gateway: whole answers at 100 requests/s, "
        "first byte of streams at 20 a second.",
        latency_table(results, gateways),
        "Memory is resident memory of the process, in MB.",
        footprint_table(results, gateways),
    ]
    failed = {peer: results.failures(peer) for peer in results.peers if results.failures(peer)}
    if failed:
        parts.append("**Failed requests:** " + ", ".join(f"{peer} {count}" for peer, count in failed.items()) + ".")
    return "\n\n".join(parts) + "\n"


def cpu_table(results, gateways):
    scenarios = SIZES + ("streams",)
    head = ["gateway"]
    for scenario in scenarios:
        head += ["per streamed event" if scenario == "streams" else scenario, "×"]
    rows = []
    for peer in gateways:
        row = [peer]
        for scenario in scenarios:
            row += [number(results.cpu(peer, scenario)), number(results.ratio(peer, scenario), 2)]
        rows.append(row)
    limit = ["at most"]
    for scenario in scenarios:
        limit += ["", number(CPU_TARGETS[scenario], 2)]
    return table(head, rows + [limit])


def translation_table(results, gateways):
    head = ["llmux", "1 KB", "×", "100 KB", "×", "per streamed event", "+"]
    rows = []
    peers = [peer for peer in gateways if results.of(peer, "1 KB " + next(iter(DIRECTIONS)))]
    for peer in peers:
        for direction, title in DIRECTIONS.items():
            row = [title]
            for scenario in TRANSLATION_TARGETS:
                row += [
                    number(results.cpu(peer, f"{scenario} {direction}")),
                    number(results.translation(peer, scenario, direction), 2),
                ]
            rows.append(row)
    limit = ["at most"]
    for target in TRANSLATION_TARGETS.values():
        limit += ["", number(target, 2)]
    return table(head, rows + [limit])


def latency_table(results, gateways):
    head = ["gateway", "answer p50", "p99", "first byte p50", "p99"]
    rows = []
    for peer in gateways:
        row = [peer]
        for scenario, times in (("latency", "latency_us"), ("first byte", "first_byte_us")):
            row += [number(results.added_us(peer, scenario, times, q), 0) for q in ("p50", "p99")]
        rows.append(row)
    return table(head, rows)


def footprint_table(results, gateways):
    streams = sorted({record["streams"] for record in results.records if record["scenario"] == "hold"})
    head = ["gateway", "idle"] + [f"{count:,} open streams" for count in streams]
    head += ["start to first answer, ms", "binary, MB"]
    limit = ["at most", "20"] + ["500" if count > 9000 else "" for count in streams] + ["100", "25"]
    rows = []
    for peer in gateways:
        row = [peer, number(results.median(peer, "idle", megabytes))]
        row += [number(results.median(peer, "hold", megabytes, streams=count)) for count in streams]
        start = results.median(peer, "start", lambda record: record["seconds"] * 1000)
        size = results.median(peer, "idle", lambda record: record["size"] / 1e6)
        rows.append(row + [number(start, 0), number(size)])
    return table(head, rows + [limit])


def megabytes(record):
    return record["rss_kb"] * 1024 / 1e6


def line(record):
    """A record in one line, for watching a run."""
    start = f"[{record['round']}] {record['peer']:7} {record['scenario']:23}"
    if record["scenario"] == "start":
        return f"{start} {record['seconds'] * 1000:.0f} ms"
    if record["scenario"] in ("idle", "hold"):
        held = f" with {record['open']} streams, {record['failed']} failed, {record['ended']} ended" if "open" in record else ""
        return f"{start} {megabytes(record):.1f} MB{held} {record.get('first_failure') or ''}"
    rate = record["ok"] / record["seconds"]
    text = f"{start} {rate:8.0f}/s  p50 {record['latency_us']['p50']:8.0f} µs  p99 {record['latency_us']['p99']:8.0f} µs"
    if "cpu_us" in record:
        text += f"  CPU {record['cpu_us']:7.1f} µs/request, {record['cpu_share'] * 100:.0f} %"
    if "cpu_us_per_event" in record:
        text += f", {record['cpu_us_per_event']:.1f} µs/event"
    if record["failed"]:
        text += f"  {record['failed']} FAILED: {record['first_failure']}"
    return text
