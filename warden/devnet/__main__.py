"""`python -m warden.devnet`: the process of Warden with `--home`, a devnet alone with `--dir`."""

import sys

if __name__ == "__main__":
    if any(each == "--dir" or each.startswith("--dir=") for each in sys.argv[1:]):
        from warden.devnet import alone

        sys.exit(alone.main())
    from warden.devnet import main

    sys.exit(main.main())
