"""Every rule, one file per subject.

Rules are pure generators over what their stage sees. None does I/O, none knows how it is printed.
"""
