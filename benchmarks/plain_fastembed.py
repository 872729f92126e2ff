"""The baseline of cold_build: a plain fastembed loop, default batches, fp32 model, over texts in a JSON file.

python -m benchmarks.plain_fastembed TEXTS.json MODEL_FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType


def main() -> None:
    """Embed every text and print how many."""
    texts, folder = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2]
    TextEmbedding.add_custom_model(
        "minilm-fp32",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="minilm-fp32"),
        dim=384,
        model_file="model.onnx",
    )
    model = TextEmbedding("minilm-fp32", specific_model_path=folder, cache_dir=folder)
    print(sum(1 for _ in model.embed(texts)))


if __name__ == "__main__":
    main()
