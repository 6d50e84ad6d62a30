"""The program's door: ``wsgi:app`` for servers, ``flask --app wsgi`` for commands."""

from __future__ import annotations

import sys

from app import create_app, spare_the_collector
from app.foundation.config import SettingsRefused

try:
    app = create_app()
except SettingsRefused as refusal:
    sys.exit(str(refusal))
spare_the_collector()
