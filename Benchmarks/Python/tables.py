"""The tables of a result, as text and as Markdown, and the verdicts on its bars."""

import statistics

from plan import MASKED, MASKED_BARS, NAMES, PLAN, SPARSE, SPARSE_THREADS, STEADY, STEADY_SPREAD, SURGERIES

UNITS = {"train": "steps/s", "fomaml": "steps/s", "maml": "steps/s", "evaluate": "images/s"}
TITLES = {
    "train": "Training", "fomaml": "First-order MAML, outer steps", "maml": "Second-order MAML, outer steps", "evaluate": "Evaluation",
}


def key(entry):
    return entry.get("what", "train"), entry["case"], entry["threads"], entry["variant"]


def rates(entry):
    return entry.get("rates") or entry["steps_per_second"]


def figure(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def rate(values):
    """`1,204 [1,180…1,230] 4 %`: the median, least and most, and how far these are apart."""
    median = statistics.median(values)
    return f"{figure(median)} [{figure(min(values))}…{figure(max(values))}] {100 * (max(values) - min(values)) / median:.0f} %"


class Report:
    """Tables and verdicts, in the order in which they are added."""

    def __init__(self):
        self.tables, self.met, self.missed = [], [], []

    def add(self, title, header, rows):
        if rows:
            self.tables.append((title, header, rows))

    def held(self, name, text, is_met, bar):
        """`2.91x (≥ 2.5 met)`, counted among the verdicts under a name."""
        (self.met if is_met else self.missed).append(name)
        return f"{text} ({bar} {'met' if is_met else 'MISSED'})"

    def ratio(self, name, value, bar=None, sign="≥"):
        if value is None:
            return "-"
        text = f"{value:.2f}x"
        if bar is None:
            return text
        return self.held(name, text, value >= bar if sign == "≥" else value <= bar, f"{sign} {bar:.3g}")

    def verdict(self):
        missed = f"; missed: {'; '.join(self.missed)}" if self.missed else ""
        return f"{len(self.met)} of {len(self.met) + len(self.missed)} bars met{missed}"

    def text(self):
        for title, header, rows in self.tables:
            widths = [max(len(row[column]) for row in [header] + rows) for column in range(len(header))]
            lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [header] + rows]
            yield "\n".join(["", title, lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    def markdown(self):
        for title, header, rows in self.tables:
            lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header)] + rows]
            yield "\n".join(["", f"{title}:", "", *lines])


def describe(now):
    """The machine and the versions of a result, in two lines."""
    facts = now["machine"]
    instructions = ", ".join(facts.get("instructions", []))
    places = [facts["processor"], f"{facts['cores']} cores", instructions, facts["system"], f"load {facts['load_at_start']} at the start"]
    places += [f"{name}={value}" for name, value in facts.get("environment", {}).items()]
    versions = ", ".join(f"{name} {text}" for name, text in now["versions"].items() if text)
    return f"{now['date'][:10]}; {'; '.join(part for part in places if part)}.\n{versions}; {now['repetitions']} interleaved repetitions."


def add_rates(report, results):
    found = {key(entry): entry for entry in results}
    order = list(PLAN)

    def place(entry):
        what, case, threads, _ = key(entry)
        return order.index((what, case)), threads

    places = sorted({key(entry)[:3] for entry in results if key(entry)[:2] in PLAN}, key=lambda at: (order.index(at[:2]), at[2]))
    for what, title in TITLES.items():
        rows = []
        for at in places:
            if at[0] != what:
                continue
            ours = found.get((*at, "espalier-dense"))
            variants = ["espalier-dense", *PLAN[at[:2]].peers]
            for variant in [variant for variant in variants if variant not in MASKED]:
                entry = found.get((*at, variant))
                if not entry:
                    continue
                bar = PLAN[at[:2]].peers.get(variant)
                value = ours["median"] / entry["median"] if ours and entry is not ours else None
                name = f"{what} {at[1]}, {counted(at[2])}, {NAMES[variant]}"
                memory = f"{entry['peak_rss_bytes'] / 1e6:.0f}"
                default = found.get((*at, "pytorch-default"))
                if entry is ours and default:
                    is_met = entry["peak_rss_bytes"] <= default["peak_rss_bytes"]
                    memory = report.held(f"memory of {what} {at[1]}, {counted(at[2])}", memory, is_met, "≤ PyTorch")
                rows.append([at[1], str(at[2]), NAMES[variant], rate(rates(entry)), report.ratio(name, value, bar), memory])
        header = ["case", "threads", "program", f"{UNITS[what]}: median [least…most] spread", "Espalier to it", "peak MB"]
        report.add(f"{title}, medians; ratios are of medians, with the bar in brackets", header, rows)
    rows = []
    for at in places:
        for variant, dense in MASKED.items():
            masked, plain = found.get((*at, variant)), found.get((*at, dense))
            if masked and plain:
                bar = MASKED_BARS.get(variant)
                name = f"{variant.split('-')[-1]} {at[1]}, {counted(at[2])}"
                value = report.ratio(name, plain["median"] / masked["median"], bar, "≤")
                rows.append([at[1], str(at[2]), NAMES[variant], rate(rates(masked)), value])
    header = ["case", "threads", "program", "steps/s: median [least…most] spread", "time to a dense step"]
    report.add("Training with 90 % of the weights masked, and with gates", header, rows)


