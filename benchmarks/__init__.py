"""Side by side against what a user would pick instead, in one process; times are reported, never tested."""
