"""People and units: who works where, who is signed in, and the reporters' WeChat sessions."""
