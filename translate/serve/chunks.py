"""An answer in parts, of which nobody knows how long it is: RFC 9112, section 7.1."""

from io import BufferedIOBase


class Chunks:
    """Writes an answer in chunks, the last of which is empty: without it browsers know that the answer broke off."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream

    def write(self, content: bytes) -> int:
        """Write a chunk."""
        if content:
            self._stream.write(b"%x\r\n%b\r\n" % (len(content), content))
        return len(content)

    def flush(self) -> None:
        """Do nothing: nothing waits."""

    def end(self) -> None:
        """Say that this was all."""
        self._stream.write(b"0\r\n\r\n")
