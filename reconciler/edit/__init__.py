"""YAML out: region files changed with their comments kept, and written all or none. It is given good files."""
