"""Settings from presets, files, the environment and the command line to one `Config`, each knowing where it is from."""

from .load import Chosen, Setting, effective_settings, load_config, preset_names, user_file, user_models
from .repository import REPOSITORY_FILE, REPOSITORY_MAY_SET

__all__ = [
    "REPOSITORY_FILE",
    "REPOSITORY_MAY_SET",
    "Chosen",
    "Setting",
    "effective_settings",
    "load_config",
    "preset_names",
    "user_file",
    "user_models",
]
