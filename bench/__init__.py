"""The benchmarks: ours, its peers and the floors below it, on the same clinics, in one run."""
