"""The server: the app under waitress, with every byte of the index checked before the first request."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import waitress

from kb.errors import NoIndex, SettingError
from webapp import create_app

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase

_LOG: Final = logging.getLogger(__name__)
# A question may be long; its address, with filters, is longer once it is percent-encoded.
_REQUEST_HEADER_MAX_BYTES: Final = 64 * 1024


def serve(knowledge: KnowledgeBase, host: str, port: int) -> None:
    """Serves until it is interrupted. Raises SettingError when the address cannot be listened on."""
    settings = knowledge.settings
    try:
        knowledge.refresh(hashes=True)
    except NoIndex as error:
        _LOG.warning("%s; the pages say so until there is one", error)
    app = create_app({"KNOWLEDGE_BASE": knowledge, "QUESTION_MAX": settings.question_max})
    try:
        server = waitress.create_server(
            app,
            host=host,
            port=port,
            threads=settings.server_threads,
            ident="",
            max_request_header_size=_REQUEST_HEADER_MAX_BYTES,
        )
    except OSError as error:
        raise SettingError(
            f"http://{host}:{port} cannot be listened on: {error.strerror}; choose another with KB_HOST, KB_PORT"
        ) from error
    # A question that waits its turn is no fault; waitress would warn of each, and fill the log in a busy minute.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    sys.stderr.write(f"Critical Friend: http://{host}:{port}\n")
    try:
        server.run()
    except KeyboardInterrupt:
        _LOG.info("interrupted")
    finally:
        server.close()
