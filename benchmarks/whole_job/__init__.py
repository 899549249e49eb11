"""The whole job beside its peers: one night, many ways to score it, one table. The command: benchmarks/whole_job.py."""
