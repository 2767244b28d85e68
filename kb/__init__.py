import os

# One question is one thread's work: a second thread for a product of 3,000 vectors saves nothing, and waits for the
# processor beside other requests (seen: 0.04 ms became 190 ms). It must be said before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
