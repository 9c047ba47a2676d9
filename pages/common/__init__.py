"""What several pages share."""

import os

# Read when torch is first imported, so here, before anything else of the house. Each visitor's work is small: one
# thread a computation is fastest under load, since the threads of several would wait for one another. A machine with
# one visitor and large networks may set it higher.
os.environ.setdefault("OMP_NUM_THREADS", "1")
