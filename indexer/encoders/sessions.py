"""Sessions and tokenizers of model folders: fastembed opens them for a build, and two files are enough for a query.

The one module that imports fastembed, onnxruntime and tokenizers, and only inside functions: fastembed's import costs
0.4 s, more than a search may take. Both ways give the same bytes. Nothing here goes to the network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.encoders.bundle import MODEL, TOKENIZER, Bundle
from indexer.encoders.devices import CPU, MISSING, provider_names
from indexer.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer


def verify(bundle: Bundle) -> None:
    """Compare the files to their checksums while the engines are imported, before any is read; raises ModelError."""
    with ThreadPoolExecutor(1) as pool:
        verified = pool.submit(bundle.verify, bundle.loaded)
        silence()
        import onnxruntime  # noqa: F401
        import tokenizers  # noqa: F401

        verified.result()


def open_light(
    bundle: Bundle, threads: int, providers: Sequence[str]
) -> tuple[onnxruntime.InferenceSession, Tokenizer]:
    """Open a model folder from two of its files, on the CPU or on devices; raises ModelError as `open_session`."""
    spec = bundle.spec
    tokenizer = open_tokenizer(bundle.folder / TOKENIZER, max_tokens=spec.max_tokens)
    model = bundle.folder / spec.model
    return open_session(model, threads=threads, optimize=spec.optimize, providers=providers), tokenizer


def open_with_fastembed(bundle: Bundle, threads: int) -> tuple[onnxruntime.InferenceSession, Tokenizer]:
    """Let fastembed open the folder: it registers the model under its digest, and never looks for it elsewhere."""
    silence()
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType
    from fastembed.text.custom_text_embedding import CustomTextEmbedding

    class SleepingTextEmbedding(CustomTextEmbedding):
        """fastembed's model with one more option for its session, which it has no argument for."""

        @classmethod
        def add_extra_session_options(
            cls, session_options: onnxruntime.SessionOptions, extra_options: dict[str, Any]
        ) -> None:
            super().add_extra_session_options(session_options, extra_options)
            _let_threads_sleep(session_options)

    folder, identity = str(bundle.folder), bundle.identity
    name = f"{identity.name}-{identity.digest}"
    if all(name != known["model"] for known in TextEmbedding.list_supported_models()):
        TextEmbedding.add_custom_model(
            name,
            pooling=PoolingType[bundle.spec.pooling.upper()],
            normalization=True,
            sources=ModelSource(hf=name),
            dim=identity.dims,
            model_file=MODEL,
        )
    # cache_dir names a folder that exists, because fastembed makes it; specific_model_path is what it reads.
    embedding: Any = SleepingTextEmbedding(
        name,
        cache_dir=folder,
        threads=threads or None,
        providers=["CPUExecutionProvider"],
        local_files_only=True,
        specific_model_path=folder,
    )
    embedding.tokenizer.enable_truncation(identity.max_tokens)
    return embedding.model, embedding.tokenizer


def open_session(
    model: Path | bytes, *, threads: int = 0, optimize: str = "basic", providers: Sequence[str] = ()
) -> onnxruntime.InferenceSession:
    """Open a graph, from a file or from its bytes, on the CPU or the devices that `providers` name.

    Raises ModelError when onnxruntime refuses it, and ConfigError when a device is not there.
    """
    silence()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Where the graph holds fused operators already, looking for more to fuse is most of the time of loading.
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimize == "all" else levels.ORT_ENABLE_BASIC
    options.log_severity_level = 3  # its warnings, on stderr, are of no use to who runs a build
    wanted = provider_names(providers, available=onnxruntime.get_available_providers()) if providers else [CPU]
    _let_threads_sleep(options)
    source = model if isinstance(model, bytes) else str(model)
    try:
        session = onnxruntime.InferenceSession(source, options, providers=wanted)
    except Exception as error:
        name = "the graph in memory" if isinstance(model, bytes) else model
        raise ModelError(f"{name}: onnxruntime {onnxruntime.__version__} can't load the model: {error}") from error
    if session.get_providers()[0] != wanted[0]:
        # onnxruntime falls back to the CPU by itself, where a device's libraries are missing.
        raise ModelError(f"onnxruntime can't use {wanted[0]} here, and took {session.get_providers()[0]}; {MISSING}")
    return session


def open_tokenizer(path: Path, *, max_tokens: int) -> Tokenizer:
    """Read a tokenizer.json that truncates at max_tokens and does not pad; raises ModelError when it is malformed."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelError(f"{path}: the tokenizer can't be read: {error}") from error
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def available_providers() -> list[str]:
    """Return onnxruntime's names of the devices that it was built for."""
    silence()
    import onnxruntime

    names: list[str] = onnxruntime.get_available_providers()
    return names


def silence() -> None:
    """Keep onnxruntime, once imported, from writing a device id and its events, and from sending them.

    From 1.29 on it does unless this is set before its import (ORT_DISABLE_TELEMETRY in its docs/Privacy.md), whatever
    the user has it set to: nothing leaves the machine.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def _let_threads_sleep(options: onnxruntime.SessionOptions) -> None:
    """Make threads that wait for work sleep: spinning takes the processor from whoever shares it.

    With another program on the same two cores a session did twice as many tokens a second this way.
    """
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
