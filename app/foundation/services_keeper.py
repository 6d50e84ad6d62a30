"""The process that runs the embedded services for commands: `python -m app.foundation.services_keeper DATA_DIR`.

`LocalServices.ensure_running()` starts it; it leaves with the last command that uses the services.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.foundation.local_services import CLAIMED_BY_ANOTHER, LocalServices, ServicesClaimedError
from app.foundation.postgres_cluster import LocalServicesError
from app.foundation.supervisor import ChildFailedError, StopRequested


def main(data_dir: Path) -> int | str:
    """Keep the services of `data_dir`; return the exit code, or what went wrong."""
    try:
        LocalServices(data_dir).keep()
    except StopRequested:
        return 0
    except ServicesClaimedError:
        return CLAIMED_BY_ANOTHER
    except (LocalServicesError, ChildFailedError) as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
