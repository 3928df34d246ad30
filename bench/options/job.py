"""The validation job of `npm run bench:options`: a fixed amount of work on every core. Arguments: processes, iterations."""

import multiprocessing
import sys

from app import work

if __name__ == "__main__":
    processes, iterations = int(sys.argv[1]), int(sys.argv[2])
    with multiprocessing.Pool(processes) as pool:
        pool.map(work, [iterations] * processes)
