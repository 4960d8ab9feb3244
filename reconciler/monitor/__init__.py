"""What tells an operator how the job fares, beside its exit code: numbers in a file, and a heartbeat.

Nothing here can make a run fail, and nothing here changes anything but that file.
"""
