"""The figures as a table, and the targets of the scan: met or not."""

OURS = "fleetwright"
#: Read calls per instance where a cell has a thousand instances or more.
CALLS_PER_INSTANCE = 0.045
#: How many times less CPU than any peer.
CPU_RATIO = 10
#: Our own memory for the largest fleet, in MiB.
PEAK_MIB = 256
#: The fleet that target is about.
LARGEST = 100_000


def table(results):
    """One row per fleet and contender; the ratios are contender / fleetwright."""
    head = [
        "instances",
        "contender",
        "wall s",
        "ratio",
        "CPU s",
        "ratio",
        "peak MiB",
        "calls",
        "throttled",
        "reads/inst.",
    ]
    rows = [head]
    for result in results:
        ours = result["medians"][OURS]
        for name, median in result["medians"].items():
            rows.append(
                [
                    f"{median['instances']:.0f}",
                    name,
                    f"{median['wall_s']:.2f}",
                    f"{median['wall_s'] / ours['wall_s']:.1f}",
                    f"{median['cpu_s']:.2f}",
                    f"{median['cpu_s'] / ours['cpu_s']:.1f}",
                    f"{median['peak_mib']:.0f}",
                    f"{median['calls']:.0f}",
                    f"{median['throttled']:.0f}",
                    f"{median['counted_reads'] / median['instances']:.4f}",
                ]
            )
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
    return "\n" + "\n".join(lines) + "\n"


def targets(results):
    """Each target with what was measured."""
    rows = []
    for result in results:
        fleet, medians = result["fleet"], result["medians"]
        ours, count = medians[OURS], fleet["instances"]
        if count / (fleet["accounts"] * fleet["regions"]) >= 1000:
            reads = ours["counted_reads"] / ours["instances"]
            rows.append(entry(f"read calls per instance, {count} instances", reads, "at most", CALLS_PER_INSTANCE))
        for name, peer in medians.items():
            if name != OURS:
                ratio = peer["cpu_s"] / ours["cpu_s"]
                rows.append(entry(f"CPU of {name} / ours, {count} instances", ratio, "at least", CPU_RATIO))
        if count >= LARGEST:
            rows.append(entry(f"our peak memory in MiB, {count} instances", ours["peak_mib"], "at most", PEAK_MIB))
    return rows


def entry(what, measured, relation, target):
    met = measured <= target if relation == "at most" else measured >= target
    return {"what": what, "measured": round(measured, 4), "relation": relation, "target": target, "met": met}


def verdicts(rows):
    """A line per target."""
    return "\n".join(
        f"{'met    ' if row['met'] else 'NOT MET'}  {row['what']}: {row['measured']} ({row['relation']} {row['target']})"
        for row in rows
    )
