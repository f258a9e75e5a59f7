"""Cameras in the network: RTSP, and MJPEG over HTTP (RFC 2046 multipart/x-mixed-replace) as phones send it.

FFmpeg could read MJPEG too, but OpenCV then stretches every frame to the size of the first one: a phone turned on its
side would show squeezed people. The standard library's client also asks no proxy, so the stream stays in the network.
Cameras sign their certificates themselves, so over HTTPS none is asked for, as FFmpeg asks for none.
"""

import base64
import http.client
import os
import ssl
from urllib.parse import unquote, urlsplit

import cv2

from app.capture.sources.base import HICCUPS, NATIVE_WAIT_S, Opener, Pixels, Source, decoded, next_frame, open_capture
from app.errors import CameraError
from app.wording import Wording

SCHEMES = ("rtsp", "rtsps", "http", "https")
_MAX_FRAME = 32 << 20
_MAX_HEADERS = 30
_MAX_LINE = 4096


def address(text: str) -> str:
    """What a person typed as the address of a stream: without a scheme it is one of HTTP, as in a browser. A file or
    folder stays what it is."""
    text = text.strip()
    return text if "://" in text or os.path.exists(text) else f"http://{text}"


def stream_opener(address: str) -> Opener:
    """How to open the stream at `address`. Raises CameraError when it cannot be an address of one."""
    scheme = address.split("://", 1)[0].lower()
    try:
        host = urlsplit(address).hostname
    except ValueError:
        host = None
    if scheme not in SCHEMES:
        raise CameraError(
            Wording('Spyglass cannot read "{scheme}" streams.', scheme=scheme),
            "Give an address that starts with rtsp:// or http://.",
        )
    if not host:
        raise CameraError(
            "The address of the stream names no machine.", "Write it like http://192.168.0.20:8080/video."
        )
    return lambda: _open_http(address) if scheme in ("http", "https") else StreamSource(address)


class StreamSource:
    """What FFmpeg reads from a network. Its waits are limited, so that its thread ends."""

    def __init__(self, address: str) -> None:
        wait = NATIVE_WAIT_S * 1000
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, wait, cv2.CAP_PROP_READ_TIMEOUT_MSEC, wait]
        self._capture = open_capture(address, cv2.CAP_FFMPEG, limits)
        # Passwords may stand in an address; only the machine's name is ever shown.
        self._host = urlsplit(address).hostname or ""
        if not self._capture.isOpened():
            raise CameraError(
                Wording("Nothing that is a video answers at {host}.", host=self._host),
                "Check the address, and that the camera is on and in the same network.",
            )

    def read(self) -> Pixels:
        frame = next_frame(self._capture)
        if frame is None:
            what = Wording("The stream from {host} broke off.", host=self._host)
            raise CameraError(what, "Check that the camera is on and in reach.")
        return frame

    def close(self) -> None:
        self._capture.release()


class MjpegSource:
    """Frames of one HTTP answer."""

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, boundary: bytes, host: str
    ) -> None:
        self._connection, self._response = connection, response
        self._boundary = boundary
        self._host = host

    def read(self) -> Pixels:
        try:
            for _ in range(HICCUPS):
                frame = decoded(self._part())
                if frame is not None:
                    return frame
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._broke(repr(error)) from error
        raise self._broke("not JPEG")

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def _part(self) -> bytes:
        """The body of the next part. Raises ValueError where the stream is not what it says."""
        for _ in range(_MAX_HEADERS):
            if self._boundary in self._line():
                break
        else:
            raise ValueError("no boundary")
        length = 0
        for _ in range(_MAX_HEADERS):
            line = self._line().strip()
            if not line:
                break
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not 0 <= length <= _MAX_FRAME:
            raise ValueError("a length that cannot be")
        return self._response.read(length) if length else self._unmeasured()

    def _unmeasured(self) -> bytes:
        """A body without Content-Length: up to the end-of-image marker before the next boundary."""
        body = bytearray()
        while not body[-64:].rstrip().endswith(b"\xff\xd9"):
            body += self._line(_MAX_FRAME)
            if len(body) > _MAX_FRAME:
                raise ValueError("a frame without an end")
        return bytes(body)

    def _line(self, limit: int = _MAX_LINE) -> bytes:
        line = self._response.readline(limit)
        if not line:
            raise ValueError("the end")
        return line

    def _broke(self, detail: str) -> CameraError:
        what = Wording("The stream from {host} broke off.", host=self._host)
        return CameraError(what, "Check that the camera is on and in reach.", detail)


def _open_http(address: str) -> Source:
    """The stream at an address of HTTP; one that is not MJPEG is left to FFmpeg. Raises CameraError."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"User-Agent": "Spyglass"}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    connection: http.client.HTTPConnection | None = None
    try:
        connection = _connection(parts.scheme.lower(), host, parts.port)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection is not None:
            connection.close()
        raise CameraError(
            Wording("Nothing that is a video answers at {host}.", host=host),
            "Check the address, and that the camera is on and in the same network.",
            repr(error),
        ) from error
    if response.status in (401, 403):
        response.close()
        connection.close()
        raise CameraError(
            Wording("The camera at {host} wants a password.", host=host),
            "Write the address like http://name:password@host/.",
        )
    kind, boundary = response.headers.get_content_type(), response.headers.get_boundary()
    if response.status == 200 and kind.startswith("multipart/") and boundary:
        return MjpegSource(connection, response, boundary.strip("-").encode(), host)
    response.close()
    connection.close()
    return StreamSource(address)


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=NATIVE_WAIT_S)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=NATIVE_WAIT_S, context=trusting)
