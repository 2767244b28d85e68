"""The server: the app under waitress, with every byte of the index checked before the first request."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final

import waitress

from kb.errors import NoIndex, SettingError
from webapp import create_app

if TYPE_CHECKING:
    from flask import Flask

    from kb.knowledge import KnowledgeBase

_LOG: Final = logging.getLogger(__name__)
# Beyond this waitress answers by itself, in two words. A far too long question is to meet our own page, in any script:
# 20,000 characters of four bytes, each of them three characters once it is percent-encoded, and some filters.
_REQUEST_HEADER_MAX_BYTES: Final = 256 * 1024
# The same of bodies. A pasted report that is far too long meets our own page; what is beyond all sense does not.
_REQUEST_BODY_MAX_BYTES: Final = 2 * 1024 * 1024


def serve(knowledge: KnowledgeBase, host: str, port: int) -> None:
    """Serves until it is interrupted. Raises SettingError when the address cannot be listened on."""
    settings = knowledge.settings
    try:
        knowledge.refresh(hashes=True)
    except NoIndex as error:
        _LOG.warning("%s; the pages say so until there is one", error)
    app = create_app({"KNOWLEDGE_BASE": knowledge, "QUESTION_MAX": settings.question_max})
    server = listen(app, host, port, settings.server_threads)
    # A question that waits its turn is no fault; waitress would warn of each, and fill the log in a busy minute.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    sys.stderr.write(f"Critical Friend: http://{host}:{port}\n")
    try:
        server.run()
    except KeyboardInterrupt:
        _LOG.info("interrupted")
    finally:
        server.close()


def listen(app: Flask, host: str, port: int, threads: int) -> Any:
    """waitress's server on that address, ready to run. Raises SettingError when the address cannot be listened on."""
    try:
        return waitress.create_server(
            app,
            host=host,
            port=port,
            threads=threads,
            ident="",
            max_request_header_size=_REQUEST_HEADER_MAX_BYTES,
            max_request_body_size=_REQUEST_BODY_MAX_BYTES,
            # waitress would put a body of half a megabyte into a file. Nothing that is pasted is written to a disk.
            inbuf_overflow=2 * _REQUEST_BODY_MAX_BYTES,
        )
    except (OSError, ValueError) as error:
        # waitress tells of a host that has no address by a bare ValueError.
        reason = error.strerror if isinstance(error, OSError) else "there is no such host"
        raise SettingError(
            f"http://{host}:{port} cannot be listened on: {reason}; choose another with KB_HOST, KB_PORT"
        ) from error
