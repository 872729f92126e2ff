"""Writes references.npy, float32[n, 384]: the vectors of texts.json by the float32 graph.

python -m pipelines.export_model --variant fp32 --out build/fp32
python tests/data/encoder/make_references.py build/fp32
"""

import json
import sys
from pathlib import Path

import numpy as np

from indexer.encoders.onnx import load

here = Path(__file__).parent
texts = json.loads((here / "texts.json").read_text(encoding="utf-8"))
encoder = load(Path(sys.argv[1]), threads=1, light=True)
np.save(here / "references.npy", np.vstack([encoder.encode([text]) for text in texts]), allow_pickle=False)
