"""What the peers share: the cases, their command line, the timing and the memory of one measurement."""

import argparse
import json
import pathlib
import platform
import resource
import time

CASES = json.loads((pathlib.Path(__file__).resolve().parent.parent / "cases.json").read_text())

# What Espalier evaluates at once, unless a network's activations would fill half a gigabyte.
EVALUATION_BATCH = 500


def widths(case):
    """The widths of a case's fully connected network, input and classes included; none for another network."""
    kind, _, text = CASES[case]["network"].partition(":")
    return [int(width) for width in text.split("-")] if kind == "mlp" else []


def parse_arguments(description, cases, variants, subjects):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--case", required=True, choices=cases)
    parser.add_argument("--what", default=subjects[0], choices=subjects)
    parser.add_argument("--variant", default=variants[0], choices=variants)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    if options.threads < 1 or options.seconds <= 0:
        parser.error("--threads must be at least 1 and --seconds more than 0")
    return options


def rate(work, seconds):
    """What `work` counts per second: it is called for a fifth of the time as a warm-up, then for the time itself."""

    def run(limit):
        count, start = 0, time.perf_counter()
        while count == 0 or time.perf_counter() - start < limit:
            count += work()
        return count / (time.perf_counter() - start)

    # The first call compiles, or allocates memory.
    work()
    run(seconds / 5)
    return run(seconds)


def peak_resident_bytes():
    try:
        # getrusage also counts what the parent held before exec; the kernel's high-water mark is this process's own.
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if platform.system() == "Darwin" else peak * 1024


def report(options, value, parameters, batch, version):
    record = {
        "case": options.case,
        "variant": options.variant,
        "threads": options.threads,
        "parameters": parameters,
        "batch": batch,
        "peak_rss_bytes": peak_resident_bytes(),
        "version": version,
    }
    record["images_per_second" if options.what == "evaluate" else "steps_per_second"] = value
    print(json.dumps(record))
