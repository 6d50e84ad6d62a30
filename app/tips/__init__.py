"""Intake: what a person said, who said it (sealed, apart), and how the person follows it."""
