"""Leave a message with the deed; relay it to the queue; run its job until its effect is written."""
