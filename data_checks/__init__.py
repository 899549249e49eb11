"""Measures that merge, expectations, quarantine, drift, the gate and the reports."""
