"""Run every subject in fresh processes, interleaved, and print the medians.

usage: script/bench [--json] [--peers] [--rounds N] [--minutes N]
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from typing import Any

from .subject import SUBJECTS, measure

SMARTLOOP_ROOMS = (20, 100)
PEERS = ("mold_indicator", "bayesian", "statistics", "trend")


def child(subject: str, rooms: int, minutes: int) -> dict[str, float]:
    """Measure one subject in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--child", subject, "--rooms", str(rooms), "--minutes", str(minutes)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"bench: {subject} failed:\n{done.stderr[-3000:]}", file=sys.stderr)
        raise SystemExit(done.returncode)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def run(rounds: int, minutes: int, *, peers: bool) -> dict[str, Any]:
    """Return the medians over all rounds."""
    jobs: list[tuple[str, int]] = [("floor", 20)]
    jobs += [("smartloop", rooms) for rooms in SMARTLOOP_ROOMS]
    jobs += [(peer, 20) for peer in PEERS if peers]
    seen: dict[tuple[str, int], list[dict[str, float]]] = {job: [] for job in jobs}
    for _ in range(rounds):
        for job in jobs:
            seen[job].append(child(*job, minutes))
            print(f"bench: {job[0]} {job[1]} rooms: {seen[job][-1]}", file=sys.stderr, flush=True)
    medians = {
        job: {name: round(statistics.median(each[name] for each in figures), 3) for name in figures[0]}
        for job, figures in seen.items()
    }
    report: dict[str, Any] = {
        "floor": {"cpu_us_per_event": medians["floor", 20]["cpu_us_per_event"]},
        "smartloop": {str(rooms): medians["smartloop", rooms] for rooms in SMARTLOOP_ROOMS},
    }
    if peers:
        report["peers"] = {peer: medians[peer, 20] for peer in PEERS}
    return report


def show(report: dict[str, Any]) -> None:
    """Print the figures beside the ones to hold."""
    small, large = report["smartloop"]["20"], report["smartloop"]["100"]
    rows = [
        ("floor, µs CPU per event", report["floor"]["cpu_us_per_event"], ""),
        ("SmartLoop, 20 rooms, µs CPU per event", small["cpu_us_per_event"], "<= 150"),
        ("SmartLoop, 100 rooms, ratio to 20", large["cpu_us_per_event"] / small["cpu_us_per_event"], "<= 1.2"),
        ("derived writes per event", small["writes_per_event"], "<= 0.3"),
        ("critical lane, p99 ms from event to call", small["critical_p99_ms"], "<= 5"),
        ("longest slice of the loop, ms", max(small["max_slice_ms"], large["max_slice_ms"]), "<= 10"),
        ("set-up of 20 rooms, ms", small["setup_ms"], "<= 1000"),
        ("memory, MiB", small["rss_mib"], "<= 15"),
    ]
    if "peers" in report:
        total = sum(peer["cpu_us_per_event"] for peer in report["peers"].values())
        rows += [(f"{name}, µs CPU per event", peer["cpu_us_per_event"], "") for name, peer in report["peers"].items()]
        rows.append(("their sum over SmartLoop", total / small["cpu_us_per_event"], ">= 5"))
    for name, value, bound in rows:
        print(f"{name:45} {value:10.2f}  {bound}")


def main() -> None:
    """Parse the arguments and go."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--peers", action="store_true", help="measure the core helpers too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--minutes", type=int, default=150, help="simulated minutes of reports, one per entity and minute"
    )
    parser.add_argument("--child", choices=SUBJECTS, help=argparse.SUPPRESS)
    parser.add_argument("--rooms", type=int, default=20, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(asyncio.run(measure(options.child, options.rooms, options.minutes))))
        return
    report = run(options.rounds, options.minutes, peers=options.peers or not options.json)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
