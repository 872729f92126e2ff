"""What all tests need of their surroundings."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# A run started in the background inherits an ignored SIGINT, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Hundreds of programs are started, and each would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")
