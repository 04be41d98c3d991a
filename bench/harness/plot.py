"""The picture of a run, as SVG."""

from .report import SIZES, Results, megabytes

WIDTH, LEFT, RIGHT, BAR, GAP, GROUP = 760, 150, 110, 16, 4, 22
COLORS = {"nginx": "#9aa5b1", "llmux": "#2f6fde"}
OTHER = "#c9a227"
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2933; }
  .title { font-size: 15px; font-weight: 600; }
  .note { fill: #616e7c; font-size: 12px; }
  .axis { stroke: #cbd2d9; stroke-width: 1; }
"""


def write(results, path):
    """Draws CPU per request and event, and memory, as groups of bars."""
    results = Results(results)
    peers = [peer for peer in results.peers if peer != "direct"]
    panels = [
        ("CPU per request and per streamed event", "µs", cpu_groups(results, peers)),
        ("Resident memory", "MB", memory_groups(results, peers)),
    ]
    parts, y = [], 24
    for title, unit, groups in panels:
        parts.append(f'<text class="title" x="20" y="{y}">{title}</text>')
        parts.append(f'<text class="note" x="{WIDTH - 20}" y="{y}" text-anchor="end">{unit}, less is better</text>')
        drawn, y = panel(groups, y + 18)
        parts += drawn
        y += 34
    parts += legend(peers, results, y)
    height = y + 20
    body = "\n".join(parts)
    with open(path, "w") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            f'aria-label="CPU and memory of LLMux beside nginx">\n<style>{STYLE}</style>\n'
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
        )


def cpu_groups(results, peers):
    groups = []
    for scenario in SIZES + ("streams",):
        name = "streamed event" if scenario == "streams" else scenario + " request"
        bars = []
        for peer in peers:
            ratio = results.ratio(peer, scenario)
            note = f" ({ratio:.2f} ×)" if ratio and peer != "nginx" else ""
            bars.append((peer, results.cpu(peer, scenario), note))
        groups.append((name, bars))
    return groups


def memory_groups(results, peers):
    groups = [("idle", [(peer, results.median(peer, "idle", megabytes), "") for peer in peers])]
    for count in sorted({record["streams"] for record in results.records if record["scenario"] == "hold"}):
        bars = [(peer, results.median(peer, "hold", megabytes, streams=count), "") for peer in peers]
        groups.append((f"{count:,} open streams", bars))
    return groups


def panel(groups, top):
    """The bars of one panel; returns the elements and where they end."""
    longest = max((value or 0 for _, bars in groups for _, value, _ in bars), default=0) or 1
    room = WIDTH - LEFT - RIGHT
    parts, y = [], top
    for name, bars in groups:
        middle = y + (len(bars) * (BAR + GAP) - GAP) / 2 + 4
        parts.append(f'<text x="{LEFT - 12}" y="{middle:.0f}" text-anchor="end">{name}</text>')
        for peer, value, note in bars:
            if value is not None:
                length = max(value / longest * room, 1)
                color = COLORS.get(peer, OTHER)
                parts.append(
                    f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{color}">'
                    f"<title>{peer}: {value:.1f}</title></rect>"
                )
                parts.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + 13}">{value:.1f}{note}</text>')
            y += BAR + GAP
        y += GROUP - GAP
    y -= GROUP - GAP
    parts.append(f'<line class="axis" x1="{LEFT}" y1="{top - 4}" x2="{LEFT}" y2="{y}"/>')
    return parts, y


def legend(peers, results, y):
    parts, x = [], LEFT
    for peer in peers:
        label = f"{peer} {results.meta['versions'].get(peer, '')}".strip()
        parts.append(f'<rect x="{x}" y="{y - 11}" width="12" height="12" rx="2" fill="{COLORS.get(peer, OTHER)}"/>')
        parts.append(f'<text x="{x + 18}" y="{y}">{label}</text>')
        x += 40 + 8 * len(label)
    about = f"{results.meta['date']}, medians of {results.rounds} rounds; × to nginx"
    parts.append(f'<text class="note" x="{WIDTH - 20}" y="{y}" text-anchor="end">{about}</text>')
    return parts
