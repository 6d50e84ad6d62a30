"""Address → division → jurisdiction. Pure below ``service.py``: no Flask, no database."""
