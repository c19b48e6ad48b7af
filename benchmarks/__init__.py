"""Measure eventlet beside its peers, in one run, as ratios: ``python -m benchmarks --help``.

How a figure comes about:

- Every contender runs in a process of its own, from a virtual environment of its own, and every
  such process is pinned to the same core where the platform can.
- The processes of one subject live side by side and take turns, round by round (A B C A B C ...),
  so that what disturbs the machine for a while disturbs all of them.
- A round is short, and preceded by a garbage collection. The ratio to ours is taken within each
  round; what is reported is the median of the rounds and the range of their middle half.
- Subjects that keep one core busy are measured in processor time, user and system, which others
  that use the machine take nothing from; subjects with a process on each side in elapsed time.

- Two contenders are limits, and no peers: `c`, what the machine can do, and `floor`, what a library
  of green threads in pure Python can do at best.

`subjects` holds one module a subject, with one function a contender that does the same work.
"""
