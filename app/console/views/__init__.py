"""Rows of the office put into the words and shapes that the templates name at their heads."""
