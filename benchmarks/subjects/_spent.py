"""What the work of a process and of its children has cost."""

import resource


def processor_time() -> float:
    """Return the seconds that this process and the children that it has reaped have run."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)
