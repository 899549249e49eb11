"""The stages of the pass, each a plain function or class; none imports another."""
