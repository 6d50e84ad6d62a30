"""What the office tells people: reporters through the channel they left, officers inside the console."""
