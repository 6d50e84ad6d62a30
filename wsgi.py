"""The program's door: ``wsgi:app`` for servers, ``flask --app wsgi`` for commands."""

from __future__ import annotations

import gc
import sys

from app import create_app
from app.foundation.config import SettingsRefused

try:
    app = create_app()
except SettingsRefused as refusal:
    sys.exit(str(refusal))
gc.freeze()  # what was loaded stays: the collector looks at requests alone, and forked workers share the pages
gc.set_threshold(20_000, 10, 10)  # a request leaves some thousands of objects; to look after every 700 costs 3 %
