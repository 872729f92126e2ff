"""What the static table is fitted to: the transformer's own vectors of the texts, and of tokens by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from indexer.encoders.bundle import BUNDLED
from indexer.encoders.onnx import load
from pipelines.export.static.teacher import taught, teach, vectors_alone
from pipelines.export_static import read_vocabulary

TEXTS = ["open a socket", "close a socket", "def parse_header(line):\n    return line.split(':')"]


def test_what_is_taught_are_the_encoder_s_vectors_whatever_the_lengths(tmp_path: Path) -> None:
    vocabulary = read_vocabulary()
    teach(TEXTS, tmp_path, seconds=600)
    known = taught(TEXTS, tmp_path, vocabulary=len(vocabulary))
    assert known.texts == TEXTS
    np.testing.assert_allclose(known.vectors, load(BUNDLED, threads=1, light=True).encode(TEXTS), atol=1e-3)
    assert known.occurrences[vocabulary.index("socket")] == 2
    # A text's vector is the mean of its tokens' states.
    assert known.occurrences.sum() == 5 + 5 + len(load(BUNDLED, threads=1, light=True).prepare(TEXTS[2:]).ids)


def test_a_token_by_itself_is_the_encoder_s_vector_of_it() -> None:
    vocabulary = read_vocabulary()
    alone = vectors_alone([[vocabulary.index("socket")]], vocabulary.index("[CLS]"), vocabulary.index("[SEP]"))
    np.testing.assert_allclose(alone, load(BUNDLED, threads=1, light=True).encode(["socket"]), atol=1e-3)