def counted(threads):
    return f"{threads} thread{'s' if threads > 1 else ''}"


def add_steady(report, runs):
    """Whole runs, each in a process of its own: {threads: [steps per second]}."""
    rows, slowest = [], {int(threads): min(values) for threads, values in runs.items()}
    for threads, values in sorted((int(threads), values) for threads, values in runs.items()):
        median = statistics.median(values)
        furthest = max(abs(value / median - 1) for value in values)
        alike, slower = f"{100 * furthest:.0f} %", "-"
        if threads > 1:
            alike = report.held(f"runs of {counted(threads)} alike", alike, furthest <= STEADY_SPREAD, f"≤ {100 * STEADY_SPREAD:g} %")
            if 1 in slowest:
                is_met = min(values) >= slowest[1]
                slower = report.held(f"{counted(threads)} no slower", f"{min(values) / slowest[1]:.2f}x", is_met, "≥ 1")
        rows.append([str(threads), str(len(values)), rate(values), alike, slower])
    header = ["threads", "runs", "steps/s: median [least…most] spread", "furthest from it", "slowest to slowest of one thread"]
    report.add(f"Whole runs of {STEADY}, each a process of its own, by turns", header, rows)


def add_sparse(report, record):
    rows = []
    for row in record["sparse"]:
        is_sparse, threads = row["kernels"] == "sparse", row.get("threads", record.get("threads", 1))
        held = is_sparse and row["sparsity"] in SPARSE
        name = f"sparse steps at {100 * row['sparsity']:g} %"
        rows.append(
            [
                f"{100 * row['sparsity']:g} %" if is_sparse else "dense",
                str(threads),
                figure(row["steps_per_second"]),
                report.ratio(name, row["step_ratio"], SPARSE[row["sparsity"]] if held and threads == 1 else None),
                report.ratio(f"{name}, {counted(threads)}", row.get("thread_ratio"), SPARSE_THREADS if held and threads == 2 else None),
                f"{1e3 * row['evaluation_seconds']:.3g}",
                report.ratio(name, row["evaluation_ratio"]),
            ]
        )
    title = f"LeNet-300-100 with sparse kernels ({record['form']}), by turns in one process; medians over {record['rounds']} rounds"
    header = ["sparsity", "threads", "steps/s", "to dense", "to one thread", "evaluation of 5,000, ms", "to dense"]
    report.add(title, header, rows)


def add_surgeries(report, records):
    rows = []
    for record in records:
        name, seconds, bar = record["case"], record["surgery_seconds"], SURGERIES[record["case"]]
        filters = f"{record['filters_before']:,} → {record['filters_after']:,}"
        surgery = report.held(f"surgery on {name}", f"{seconds:.3f}", seconds <= bar, f"≤ {bar:g}")
        rows.append([name, filters, surgery, f"{record['proof_seconds']:.3f}"])
    header = ["network", "filters", "surgery, s", "proof, s"]
    report.add("Planning and cutting half of all units, one thread, medians of five", header, rows)


def add_comparison(report, path, earlier, now):
    old, rows = {key(entry): entry for entry in earlier["results"]}, []
    for entry in now["results"]:
        before = old.get(key(entry))
        if not before:
            continue
        then, values = rates(before), rates(entry)
        apart = min(values) > max(then) or max(values) < min(then)
        change = f"{100 * (entry['median'] / before['median'] - 1):+.1f} %"
        what, case, threads, variant = key(entry)
        rows.append([what, case, str(threads), variant, rate(then), rate(values), change, "yes" if apart else "no: ranges overlap"])
    title = f"Against {path} ({earlier.get('date', 'undated')})"
    for fact in ("processor", "cores", "system"):
        was = earlier["machine"].get(fact)
        # Earlier results have less of the processor's description.
        if str(was) not in str(now["machine"].get(fact)):
            title += f"; another machine ({fact} was {was}): times do not compare, ratios to the peers may"
    report.add(title, ["what", "case", "threads", "variant", "then", "now", "change", "beyond noise"], rows)


def report_on(now):
    report = Report()
    add_rates(report, now["results"])
    if now.get("steady"):
        add_steady(report, now["steady"])
    if now.get("sparse"):
        add_sparse(report, now["sparse"])
    if now.get("surgeries"):
        add_surgeries(report, now["surgeries"])
    return report
