"""Compare the topology engine with its oracles on random images, by the thousand.

    python -m benchmarks.check_topology [PART ...] [--count N] [--seed S]

Parts, all of them without a name: persistence, large, distances, betti, matching, defects, repairs.
Each stops at the first mismatch with the seed and shape that show it. The tests run a small share
of the same comparisons; the oracles (GUDHI, CubicalRipser, POT, brute force) are needed.
"""

import argparse
import importlib
import sys
import time

PARTS = {
    "persistence": ("persistence", "check", 10_000),
    "large": ("persistence", "check_large", 100),
    "distances": ("distances", "check", 1_000),
    "betti": ("betti", "check", 10_000),
    "matching": ("matching", "check", 10_000),
    "defects": ("defects", "check", 10_000),
    "repairs": ("repairs", "check", 300),
}
"""Name of a part: its module in `benchmarks.checks`, the function in it, cases by default."""


def main() -> int:
    """Run the parts asked for and say how many cases agreed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--count", type=int, help="cases of each part; default: of its own")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random images")
    asked = parser.parse_args()
    for part in asked.parts or PARTS:
        module, function, usual = PARTS[part]
        check = getattr(importlib.import_module(f"benchmarks.checks.{module}"), function)
        began = time.perf_counter()
        compared = check(asked.count or usual, seed=asked.seed)
        took = time.perf_counter() - began
        print(f"{part}: {compared:,} cases, no mismatch ({took:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
