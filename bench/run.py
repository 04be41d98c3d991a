#!/usr/bin/env python3
"""Measures llmux-proxy beside nginx, both before the same upstream, in one run.

  bench/run.py run [--rounds 5] [--peers direct,nginx,llmux] [--quick]
  bench/run.py report                  the tables in Markdown, from the last run
  bench/run.py plot FILE.svg           the picture
  bench/run.py publish                 both into docs/

The gateway runs on CPU 0; load, upstream and this program on CPU 1. Everything stays on 127.0.0.1.
Programs: LLMUX_PROXY_BIN, and BENCH_BIN, the folder of bench-upstream and bench-load; scripts/bench
builds and sets both.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile

from harness import measure, peers, plot, processes, report, scenarios

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "out", "results.json")
DOCS = os.path.join(HERE, "..", "docs")
STREAMS = (1000, 10000)


def run(arguments):
    chosen = [peers.ALL[name] for name in arguments.peers.split(",")]
    for peer in list(chosen):
        if peer.missing():
            print("without %s: %s" % (peer.name, peer.missing()), file=sys.stderr)
            chosen.remove(peer)
    processes.prepare()
    held = affordable(STREAMS)
    if arguments.quick:
        held = held[:1]
    programs = os.environ.get("BENCH_BIN", os.path.join(HERE, "target", "release"))
    records = []
    with tempfile.TemporaryFile("w+") as log:
        try:
            upstream = processes.Upstream(os.path.join(programs, "bench-upstream"), log)
            ready = [peer(upstream, log) for peer in chosen]
            meta = describe(ready, arguments)
            runner = scenarios.Runner(
                os.path.join(programs, "bench-load"), upstream, log, 0.2 if arguments.quick else 1.0, held
            )
            for number in range(arguments.rounds):
                # Every other round goes backwards, so that a drift of the machine favours nobody.
                for peer in ready if number % 2 == 0 else ready[::-1]:
                    for record in runner.run(peer):
                        record = {"round": number, "peer": peer.name, **record}
                        records.append(record)
                        print(report.line(record), flush=True)
                save(meta, records)
        except (RuntimeError, AssertionError, OSError) as error:
            log.seek(0)
            sys.exit("%s\n%s" % (error, log.read()[-3000:]))
        finally:
            processes.stop_all()
    print("\nresults are in " + os.path.relpath(RESULTS))


def affordable(counts):
    """The numbers of streams to hold: each costs a gateway two files, and some systems allow too few."""
    files = processes.raise_open_files(2 * max(counts) + 2000)
    most = (files - 200) // 200 * 100
    if most < max(counts):
        print("%d open files allow %d streams" % (files, most), file=sys.stderr)
    return sorted({min(count, most) for count in counts})


def describe(ready, arguments):
    return {
        "date": datetime.date.today().isoformat(),
        "quick": arguments.quick,
        "machine": measure.machine(),
        "versions": {peer.name: peer.version() for peer in ready if peer.program},
    }


def save(meta, records):
    os.makedirs(os.path.dirname(RESULTS), exist_ok=True)
    with open(RESULTS, "w") as file:
        json.dump({"meta": meta, "records": records}, file, indent=1)


def load():
    try:
        with open(RESULTS) as file:
            return json.load(file)
    except FileNotFoundError:
        sys.exit("nothing was measured yet: bench/run.py run")


def publish():
    results = load()
    plot.write(results, os.path.join(DOCS, "benchmarks.svg"))
    page = os.path.join(DOCS, "benchmarks.md")
    with open(page) as file:
        text = file.read()
    before, begin, rest = text.partition("<!-- figures -->\n")
    _, end, after = rest.partition("<!-- end of figures -->")
    if not begin or not end:
        sys.exit("docs/benchmarks.md has no place for the figures")
    with open(page, "w") as file:
        file.write(before + begin + "\n" + report.markdown(results) + "\n" + end + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("--rounds", type=int, default=5, choices=range(1, 51), metavar="N")
    running.add_argument("--peers", default=",".join(peers.ALL))
    running.add_argument("--quick", action="store_true", help="a fifth of the time: to try, not to measure")
    commands.add_parser("report")
    commands.add_parser("plot").add_argument("file")
    commands.add_parser("publish")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments)
    elif arguments.command == "report":
        print(report.markdown(load()))
    elif arguments.command == "plot":
        plot.write(load(), arguments.file)
    else:
        publish()


if __name__ == "__main__":
    main()
