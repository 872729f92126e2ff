"""Where a graph runs: execution providers of onnxruntime, by short names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from indexer.errors import ConfigError

CPU = "CPUExecutionProvider"
PROVIDERS: Mapping[str, str] = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
MISSING = (
    "install codebase-indexer[gpu] in place of onnxruntime, as docs/encoders.md says, or leave encoder.providers out"
)


def provider_names(providers: Sequence[str], *, available: Sequence[str]) -> list[str]:
    """Return onnxruntime's names of providers, of which `available` has the first at least.

    Raises ConfigError for a name that there is not, and for a device that this onnxruntime was not built for: nothing
    runs on the CPU unless that is asked for.
    """
    short = {name: own for own, name in PROVIDERS.items()}
    unknown = [name for name in providers if name not in PROVIDERS]
    if unknown:
        raise ConfigError(f"encoder.providers: there is no {unknown[0]!r}; there are {', '.join(PROVIDERS)}")
    wanted = [PROVIDERS[name] for name in providers]
    missing = [name for name in wanted if name not in available]
    if missing:
        there = ", ".join(short[name] for name in available if name in short)
        raise ConfigError(f"encoder.providers: onnxruntime has no {short[missing[0]]} here, only {there}; {MISSING}")
    return wanted
