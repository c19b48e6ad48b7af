"""Count the words of files: one green thread reads lines, several count, through a bounded channel.

    python producer_consumer.py FILE...

The channel holds so many lines and no more: a reader that is ahead waits for the counters.
"""

import sys
from collections import Counter
from collections.abc import Iterable

from eventlet.coros import Channel, Nursery

COUNTERS = 4
LINES_AHEAD = 100


def count_words(lines: Iterable[str]) -> Counter[str]:
    channel: Channel[str] = Channel(max_size=LINES_AHEAD)
    total: Counter[str] = Counter()
    # Leaving the block waits for all; if one fails, the others are cancelled.
    with Nursery() as nursery:
        nursery.spawn(produce, channel, lines)
        for _ in range(COUNTERS):
            nursery.spawn(consume, channel, total)
    return total


def produce(channel: Channel[str], lines: Iterable[str]) -> None:
    for line in lines:
        channel.send(line)
    channel.close()  # ends the consumers, when they have taken what is in it


def consume(channel: Channel[str], total: Counter[str]) -> None:
    for line in channel:
        total.update(line.split())  # nobody else runs between here and the next wait: no lock


def lines_of(paths: list[str]) -> Iterable[str]:
    for path in paths:
        with open(path, encoding="utf-8") as file:
            yield from file


if __name__ == "__main__":
    for word, number in count_words(lines_of(sys.argv[1:])).most_common(10):
        print(f"{number:8} {word}")
