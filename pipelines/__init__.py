"""The Beam side: the flow, its stages, publishing and the command line. Nothing outside this package imports Beam."""
