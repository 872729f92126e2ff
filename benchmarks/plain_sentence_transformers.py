"""A baseline of side_by_side_encoders: sentence-transformers with its defaults, on PyTorch, in another environment.

    PYTHON benchmarks/plain_sentence_transformers.py TEXTS.json MODEL_FOLDER

Imports nothing of this project, which that environment lacks. Prints the seconds that all texts took, after a few.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from sentence_transformers import SentenceTransformer


def main() -> None:
    """Embed every text and print the seconds."""
    texts, folder = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2]
    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    model.encode(texts[:20])
    start = time.perf_counter()
    model.encode(texts)
    print(json.dumps(time.perf_counter() - start))


if __name__ == "__main__":
    main()
