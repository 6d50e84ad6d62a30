"""What only the demo needs: its office, its processes, a stand-in for WeChat. A production start uses none of it."""
