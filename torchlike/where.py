"""``python -m torchlike.where torch.cumsum`` prints the file and line that implement a name.

To be run, not imported: as ``torchlike.where`` the module would hide the function ``torch.where``.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from .cli import main

    sys.exit(main(["where", *sys.argv[1:]]))
