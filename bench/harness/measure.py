"""What the kernel knows about a process."""

import os


def on_cpu_ns(pid):
    """Nanoseconds that all threads of a process have run, from the scheduler's own account."""
    total = 0
    for thread in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as account:
                total += int(account.read().split()[0])
        except FileNotFoundError:
            pass  # it ended meanwhile
    return total


def memory_kb(pid):
    """Resident and proportional memory in KiB."""
    found = {}
    with open("/proc/%d/smaps_rollup" % pid) as lines:
        for line in lines:
            name, _, rest = line.partition(":")
            if name in ("Rss", "Pss"):
                found[name] = int(rest.split()[0])
    return found["Rss"], found["Pss"]


def machine():
    """The machine in a few words."""
    model = "unknown CPU"
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": os.uname().release}
