"""The result of a run as something to read: JSON documents, and the text that is made from them.

Knows the results, and nothing of how they came to be.
"""
