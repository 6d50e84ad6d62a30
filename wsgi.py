"""The program's door: ``wsgi:app`` for servers, ``flask --app wsgi`` for commands."""

from __future__ import annotations

import sys

from app import create_app
from app.foundation.config import SettingsRefused

try:
    app = create_app()
except SettingsRefused as refusal:
    sys.exit(str(refusal))
