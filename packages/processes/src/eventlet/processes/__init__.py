"""Child processes that a green thread talks to and waits for while the others run on."""

from ._pool import ProcessPool as ProcessPool
from ._process import Process as Process
from ._remote import wrap as wrap
from ._remote_pool import RemotePool as RemotePool
from ._version import __version__ as __version__
from ._workers import WorkerPool as WorkerPool
from ._workers import map_in_processes as map_in_processes
from ._workers import run_in_process as run_in_process
from .errors import DeadProcess as DeadProcess
from .errors import PoolClosed as PoolClosed
from .errors import ProcessError as ProcessError
from .errors import RemoteError as RemoteError
from .errors import RemoteTraceback as RemoteTraceback

__all__ = [
    "DeadProcess",
    "PoolClosed",
    "Process",
    "ProcessError",
    "ProcessPool",
    "RemoteError",
    "RemotePool",
    "RemoteTraceback",
    "WorkerPool",
    "__version__",
    "map_in_processes",
    "run_in_process",
    "wrap",
]

# Tracebacks, pickles and docs show the name that users type.
for _name in __all__:
    if getattr(globals()[_name], "__module__", "").startswith(__name__ + "."):
        globals()[_name].__module__ = __name__
del _name
