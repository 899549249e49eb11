from __future__ import annotations

import sys
from pathlib import Path

# The modules in gx_fuzz are shared by several tests. pytest imports tests by their path, so that none finds another.
sys.path.insert(0, str(Path(__file__).parent))
