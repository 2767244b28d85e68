"""Serves the app over the made-up library, with waitress, as `kb serve` does; prints the port and goes on.

Usage: serve_made_up.py [--without-index] [--failing WORDS]
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from made_up_library import MadeUpLibrary

from webapp import create_app
from webapp.serve import listen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--without-index", action="store_true")
    parser.add_argument("--failing", default="", help="every question fails, with these words in the exception")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG)
    library = MadeUpLibrary(without_index=arguments.without_index)
    if arguments.failing:
        library.failure = ValueError(arguments.failing)
    app = create_app({"KNOWLEDGE_BASE": library, "QUESTION_MAX": 2000})
    server = listen(app, "127.0.0.1", 0, 4)
    sys.stdout.write(f"{server.effective_port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
