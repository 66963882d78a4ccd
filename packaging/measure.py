"""Size and start-up time of the one file: `python packaging/measure.py`, as root for cold starts.

A start is the time from exec to the log's "serving on": unpacking, migrating a new database,
listening. Cold means that the kernel's caches were emptied before (proc(5), drop_caches), so that
the file comes from the disk. The median of ten is told.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

FILE = Path(__file__).parent.parent / "dist" / "botyard-linux-x86_64"
CACHES = Path("/proc/sys/vm/drop_caches")
RUNS = 10


def start(*, cold: bool) -> tuple[float, int]:
    """One start.

    Returns:
        Seconds, and the bytes that it unpacked.
    """
    with tempfile.TemporaryDirectory(prefix="botyard-measure-") as folder:
        if cold:
            os.sync()
            CACHES.write_text("3")
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603
            [FILE, "serve", "--port", "0", "--data-dir", f"{folder}/data"],
            env={"TMPDIR": folder}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if re.search("serving on", line):
                break
        took = time.perf_counter() - began
        unpacked = [path for top in Path(folder).glob("[_s]*") for path in top.rglob("*")]
        size = sum(
            path.stat().st_size for path in unpacked if path.is_file() and not path.is_symlink()
        )
        process.terminate()
        process.communicate()
        return took, size


def main() -> None:
    """Measure, and print a table."""
    kinds = {"warm": False, "cold": True} if os.access(CACHES, os.W_OK) else {"warm": False}
    start(cold=False)
    # In turn, so that what else the machine does falls on both.
    runs = [{kind: start(cold=cold) for kind, cold in kinds.items()} for _ in range(RUNS)]
    print(f"size            {FILE.stat().st_size / 1e6:6.1f} MB")
    print(f"unpacked        {runs[0]['warm'][1] / 1e6:6.1f} MB")
    for kind in kinds:
        print(f"start, {kind}     {statistics.median(run[kind][0] for run in runs):6.2f} s")


if __name__ == "__main__":
    main()
