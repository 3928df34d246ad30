"""The validation job of `npm run bench:options`: a fixed amount of work on every core. Arguments: processes, iterations.

Prints the seconds that the work took.
"""

import multiprocessing
import sys
import time

from app import work

if __name__ == "__main__":
    processes, iterations = int(sys.argv[1]), int(sys.argv[2])
    began = time.monotonic()
    with multiprocessing.Pool(processes) as pool:
        pool.map(work, [iterations] * processes)
    print(time.monotonic() - began, flush=True)
