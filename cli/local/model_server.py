"""The model server of the embedded cloud: llmock on a socket that it is handed.

uvicorn's own `--fd` takes every socket for a Unix one, so that asyncio leaves Nagle's algorithm on: each answer would
take 40 ms longer.
"""

import socket
import sys

import uvicorn


def main() -> None:
    """Serve on the socket whose file descriptor is the only argument."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    uvicorn.Server(uvicorn.Config("llmock.main:app", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
