"""YAML in: what the files in git say, each thing with its place. Nothing above this folder knows YAML or a schema."""
