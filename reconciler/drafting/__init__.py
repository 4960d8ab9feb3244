"""What region files should say: each module drafts one kind of change, for people to look at before it is written."""
