"""Snapshots of the primitives, for those who watch them; see their ``statistics()``."""

from __future__ import annotations

from typing import NamedTuple


class EventStatistics(NamedTuple):
    """An `Event`: whether something was sent, and how many wait."""

    is_sent: bool
    waiting: int


class SemaphoreStatistics(NamedTuple):
    """A semaphore: the permits that are there, how many wait for one, and to give one."""

    permits: int
    acquiring: int
    releasing: int


class LockStatistics(NamedTuple):
    """A lock: whether somebody has it, and how many wait for it."""

    is_locked: bool
    waiting: int


class ConditionStatistics(NamedTuple):
    """A `Condition`: how many wait to be notified."""

    waiting: int


class BarrierStatistics(NamedTuple):
    """A `Barrier`: how many are enough, how many wait, and whether it is broken."""

    parties: int
    waiting: int
    is_broken: bool


class MetaphoreStatistics(NamedTuple):
    """A `Metaphore`: its counter, and how many wait for zero."""

    counter: int
    waiting: int


class QueueStatistics(NamedTuple):
    """A queue or channel: messages, how many wait to receive and to send, whether it is closed."""

    messages: int
    receiving: int
    sending: int
    is_closed: bool


class CoroutinePoolStatistics(NamedTuple):
    """A `CoroutinePool`: its size, how many run, and how many calls wait for room."""

    max_size: int
    running: int
    waiting: int


class PoolStatistics(NamedTuple):
    """A `Pool`: its limit, how many items there are, how many are free, and how many wait."""

    max_size: int
    current_size: int
    free_items: int
    waiting: int
