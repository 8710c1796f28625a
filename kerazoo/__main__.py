"""``python -m kerazoo`` is the command ``kerazoo``."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # With ``-m`` Python looks for modules in the user's folder first.
        del sys.path[0]
    from kerazoo.cli import main

    main()
