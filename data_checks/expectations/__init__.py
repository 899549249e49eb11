"""One family of expectations a module: what each counts in a batch, and what it finds in the merged counts."""
